"""What a fleet's database says: of all devices, and of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .device_rows import DeviceRow, read_devices
from .messages import source_troubles
from .store import Store

SILENT_SECONDS = 300.0
"""A device that was not heard of for so long is silent, s: ten health messages."""
CLOCK_SECONDS = 60.0
"""A clock that is further off is in trouble, s."""


@dataclass(frozen=True)
class HeardStretch:
    """A stretch of one label. Times are UTC, s since 1970."""

    source: str
    """What was heard."""
    label: str
    """What a person is shown."""
    started: float
    """Its first window's start."""
    ended: float
    """Its last window's end."""
    confidence: float | None
    """Mean confidence; None in silence."""


@dataclass(frozen=True)
class NotedChange:
    """What changed of a device."""

    noticed: float
    """When, UTC, s since 1970."""
    what: str
    """online, state, trouble, model or version."""
    value: str
    """What it is since then."""


def all_devices(store: Store) -> list[DeviceRow]:
    """Every device, by name."""
    return list(read_devices(store).values())


def presence(row: DeviceRow, now: float, silent_after: float = SILENT_SECONDS) -> str:
    """Whether a device is there: "online", "offline" (it or the broker says so), or
    "silent" (nothing came for some minutes).

    Parameters
    ----------
    row : DeviceRow
        The device.
    now : float
        UTC, s since 1970.
    silent_after : float
        A device that was not heard of for longer is silent, s.
    """
    if row.online is False:
        return "offline"
    is_recent = row.last_seen is not None and now - row.last_seen <= silent_after
    return "online" if is_recent else "silent"


def age_text(seconds: float) -> str:
    """A time in one number: 12 s, 5 min, 3 h, 9 d."""
    whole = max(0, round(seconds))
    for length, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * length:
            return f"{whole // length} {name}"
    return f"{whole} s"


def clock_trouble(row: DeviceRow, most_off: float = CLOCK_SECONDS) -> str:
    """What is wrong with a device's clock; empty if it is no further off than
    `most_off`, s."""
    if row.clock_ahead is None or abs(row.clock_ahead) <= most_off:
        return ""
    return f"clock {abs(row.clock_ahead):.0f} s {'ahead' if row.clock_ahead > 0 else 'behind'}"


def microphone_trouble(row: DeviceRow) -> str:
    """What is wrong with a device's microphone or sources; empty if nothing is."""
    return "; ".join(source_troubles(row.state or ""))


def output_trouble(row: DeviceRow) -> str:
    """What else is wrong with a device by its own account; empty if nothing is."""
    heard = source_troubles(row.state or "")
    return "; ".join(one for one in (row.trouble or "").split("; ") if one not in heard)


def trouble_of(row: DeviceRow) -> str:
    """What is wrong with a device by its own account, and with its clock, in one line;
    empty if nothing is."""
    return "; ".join(one for one in (row.trouble, clock_trouble(row)) if one)


def stretches_of(store: Store, device: str, since: float, most: int) -> Sequence[HeardStretch]:
    """The latest stretches of a device, in order.

    Parameters
    ----------
    store : Store
        An open one.
    device : str
        Its name.
    since : float
        What began before is left out, UTC, s since 1970.
    most : int
        Stretches to read.
    """
    rows = store.run(
        "SELECT source, label, started, ended, confidence FROM stretches "
        "WHERE device = ? AND started >= ? ORDER BY started DESC LIMIT ?",
        (device, store.moment(since), most),
    )
    return [
        HeardStretch(source, label, store.seconds(a) or 0.0, store.seconds(b) or 0.0, sure)
        for source, label, a, b, sure in reversed(rows)
    ]


def label_seconds(store: Store, device: str, since: float) -> dict[str, float]:
    """How long each label was heard, s, the longest first."""
    length = f"{_epoch(store, 'ended')} - {_epoch(store, 'started')}"
    rows = store.run(
        f"SELECT label, sum({length}) AS seconds FROM stretches "
        "WHERE device = ? AND started >= ? GROUP BY label ORDER BY seconds DESC",
        (device, store.moment(since)),
    )
    return {label: round(float(seconds), 3) for label, seconds in rows}


def hour_seconds(
    store: Store, device: str, since: float, most: int
) -> list[tuple[float, str, float]]:
    """How long each label was heard in each hour, in order: the hour's beginning (UTC,
    s since 1970), label, s. `most` rows at most, the latest.

    What goes on after an hour counts for the next one, and for no other: stretches are
    at most ten minutes long.
    """
    started, ended = _epoch(store, "started"), _epoch(store, "ended")
    hour = "CAST(started / 3600 AS INTEGER)" if started == "started" else f"floor({started} / 3600)"
    rows = store.run(
        f"WITH heard AS (SELECT label, {started} AS a, {ended} AS b, {hour} * 3600 AS hour "
        "FROM stretches WHERE device = ? AND started >= ?) "
        "SELECT hour, label, sum(seconds) AS total FROM ("
        "SELECT hour, label, CASE WHEN b < hour + 3600 THEN b ELSE hour + 3600 END - a AS seconds "
        "FROM heard UNION ALL "
        "SELECT hour + 3600, label, CASE WHEN b < hour + 7200 THEN b - hour - 3600 ELSE 3600 END "
        "FROM heard WHERE b > hour + 3600) AS cut GROUP BY hour, label "
        "ORDER BY hour DESC, total LIMIT ?",
        (device, store.moment(since), most),
    )
    return [
        (float(hour), label, round(float(seconds), 3)) for hour, label, seconds in reversed(rows)
    ]


def _epoch(store: Store, column: str) -> str:
    """A time in a statement, s since 1970."""
    is_number = isinstance(store.moment(0.0), float)
    return column if is_number else f"extract(epoch FROM {column})"


def changes_of(store: Store, device: str, since: float, most: int) -> Sequence[NotedChange]:
    """What changed of a device, in order: the latest, as `stretches_of`."""
    rows = store.run(
        "SELECT noticed, what, value FROM changes WHERE device = ? AND noticed >= ? "
        "ORDER BY noticed DESC LIMIT ?",
        (device, store.moment(since), most),
    )
    return [
        NotedChange(store.seconds(noticed) or 0.0, what, value or "")
        for noticed, what, value in reversed(rows)
    ]
