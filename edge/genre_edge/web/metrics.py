"""Counters in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ..health import Health, SinkHealth, SourceHealth
from .state import WebState


def metrics(state: WebState) -> str:
    """Write all counters, for /metrics.

    Parameters
    ----------
    state
        The service; what a microphone hears is left out where nobody listens.

    Returns
    -------
    str
        Text format 0.0.4. Every name starts with genre_edge_.
    """
    lines = [*_service_metrics(state)]
    if state.health is not None:
        lines += [*_listening_metrics(state.health), *_sink_metrics(state.health.sinks)]
    return "".join(lines)


def _service_metrics(state: WebState) -> Iterator[str]:
    up = int(state.trouble() is None)
    yield _metric("up", "gauge", "1 if the model, the microphone and the outputs work", up)
    uploads = state.uploads
    yield _counter("uploads_total", "uploads classified", uploads.done)
    yield _counter("uploads_refused_total", "uploads refused: too many at once", uploads.refused)
    yield _counter("posted_windows_total", "windows classified for clients", state.windows)
    if state.hub is not None:
        yield _metric("viewers", "gauge", "live viewers", state.hub.viewers)
        yield _counter(
            "viewers_cut_total", "live viewers disconnected: too slow", state.hub.viewers_cut
        )


_OF_A_SOURCE: tuple[tuple[str, str, Callable[[SourceHealth], float]], ...] = (
    ("windows_total", "windows heard", lambda one: one.windows),
    ("device_losses_total", "times the device was lost", lambda one: one.losses),
    ("gaps_total", "interruptions of the audio", lambda one: one.gaps),
    (
        "dropped_audio_seconds_total",
        "audio dropped: program too slow",
        lambda one: round(one.dropped_seconds, 3),
    ),
    ("driver_overflows_total", "times the driver lost audio", lambda one: one.overflows),
)
"""Name, description and value of each counter of a source."""


def _listening_metrics(health: Health) -> Iterator[str]:
    """The counters of the source; of sources with names, one series each."""
    for name, text, value in _OF_A_SOURCE:
        yield _head(name, "counter", text)
        for one in health.sources:
            yield _series(name, "source", one.name, value(one))
    yield _metric("paused", "gauge", "1 while nobody is to listen", int(health.is_paused))
    if health.named:
        yield _head("source_up", "gauge", "1 if audio comes from the source")
        for one in health.named:
            yield _series("source_up", "source", one.name, int(not one.is_deaf))


def _sink_metrics(sinks: Sequence[SinkHealth]) -> Iterator[str]:
    yield _per_sink("written", "records written", sinks, lambda sink: sink.written)
    yield _per_sink("failures", "failures", sinks, lambda sink: sink.failures)
    yield _per_sink("dropped", "records lost", sinks, lambda sink: sink.dropped)
    is_up = {sink.name: 1 for sink in sinks}
    is_up |= {sink.name: 0 for sink in sinks if sink.stopped}
    yield _of_sinks("sink_up", "gauge", "1 if the thread of the output works", is_up)


def _per_sink(
    name: str, text: str, sinks: Sequence[SinkHealth], value: Callable[[SinkHealth], int]
) -> str:
    """One counter with a value for each sink; sinks of one name are added up."""
    totals: dict[str, int] = {}
    for sink in sinks:
        totals[sink.name] = totals.get(sink.name, 0) + value(sink)
    return _of_sinks(f"sink_{name}_total", "counter", text, totals)


def _of_sinks(name: str, kind: str, text: str, values: Mapping[str, int]) -> str:
    """One metric with a value for each sink by its name."""
    lines = [_series(name, "sink", sink, value) for sink, value in values.items()]
    return "".join([_head(name, kind, text), *lines])


def _counter(name: str, text: str, value: float) -> str:
    return _metric(name, "counter", text, value)


def _series(name: str, label: str, of: str, value: float) -> str:
    """One value, of whom the label says; without a label if that is empty."""
    quoted = of.replace("\\", "\\\\").replace('"', '\\"')
    labels = f'{{{label}="{quoted}"}}' if of else ""
    return f"genre_edge_{name}{labels} {value}\n"


def _metric(name: str, kind: str, text: str, value: float) -> str:
    return f"{_head(name, kind, text)}genre_edge_{name} {value}\n"


def _head(name: str, kind: str, text: str) -> str:
    return f"# HELP genre_edge_{name} {text}\n# TYPE genre_edge_{name} {kind}\n"
