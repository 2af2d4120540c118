"""Live events for any number of viewers, as server-sent events. Each viewer has a
bounded queue of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from queue import Empty, Full, Queue
from typing import Any

from ..health import Health, SourceHealth
from ..model.bundle_info import BundleInfo
from ..records import LiveRecord, Record, StateRecord, compact_json, source_name_of
from .problems import Problem

_QUEUE_LENGTH = 300
"""Events that wait for a slow viewer before it is disconnected: half a minute of
spectra."""
_KEEP_ALIVE_SECONDS = 10.0
"""A viewer gets a comment after this long without an event, so that a broken connection
is noticed."""
_HISTORY_SECONDS = 3600.0
"""How much of the past a new viewer gets, s."""
_SPECTRA = 300
"""Spectra that a new viewer gets of the past: half a minute."""
_RECONNECT_MS = 2000
"""Pause before a browser connects again, ms."""


@dataclass
class _Known:
    """What a new viewer of one source gets first."""

    recent: deque[dict[str, Any]] = field(default_factory=deque)
    """Windows of the last hour, in short."""
    state: dict[str, Any] = field(default_factory=dict)
    """Its last change of state."""
    window: dict[str, Any] = field(default_factory=dict)
    """Its last window."""
    spectra: deque[list[int]] = field(default_factory=lambda: deque(maxlen=_SPECTRA))
    """Its last spectra."""

    def remember(self, window: dict[str, Any], name: str) -> None:
        """Take note of a window; forget what is an hour older."""
        short = {key: window[key] for key in ("time", "start", "end", "label", "confidence")}
        self.recent.append({**short, **_named(name)})
        while window["end"] - self.recent[0]["start"] > _HISTORY_SECONDS:
            self.recent.popleft()


class Hub:
    """A sink that sends records and spectra to all viewers, and waits for none of them.

    Parameters
    ----------
    health
        Sources and state of the program, which viewers get with each window.
    max_viewers
        Viewers at once; more are refused.
    """

    def __init__(self, health: Health, max_viewers: int) -> None:
        self._health, self._max_viewers = health, max_viewers
        self._lock = threading.Lock()
        self._viewers: set[Viewer] = set()
        self._known: dict[str, _Known] = {}
        """What is known of each source, by its name."""
        self._model: dict[str, Any] = {}
        """What is told of the model that hears; nothing until it is known."""
        self._is_closed = False
        self.viewers_cut = 0
        """Viewers that were disconnected because they were too slow."""

    @property
    def viewers(self) -> int:
        """Number of viewers now."""
        return len(self._viewers)

    def write(self, record: Record) -> None:
        """Send one record to all viewers."""
        data, name = record.to_json(), source_name_of(record) or ""
        known = self._of(name)

        def sees(viewer: Viewer) -> bool:
            return viewer.source in (None, name)

        if isinstance(record, LiveRecord):
            known.window = data
            known.remember(data, name)
            source = next(one for one in self._health.sources if one.name == name)
            self._send("sinks", self._sinks(source), sees)
        elif isinstance(record, StateRecord):
            known.state = data
        self._send(data["type"], data, sees)

    def model(self, info: BundleInfo) -> None:
        """Tell all viewers, and those to come, which model hears from now on."""
        with self._lock:
            self._model = {
                "name": info.name,
                "labels": list(info.labels),
                "window_seconds": info.frontend.window_seconds,
            }
        self._send("model", self._model, lambda viewer: True)

    def spectrum(self, levels: list[int], source: str = "") -> None:
        """Send a coarse spectrum of a source to its viewers: one level a band, 0 to
        255."""
        self._of(source).spectra.append(levels)
        self._send("spectrum", levels, lambda viewer: self._sees_spectrum(viewer, source))

    def close(self) -> None:
        """Disconnect all viewers."""
        with self._lock:
            self._is_closed = True
            for viewer in self._viewers:
                viewer.cut()

    def watch(self, source: str | None = None) -> Viewer:
        """A new viewer, which takes its place when its first event is asked for.

        Until then nothing has to be given back: a client that asks for the headers
        alone, or that leaves at once, takes no place.

        Parameters
        ----------
        source
            The name of the source whose events it gets; None: those of all. Spectra do
            not tell their source: of several sources they are sent only to viewers of
            one.

        Returns
        -------
        Viewer
            Its events: first what is known already, then what comes.

        Raises
        ------
        Problem
            404 if there is no such source, 429 if there are too many viewers.
        """
        names = [one.name for one in self._health.named]
        if source is not None and source not in names:
            raise Problem(404, f"no source {source}; there are: {', '.join(names) or 'none'}")
        if len(self._viewers) >= self._max_viewers:
            text = f"too many live viewers ({self._max_viewers}); try again later"
            raise Problem(429, text, retry_after=30)
        return Viewer(self._add, self._remove, source)

    def _add(self, viewer: Viewer) -> bool:
        with self._lock:
            if self._is_closed or len(self._viewers) >= self._max_viewers:
                return False
            viewer.offer(self._known_events(viewer.source))  # before whatever comes from now on
            self._viewers.add(viewer)
            return True

    def _known_events(self, source: str | None) -> str:
        """What a new viewer gets first."""
        seen = [one for one in self._health.sources if source in (None, one.name)]
        known = [(one, self._known.get(one.name, _Known())) for one in seen]
        events = [_event("recent", [short for _, past in known for short in list(past.recent)])]
        events += [_event("model", self._model)] if self._model else []
        for one, past in known:
            events.append(_event("sinks", self._sinks(one)))
            events += [_event(r["type"], r) for r in (past.state, past.window) if r]
            if past.spectra and self._is_spectrum_of(source, one.name):
                events.append(_event("spectra", list(past.spectra)))
        return f"retry: {_RECONNECT_MS}\n\n" + "".join(events)

    def _of(self, source: str) -> _Known:
        """What is known of a source. Its pipeline alone writes that down."""
        with self._lock:
            return self._known.setdefault(source, _Known())

    def _remove(self, viewer: Viewer) -> None:
        with self._lock:
            self._viewers.discard(viewer)

    def _send(self, name: str, data: Any, to: Callable[[Viewer], bool]) -> None:
        if not self._viewers:
            return
        event = _event(name, data)
        with self._lock:
            for viewer in filter(to, self._viewers):
                if not viewer.offer(event):
                    viewer.cut()
                    self.viewers_cut += 1

    def _sees_spectrum(self, viewer: Viewer, source: str) -> bool:
        return self._is_spectrum_of(viewer.source, source)

    def _is_spectrum_of(self, watched: str | None, source: str) -> bool:
        """Whether viewers of `watched` see the spectrum of `source`."""
        only = len(self._health.sources) == 1
        return watched == source or (watched is None and only)

    def _sinks(self, source: SourceHealth) -> dict[str, Any]:
        """State of a source, and of the places that records go to."""
        return {
            "state": source.state,
            "dropped_seconds": round(source.dropped_seconds, 1),
            "sinks": [asdict(entry) for entry in self._health.sinks],
            **_named(source.name),
        }


class Viewer(Iterator[str]):
    """The events of one connection, in the format of text/event-stream.

    It takes its place with the first event, and leaves it when it is closed or
    disconnected.
    """

    def __init__(
        self,
        on_start: Callable[[Viewer], bool],
        on_close: Callable[[Viewer], None],
        source: str | None = None,
    ) -> None:
        self.source = source
        """The name of the source whose events it gets; None: those of all."""
        self._queue: Queue[str | None] = Queue(_QUEUE_LENGTH)
        self._on_start, self._on_close = on_start, on_close
        self._has_started = self._is_cut = False

    def offer(self, event: str) -> bool:
        """Queue an event; False if the queue has just become too full."""
        try:
            self._queue.put_nowait(event)
        except Full:
            return self._is_cut
        return True

    def cut(self) -> None:
        """End the connection; events that wait are not sent."""
        self._is_cut = True
        with suppress(Full):
            self._queue.put_nowait(None)

    def __next__(self) -> str:
        """Wait for the next event; a comment if none comes in time."""
        if not self._has_started:
            self._has_started = True
            if not self._on_start(self):  # others were quicker
                raise StopIteration
        try:
            event = self._queue.get(timeout=_KEEP_ALIVE_SECONDS)
        except Empty:
            event = ": no event yet\n\n"
        if self._is_cut or event is None:
            self.close()
            raise StopIteration
        return event

    def close(self) -> None:
        """Leave the hub; closing twice does no harm."""
        self._on_close(self)


def _named(source: str) -> dict[str, Any]:
    """What belongs to a source that has a name carries it."""
    return {"source": source} if source else {}


def _event(name: str, data: Any) -> str:
    """Write one event; compact JSON holds no line break."""
    return f"event: {name}\ndata: {compact_json(data)}\n\n"
