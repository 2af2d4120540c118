"""Counters in the text format of Prometheus."""

from __future__ import annotations

import re
from pathlib import Path

from genre_edge.health import Health, SinkHealth, SourceHealth
from genre_edge.settings.tables import WebConfig
from genre_edge.web.hub import Hub
from genre_edge.web.metrics import metrics

from tests.web.conftest import client_of, service_state


def values(text: str) -> dict[str, float]:
    """The value of each series, its name without the prefix."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            assert series not in found, f"{series}: a series comes once"
            found[series.removeprefix("genre_edge_")] = float(value)
    return found


def listening() -> Health:
    return Health(
        [SourceHealth("", "listening", 11, 2, 1.5, 3, 4)],
        sinks=[
            SinkHealth("history", written=5, failures=6, dropped=7),
            SinkHealth('webhook "a"', written=8, failures=9, dropped=10, stopped="by a fault"),
        ],
    )


def test_every_counter_has_the_value_of_what_it_counts(tmp_path: Path) -> None:
    health = listening()
    hub = Hub(health, 2)
    viewer = hub.watch()
    next(viewer)
    hub.viewers_cut = 1
    state = service_state(WebConfig(), tmp_path, health, hub)
    state.uploads.done, state.uploads.refused, state.windows = 12, 13, 14
    assert values(metrics(state)) == {
        "up": 0,  # an output has stopped
        "uploads_total": 12,
        "uploads_refused_total": 13,
        "posted_windows_total": 14,
        "viewers": 1,
        "viewers_cut_total": 1,
        "paused": 0,
        "windows_total": 11,
        "device_losses_total": 2,
        "gaps_total": 4,
        "dropped_audio_seconds_total": 1.5,
        "driver_overflows_total": 3,
        'sink_written_total{sink="history"}': 5,
        'sink_written_total{sink="webhook \\"a\\""}': 8,
        'sink_failures_total{sink="history"}': 6,
        'sink_failures_total{sink="webhook \\"a\\""}': 9,
        'sink_dropped_total{sink="history"}': 7,
        'sink_dropped_total{sink="webhook \\"a\\""}': 10,
        'sink_up{sink="history"}': 1,
        'sink_up{sink="webhook \\"a\\""}': 0,
    }


def test_sources_with_names_are_a_series_each(tmp_path: Path) -> None:
    sources = [SourceHealth("kitchen", "listening", 11), SourceHealth("radio", "lost", 7, 2)]
    found = values(metrics(service_state(WebConfig(), tmp_path, Health(sources))))
    assert "windows_total" not in found
    assert found['windows_total{source="kitchen"}'] == 11
    assert found['device_losses_total{source="radio"}'] == 2
    assert found['source_up{source="kitchen"}'] == 1
    assert found['source_up{source="radio"}'] == 0
    assert found["up"] == 1


def test_sinks_of_one_name_are_one_series(tmp_path: Path) -> None:
    health = Health(sinks=[SinkHealth("webhook a", written=n) for n in (1, 2)])
    health.sinks[0].stopped = "by a fault"
    found = values(metrics(service_state(WebConfig(), tmp_path, health)))
    assert found['sink_written_total{sink="webhook a"}'] == 3
    assert found['sink_up{sink="webhook a"}'] == 0, "one that has stopped is not hidden"


def test_every_series_is_described_before_it_comes(tmp_path: Path) -> None:
    text = metrics(service_state(WebConfig(), tmp_path, listening(), Hub(Health(), 1)))
    described: set[str] = set()
    for line in text.splitlines():
        if found := re.fullmatch(r"# TYPE (\w+) (counter|gauge)", line):
            described.add(found[1])
            assert found[1].endswith("_total") == (found[2] == "counter")
        elif not line.startswith("# HELP "):
            assert re.match(r"\w+", line)[0] in described


def test_a_microphone_that_is_lost_is_not_up(tmp_path: Path) -> None:
    client = client_of(WebConfig(), tmp_path, Health([SourceHealth(state="lost")]))
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert values(answer.text)["up"] == 0
    health = client.get("/healthz")
    assert (health.status_code, health.json) == (
        503,
        {"status": "waiting", "detail": "microphone: lost"},
    )
