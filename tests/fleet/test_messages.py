"""What devices publish as rows: what is agreed is taken, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from genre_edge.fleet.batch import sort_out
from genre_edge.fleet.device_rows import DeviceRow
from genre_edge.fleet.messages import (
    BadMessage,
    HealthNote,
    StatusNote,
    StretchRow,
    WindowRow,
    parse,
)
from genre_edge.fleet.months import Believed, month_of, months_before, start_of
from genre_edge.fleet.reading import (
    clock_trouble,
    microphone_trouble,
    output_trouble,
    trouble_of,
)
from genre_edge.fleet.subscribing import Subscribing
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.fleet import health_payload, incoming, stretch_payload

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "mqtt.json").read_text())
NOON = 1_790_000_000.0
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def test_what_devices_publish_is_understood() -> None:
    """The same file holds the publisher to it."""
    for stretch in GOLDEN["stretches"]:
        row = parse("music/shelf/stretch", json.dumps(stretch).encode(), "music")
        assert isinstance(row, StretchRow)
        assert (row.device, row.label, row.windows) == (
            "shelf",
            stretch["label"],
            stretch["windows"],
        )
        assert row.ended - row.started == 3.0 * row.windows
    for window in GOLDEN["windows"]:
        row = parse("music/shelf/bar/window", json.dumps(window).encode(), "music")
        assert isinstance(row, WindowRow)
        assert (row.device, row.genre, row.ended - row.started) == ("shelf", window["genre"], 3.0)
    for status in GOLDEN["status"]:
        found = parse("music/shelf/status", status.encode(), "music")
        assert found == StatusNote("shelf", status == "online")
    assert {*json.loads(health_payload(NOON))} <= {*GOLDEN["health keys"]}


def test_windows_of_files_have_no_time_and_are_of_no_interest() -> None:
    window = GOLDEN["windows"][0] | {"file": "a.mp3", "time": None}
    assert parse("music/shelf/window", json.dumps(window).encode(), "music") is None


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"start": "yesterday"}, "start is no time"),
        ({"start": "2026-03-01T12:00:00"}, "start is no time with a zone"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start is no time with a zone"),
        ({"end": "9999-12-31T23:59:59.999999Z"}, "end is no time with a zone"),
        ({"end": "2000-01-01T00:00:00Z"}, "end is before its start"),
        ({"label": ""}, "label is no text"),
        ({"label": "a\0b"}, "label has letters that no database takes"),
        ({"label": "\ud800"}, "label has letters that no database takes"),
        ({"id": "x" * 301}, "id is no text"),
        ({"windows": -1}, "windows is no count"),
        ({"windows": True}, "windows is no count"),
        ({"windows": 2**40}, "windows is no count"),
        ({"confidence": 1.5}, "confidence is not between 0 and 1"),
        ({"confidence": float("nan")}, "confidence is not between 0 and 1"),
        ({"confidence": "high"}, "confidence is no number"),
    ],
)
def test_a_field_that_is_not_as_agreed_is_named(change, reason) -> None:
    payload = json.dumps(json.loads(stretch_payload(1, NOON)) | change).encode()
    with pytest.raises(BadMessage, match=reason):
        parse("music/shelf/stretch", payload, "music")


@given(
    st.sampled_from(["stretch", "window", "health", "status"]),
    st.binary(max_size=40)
    | JSON.map(lambda values: json.dumps(values).encode())
    | st.sampled_from([b"[" * 100_000, b"1" * 5000, b'{"windows": 1e999}'])
    | st.dictionaries(st.sampled_from(list(json.loads(stretch_payload(1, NOON)))), JSON).map(
        lambda change: json.dumps(json.loads(stretch_payload(1, NOON)) | change).encode()
    )
    | st.dictionaries(st.sampled_from(GOLDEN["health keys"]), JSON).map(
        lambda change: json.dumps(json.loads(health_payload(NOON)) | change).encode()
    ),
)
def test_whatever_comes_is_a_row_or_a_bad_message(kind, payload) -> None:
    try:
        found = parse(f"music/shelf/{kind}", payload, "music")
    except BadMessage:
        return
    assert found is None or found.device == "shelf"


def test_a_device_has_no_more_sources_than_a_row_can_tell() -> None:
    sources = {f"s{number}": {"state": "listening"} for number in range(101)}
    payload = json.dumps({"state": "listening", "model": "m", "sources": sources}).encode()
    with pytest.raises(BadMessage, match="sources are more than 100"):
        parse("music/shelf/health", payload, "music")


def test_health_tells_what_does_not_work() -> None:
    sinks = [
        {"name": "a", "stopped": "a: stopped by KeyError", "trouble": "", "trouble_time": 0.0},
        {"name": "b", "stopped": "", "trouble": "b: no answer", "trouble_time": NOON - 10},
        {"name": "c", "stopped": "", "trouble": "c: long ago", "trouble_time": NOON - 9999},
        {"name": "d", "stopped": "", "trouble": "d: \udcff", "trouble_time": 10**400},
    ]
    sources = {"bar": {"state": "listening"}, "cellar": {"state": "dead"}}
    note = parse("m/shelf/health", health_payload(NOON, sinks=sinks, sources=sources), "m")
    assert isinstance(note, HealthNote)
    assert note.trouble == "cellar dead; a: stopped by KeyError; b: no answer; d: \\udcff"
    assert note.state == "bar: listening, cellar: dead"
    old = json.loads(health_payload(NOON))
    del old["version"], old["time"]
    note = parse("m/shelf/health", json.dumps(old).encode(), "m")
    assert isinstance(note, HealthNote)
    assert (note.version, note.time) == (None, None), "a device of an earlier version"


def test_a_device_that_is_paused_on_purpose_has_no_trouble() -> None:
    sources = {"bar": {"state": "paused"}, "roof": {"state": "lost"}}
    note = parse("m/shelf/health", health_payload(NOON, sources=sources), "m")
    assert isinstance(note, HealthNote)
    assert (note.state, note.trouble) == ("bar: paused, roof: lost", "roof lost")


def test_what_is_wrong_is_told_apart_by_what_it_is_about() -> None:
    row = DeviceRow("shelf", NOON, state="bar: listening, roof: lost", clock_ahead=-61.0)
    row.trouble = "roof lost; mqtt: no answer; disk: full"
    assert microphone_trouble(row) == "roof lost"
    assert output_trouble(row) == "mqtt: no answer; disk: full"
    assert clock_trouble(row) == "clock 61 s behind"
    assert trouble_of(row) == "roof lost; mqtt: no answer; disk: full; clock 61 s behind"


def test_wild_times_go_to_the_quarantine() -> None:
    """A clock that starts in 1970, or is a year ahead, must not make partitions."""
    times = [0.0, NOON - 86_400, NOON, NOON + 3600, NOON + 2 * 86_400, NOON + 1e9]
    messages = [
        incoming("shelf/stretch", stretch_payload(k, at), NOON) for k, at in enumerate(times)
    ]
    without_end = stretch_payload(9, NOON, end="2200-01-01T00:00:00Z")
    messages.append(incoming("shelf/stretch", without_end, NOON))
    batch = sort_out(messages, "music", Believed(), NOON)
    assert [row.started for row in batch.stretches] == times[1:4]
    assert [row.started for row in batch.quarantined] == [0.0, *times[4:], NOON]
    assert len(batch.months) == 1


@given(st.integers(0, 200 * 12), st.integers(-500, 500))
def test_months_are_counted_back_and_forth(number, count) -> None:
    month = (1970 + number // 12, number % 12 + 1)
    assert months_before(months_before(month, count), -count) == month
    assert month_of(start_of(month)) == month
    assert month_of(start_of(month) - 1) == months_before(month, 1)


def test_every_device_is_in_one_part() -> None:
    parts = [Subscribing(part=k, parts=3) for k in (1, 2, 3)]
    owners = [[part.is_mine(f"pi-{k}") for part in parts] for k in range(600)]
    assert all(sum(one) == 1 for one in owners)
    assert min(map(sum, zip(*owners, strict=True))) > 150, "about as many in each"
