"""What a fleet's database says of one device."""

from __future__ import annotations

import time

from genre_edge.fleet.batch import sort_out
from genre_edge.fleet.months import Believed
from genre_edge.fleet.reading import hour_seconds, label_seconds
from genre_edge.fleet.writing import write
from genre_edge.records import iso8601

from tests.helpers.fleet import incoming, stretch_payload

HOUR = time.time() // 3600 * 3600 - 7200
"""The beginning of an hour, UTC, s since 1970."""


def test_a_stretch_counts_for_the_hours_that_it_is_in(store) -> None:
    now = time.time()
    heard = (
        ("jazz", HOUR + 10, HOUR + 40),
        ("rock", HOUR + 40, HOUR + 50.5),
        ("jazz", HOUR + 3590, HOUR + 3620),
        ("pop", HOUR + 3620, HOUR + 3620),
    )
    messages = [
        incoming("bar/stretch", stretch_payload(k, a, label=label, end=iso8601(b)), now)
        for k, (label, a, b) in enumerate(heard)
    ]
    messages.append(incoming("shop/stretch", stretch_payload(9, HOUR + 10), now))
    write(store, sort_out(messages, "music", Believed(), now), now)
    assert hour_seconds(store, "bar", HOUR, 9) == [
        (HOUR, "jazz", 40.0),
        (HOUR, "rock", 10.5),
        (HOUR + 3600, "jazz", 20.0),
        (HOUR + 3600, "pop", 0.0),
    ]
    assert hour_seconds(store, "bar", HOUR + 3600, 9) == [(HOUR + 3600, "pop", 0.0)]
    assert hour_seconds(store, "bar", HOUR, 1) == [(HOUR + 3600, "pop", 0.0)], "the latest"
    assert label_seconds(store, "bar", HOUR) == {"jazz": 60.0, "rock": 10.5, "pop": 0.0}
