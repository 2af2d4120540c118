"""Live events for any number of viewers, as server-sent events. Each viewer has a
bounded queue of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from queue import Empty, Full, Queue
from typing import Any

from ..health import Health
from ..records import LiveRecord, Record, StateRecord, compact_json
from .problems import Problem

_QUEUE_LENGTH = 300
"""Events that wait for a slow viewer before it is disconnected: half a minute of
spectra."""
_KEEP_ALIVE_SECONDS = 10.0
"""A viewer gets a comment after this long without an event, so that a broken connection
is noticed."""
_HISTORY_SECONDS = 3600.0
"""How much of the past a new viewer gets, s."""
_RECONNECT_MS = 2000
"""Pause before a browser connects again, ms."""


class Hub:
    """A sink that sends records and spectra to all viewers, and waits for none of them.

    Parameters
    ----------
    health
        State of the program, which viewers get with each window.
    max_viewers
        Viewers at once; more are refused.
    """

    def __init__(self, health: Health, max_viewers: int) -> None:
        self._health, self._max_viewers = health, max_viewers
        self._lock = threading.Lock()
        self._viewers: set[Viewer] = set()
        self._history: deque[dict[str, Any]] = deque()
        self._last_state: dict[str, Any] = {}
        self._last_window: dict[str, Any] = {}
        self.viewers_cut = 0
        """Viewers that were disconnected because they were too slow."""

    @property
    def viewers(self) -> int:
        """Number of viewers now."""
        return len(self._viewers)

    def write(self, record: Record) -> None:
        """Send one record to all viewers."""
        data = record.to_json()
        if isinstance(record, LiveRecord):
            self._last_window = data
            self._remember(data)
            self._send("sinks", self._sinks())
        elif isinstance(record, StateRecord):
            self._last_state = data
        self._send(data["type"], data)

    def spectrum(self, levels: list[int]) -> None:
        """Send a coarse spectrum to all viewers: one level a band, 0 to 255."""
        self._send("spectrum", levels)

    def close(self) -> None:
        """Disconnect all viewers."""
        with self._lock:
            for viewer in self._viewers:
                viewer.cut()

    def watch(self) -> Viewer:
        """Add a viewer.

        Returns
        -------
        Viewer
            Its events: first what is known already, then what comes.

        Raises
        ------
        Problem
            429 if there are too many viewers.
        """
        viewer = Viewer(self._remove)
        with self._lock:
            if len(self._viewers) >= self._max_viewers:
                text = f"too many live viewers ({self._max_viewers}); try again later"
                raise Problem(429, text, retry_after=30)
            viewer.offer(self._known_events())  # before whatever comes from now on
            self._viewers.add(viewer)
        return viewer

    def _known_events(self) -> str:
        """What a new viewer gets first."""
        known = [_event("recent", list(self._history)), _event("sinks", self._sinks())]
        for record in (self._last_state, self._last_window):
            if record:
                known.append(_event(record["type"], record))
        return f"retry: {_RECONNECT_MS}\n\n" + "".join(known)

    def _remove(self, viewer: Viewer) -> None:
        with self._lock:
            self._viewers.discard(viewer)

    def _remember(self, window: dict[str, Any]) -> None:
        short = {key: window[key] for key in ("time", "start", "end", "label", "confidence")}
        self._history.append(short)
        while window["end"] - self._history[0]["start"] > _HISTORY_SECONDS:
            self._history.popleft()

    def _send(self, name: str, data: Any) -> None:
        if not self._viewers:
            return
        event = _event(name, data)
        with self._lock:
            for viewer in self._viewers:
                if not viewer.offer(event):
                    viewer.cut()
                    self.viewers_cut += 1

    def _sinks(self) -> dict[str, Any]:
        """State of the microphone and of the places that records go to."""
        return {
            "state": self._health.state,
            "dropped_seconds": round(self._health.dropped_seconds, 1),
            "sinks": [asdict(entry) for entry in self._health.sinks],
        }


class Viewer(Iterator[str]):
    """The events of one connection, in the format of text/event-stream.

    It must be closed, also where no event was ever taken from it: a HEAD request does
    that. It ends by itself when the viewer is disconnected.
    """

    def __init__(self, on_close: Callable[[Viewer], None]) -> None:
        self._queue: Queue[str | None] = Queue(_QUEUE_LENGTH)
        self._on_close = on_close
        self._is_cut = False

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


def _event(name: str, data: Any) -> str:
    """Write one event; compact JSON holds no line break."""
    return f"event: {name}\ndata: {compact_json(data)}\n\n"
