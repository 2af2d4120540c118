"""A made-up fleet in a database: bars and shops that play music, some in trouble."""

from __future__ import annotations

import random
from collections.abc import Iterator

from genre_edge.fleet.address import parse_address
from genre_edge.fleet.batch import Incoming, sort_out
from genre_edge.fleet.months import Believed
from genre_edge.fleet.open_store import store_at
from genre_edge.fleet.writing import write
from genre_edge.records import iso8601

from tests.helpers.fleet import health_payload, incoming, stretch_payload

_PLACES = ("bar", "cellar", "foyer", "gallery", "kitchen", "lounge", "shop", "terrace")
_PROGRAMME = {
    8: ("classical", "jazz", "pop"),
    12: ("pop", "country", "disco"),
    17: ("jazz", "blues", "reggae"),
    20: ("rock", "disco", "hiphop", "metal"),
}
"""What is played from each hour on."""


def write_fleet(url: str, now: float, devices: int, days: float, seed: int = 7) -> None:
    """Write the devices into an empty database.

    Parameters
    ----------
    url : str
        The database's address.
    now : float
        UTC, s since 1970.
    devices : int
        How many there are.
    days : float
        How far back the history of the first goes; the others have half an hour.
    seed : int
        Of the chance that makes them up.
    """
    chance = random.Random(seed)
    store = store_at(parse_address(url))
    store.open()
    store.migrate()
    messages = [
        one
        for number in range(devices)
        for one in _device(
            _name(number), number, now, days * 86_400 if not number else 1800, chance
        )
    ]
    for at in range(0, len(messages), 2000):
        batch = sort_out(messages[at : at + 2000], "music", Believed(), now)
        write(store, batch, now)
    store.close()


def _name(number: int) -> str:
    place = _PLACES[number % len(_PLACES)]
    return f"{place}-{number // len(_PLACES) + 1}"


def _device(
    name: str, number: int, now: float, seconds: float, chance: random.Random
) -> Iterator[Incoming]:
    """The messages of one device in the order of time."""
    kind = chance.random() if number else 1.0
    quiet = kind < 0.06
    last = now - (chance.uniform(400, 90_000) if quiet else chance.uniform(1, 29))
    version = "0.1.0" if chance.random() < 0.1 else "0.2.0"
    start = last - seconds
    yield incoming(f"{name}/status", b"online", start)
    yield incoming(f"{name}/health", health_payload(start, version=version), start)
    for count, (label, begin, end) in enumerate(_heard(start, last, chance)):
        confidence = None if label == "silence" else round(chance.uniform(0.5, 0.95), 2)
        more = {"label": label, "end": iso8601(end), "confidence": confidence}
        yield incoming(f"{name}/stretch", stretch_payload(count, begin, **more), end)
    state = {0: "dead", 1: "lost", 2: "clipping"}.get(int(kind * 100) - 6, "listening")
    ahead = 100.0 if 0.09 <= kind < 0.1 else 0.0
    health = health_payload(last + ahead, version=version, state=state, windows=int(seconds / 3))
    yield incoming(f"{name}/health", health, last)
    if quiet and kind < 0.03:
        yield incoming(f"{name}/status", b"offline", last)


def _heard(start: float, end: float, chance: random.Random) -> Iterator[tuple[str, float, float]]:
    """Stretches of one label without a pause."""
    while start < end:
        hour = int(start // 3600) % 24
        known = [labels for begin, labels in _PROGRAMME.items() if begin <= hour]
        label = chance.choice(known[-1]) if known and chance.random() < 0.75 else "silence"
        if known and chance.random() < 0.05:
            label = "uncertain"
        stop = min(end, start + chance.uniform(60, 600))
        yield label, start, stop
        start = stop
