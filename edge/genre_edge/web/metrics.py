"""Counters in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator

from .state import WebState


def metrics(state: WebState) -> str:
    """Everything worth a graph."""
    return "".join(_lines(state))


def _lines(state: WebState) -> Iterator[str]:
    yield _metric("up", "gauge", "1 if model and source work", int(state.trouble() is None))
    yield _metric("uploads_total", "counter", "uploads classified", state.uploads.done)
    yield _metric(
        "uploads_refused_total",
        "counter",
        "uploads turned away: too many at once",
        state.uploads.refused,
    )
    yield _metric(
        "posted_windows_total", "counter", "windows classified for clients", state.windows
    )
    if state.hub is not None:
        yield _metric("viewers", "gauge", "live viewers", state.hub.viewers)
        yield _metric(
            "viewers_cut_total", "counter", "live viewers that were too slow", state.hub.cut
        )
    health = state.health
    if health is None:
        return
    yield _metric("windows_total", "counter", "windows heard", health.windows)
    yield _metric("device_losses_total", "counter", "times the device was lost", health.losses)
    yield _metric("gaps_total", "counter", "interruptions of the audio", health.gaps)
    yield _metric(
        "dropped_audio_seconds_total",
        "counter",
        "audio dropped: too slow",
        round(health.dropped_seconds, 3),
    )
    yield _metric(
        "driver_overflows_total", "counter", "times the driver lost audio", health.overflows
    )
    for number, (name, text) in enumerate(
        (("written", "records taken"), ("failures", "failures"), ("dropped", "records lost"))
    ):
        yield f"# HELP genre_edge_sink_{name}_total {text}\n"
        yield f"# TYPE genre_edge_sink_{name}_total counter\n"
        for entry in health.sinks:
            value = (entry.written, entry.failures, entry.dropped)[number]
            sink = entry.name.replace("\\", "\\\\").replace('"', '\\"')
            yield f'genre_edge_sink_{name}_total{{sink="{sink}"}} {value}\n'


def _metric(name: str, kind: str, text: str, value: float) -> str:
    head = f"# HELP genre_edge_{name} {text}\n# TYPE genre_edge_{name} {kind}\n"
    return f"{head}genre_edge_{name} {value}\n"
