"""Live events: what viewers get, and which of them are refused or disconnected."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from genre_edge.health import Health, SinkHealth, SourceHealth
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.records import GapRecord, LiveRecord, StateRecord
from genre_edge.settings.tables import WebConfig
from genre_edge.web.hub import Hub
from genre_edge.web.problems import Problem

from tests.web.conftest import client_of

LISTENING = StateRecord("2026-01-31T12:00:00.000Z", "listening", "a microphone")


def window(start: float, label: str = "jazz", source: str = "") -> LiveRecord:
    return LiveRecord(
        start=start,
        end=start + 3.0,
        genre=label,
        confidence=0.9,
        scores={label: 0.9},
        time="2026-01-31T12:00:00.000Z",
        source=source or "usb:1",
        is_named=bool(source),
        level_dbfs=-20.0,
        state="listening",
        latency_ms=1.0,
        label=label,
        smoothed_genre=label,
        smoothed_confidence=0.9,
    )


def events_in(text: str) -> list[tuple[str, Any]]:
    """(name, data) of each event, as a browser reads them."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_a_new_viewer_gets_what_is_known_and_then_what_comes() -> None:
    health = Health([SourceHealth(state="listening")], sinks=[SinkHealth("history", written=7)])
    hub = Hub(health, 2)
    hub.write(LISTENING)
    hub.write(window(0.0))
    hub.write(window(3.0, "rock"))
    viewer = hub.watch()
    recent, sinks, state, last = events_in(next(viewer))
    assert recent[0] == "recent"
    assert [piece["label"] for piece in recent[1]] == ["jazz", "rock"]
    assert sinks[1]["sinks"][0]["written"] == 7
    assert state == ("state", LISTENING.to_json())
    assert last == ("window", window(3.0, "rock").to_json())
    hub.spectrum([1, 2, 3])
    assert events_in(next(viewer)) == [("spectrum", [1, 2, 3])]
    gap = GapRecord("2026-01-31T12:00:06.000Z", 6.0, 7.0)
    hub.write(gap)
    assert events_in(next(viewer)) == [("gap", gap.to_json())]


def test_viewers_are_told_which_model_hears_and_when_it_is_another() -> None:
    hub = Hub(Health(), 2)
    first = BundleInfo("first", ("jazz", "rock"), FrontendSpec())
    hub.model(first)
    viewer = hub.watch()
    told = {"name": "first", "labels": ["jazz", "rock"], "window_seconds": 3.0}
    assert ("model", told) in events_in(next(viewer))
    hub.model(replace(first, name="second"))
    assert events_in(next(viewer)) == [("model", {**told, "name": "second"})]
    assert dict(events_in(next(hub.watch())))["model"]["name"] == "second"


def test_each_window_comes_with_the_state_of_the_sinks() -> None:
    hub = Hub(Health(), 1)
    viewer = hub.watch()
    next(viewer)
    hub.write(window(0.0))
    assert [events_in(next(viewer))[0][0] for _ in range(2)] == ["sinks", "window"]


def test_a_new_viewer_gets_an_hour_of_the_past() -> None:
    hub = Hub(Health(), 1)
    for number in range(1300):  # 65 minutes
        hub.write(window(3.0 * number))
    (_, recent), *_ = events_in(next(hub.watch()))
    assert recent[-1]["end"] - recent[0]["start"] == 3600.0


def test_a_viewer_of_one_source_gets_nothing_of_another() -> None:
    health = Health([SourceHealth("kitchen", "listening"), SourceHealth("radio", "lost")])
    hub = Hub(health, 3)
    hub.write(window(0.0, "jazz", "kitchen"))
    hub.write(window(90.0, "rock", "radio"))
    everything, kitchen = hub.watch(), hub.watch("kitchen")
    recent, sinks, last = events_in(next(kitchen))
    assert [(one["source"], one["label"]) for one in recent[1]] == [("kitchen", "jazz")]
    assert (sinks[1]["source"], sinks[1]["state"], last[1]["label"]) == (
        *("kitchen", "listening", "jazz"),
    )
    (_, recent_of_all), *_ = events_in(next(everything))
    assert [one["source"] for one in recent_of_all] == ["kitchen", "radio"]
    gap = GapRecord("2026-01-31T12:00:06.000Z", 6.0, 7.0, "radio")
    hub.write(gap)
    hub.write(window(3.0, "jazz", "kitchen"))
    assert events_in(next(everything)) == [("gap", {**gap.to_json(), "source": "radio"})]
    assert events_in(next(kitchen))[0][0] == "sinks"


def test_spectra_of_several_sources_go_to_viewers_of_one() -> None:
    hub = Hub(Health([SourceHealth("kitchen"), SourceHealth("radio")]), 3)
    everything, kitchen = hub.watch(), hub.watch("kitchen")
    next(everything), next(kitchen)
    hub.spectrum([9], "radio")
    hub.spectrum([1], "kitchen")
    assert events_in(next(kitchen)) == [("spectrum", [1])]
    hub.write(GapRecord("2026-01-31T12:00:06.000Z", 6.0, 7.0, "radio"))
    assert events_in(next(everything))[0][0] == "gap"


def test_a_new_viewer_gets_the_last_half_minute_of_the_spectrum() -> None:
    hub = Hub(Health(), 1)
    for number in range(350):
        hub.spectrum([number])
    assert events_in(next(hub.watch()))[-1] == ("spectra", [[number] for number in range(50, 350)])


def test_the_past_spectrum_of_one_of_several_sources_goes_to_its_viewers() -> None:
    hub = Hub(Health([SourceHealth("kitchen"), SourceHealth("radio")]), 3)
    hub.spectrum([9], "radio")
    assert ("spectra", [[9]]) in events_in(next(hub.watch("radio")))
    for watched in ("kitchen", None):
        assert "spectra" not in dict(events_in(next(hub.watch(watched))))


def test_an_unknown_source_is_named_with_those_there_are() -> None:
    hub = Hub(Health([SourceHealth("kitchen"), SourceHealth("radio")]), 1)
    with pytest.raises(Problem, match="no source hall; there are: kitchen, radio") as refusal:
        hub.watch("hall")
    assert refusal.value.status == 404


def test_too_many_viewers_are_refused_until_one_leaves() -> None:
    hub = Hub(Health(), 1)
    viewer = hub.watch()
    next(viewer)
    with pytest.raises(Problem, match="too many live viewers") as refusal:
        hub.watch()
    assert (refusal.value.status, refusal.value.retry_after) == (429, 30)
    viewer.close()
    viewer.close()
    assert hub.viewers == 0
    assert hub.watch()


def test_a_slow_viewer_is_disconnected_once_and_what_waited_is_not_sent() -> None:
    hub = Hub(Health(), 2)
    slow, quick = hub.watch(), hub.watch()
    next(slow), next(quick)
    for _ in range(400):
        hub.spectrum([0] * 48)
        assert events_in(next(quick))
    assert hub.viewers_cut == 1
    assert list(slow) == []
    assert hub.viewers == 1


def test_closing_the_hub_ends_every_viewer() -> None:
    hub = Hub(Health(), 2)
    viewers = [hub.watch(), hub.watch()]
    next(viewers[0])
    hub.close()
    assert [list(viewer) for viewer in viewers] == [[], []]
    assert hub.viewers == 0


def test_a_request_for_headers_alone_leaves_no_viewer_behind(tmp_path: Path) -> None:
    hub = Hub(Health(), 1)
    client = client_of(WebConfig(), tmp_path, Health(), hub)
    answer = client.head("/api/live", buffered=True)
    assert answer.mimetype == "text/event-stream"
    assert hub.viewers == 0


def test_requests_that_take_no_event_take_no_place(tmp_path: Path) -> None:
    """HEAD requests, and clients that leave before the answer begins."""
    hub = Hub(Health(), 2)
    waiting = [hub.watch() for _ in range(45)]
    client = client_of(WebConfig(), tmp_path, Health(), hub)
    for _ in range(45):
        assert client.head("/api/live").status_code == 200
    assert hub.viewers == 0
    assert [next(viewer)[:6] for viewer in waiting[:2]] == ["retry:", "retry:"]
    assert list(waiting[2]) == [], "others were quicker"
    assert hub.viewers == 2
