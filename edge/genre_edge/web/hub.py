"""What is heard now, to any number of viewers: server-sent events, each viewer behind a
bounded queue of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from queue import Empty, Full, Queue
from typing import Any

from ..health import Health
from ..records import LiveRecord, Record, StateRecord, compact_json
from .problems import Problem

_WAITING = 300
"""Events that wait for a slow viewer before it is cut: half a minute of spectra."""
_KEEP_ALIVE_SECONDS = 10.0
_RECENT_SECONDS = 3600.0
"""How much of the past a new viewer gets."""


class Hub:
    """A sink that hands everything on to whoever watches; it waits for nobody."""

    def __init__(self, health: Health, most: int) -> None:
        self._health, self._most = health, most
        self._lock = threading.Lock()
        self._viewers: set[_Viewer] = set()
        self._recent: deque[dict[str, Any]] = deque()
        self._state: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self.cut = 0
        """Viewers that were too slow."""

    @property
    def viewers(self) -> int:
        """Who watches now."""
        return len(self._viewers)

    def write(self, record: Record) -> None:
        """Take one record."""
        data = record.to_json()
        if isinstance(record, LiveRecord):
            self._last = data
            short = {k: data[k] for k in ("time", "start", "end", "label", "confidence")}
            self._recent.append(short)
            while self._recent and record.end - self._recent[0]["start"] > _RECENT_SECONDS:
                self._recent.popleft()
            self._tell("sinks", self._sinks())
        elif isinstance(record, StateRecord):
            self._state = data
        self._tell(data["type"], data)

    def spectrum(self, levels: list[int]) -> None:
        """A coarse spectrum, 0 to 255 a band."""
        self._tell("spectrum", levels)

    def close(self) -> None:
        """Send every viewer home."""
        with self._lock:
            for viewer in self._viewers:
                viewer.cut()

    def watch(self) -> Iterator[str]:
        """The events of one viewer, from what is known already on. Problem 429 if there
        are too many."""
        viewer = _Viewer()
        with self._lock:
            if len(self._viewers) >= self._most:
                raise Problem(429, f"{self._most} viewers watch already", 30)
            self._viewers.add(viewer)
        first = [("recent", list(self._recent)), ("sinks", self._sinks())]
        first += [(data["type"], data) for data in (self._state, self._last) if data]
        return self._events(viewer, [_event(name, data) for name, data in first])

    def _events(self, viewer: _Viewer, first: list[str]) -> Iterator[str]:
        try:
            yield "retry: 2000\n\n" + "".join(first)
            while True:
                event = viewer.next(_KEEP_ALIVE_SECONDS)
                if event is None:
                    return
                yield event
        finally:
            with self._lock:
                self._viewers.discard(viewer)

    def _tell(self, name: str, data: Any) -> None:
        if not self._viewers:
            return
        event = _event(name, data)
        with self._lock:
            for viewer in self._viewers:
                if not viewer.tell(event):
                    viewer.cut()
                    self.cut += 1

    def _sinks(self) -> dict[str, Any]:
        """How the places that records go to fare."""
        return {
            "state": self._health.state,
            "dropped_seconds": round(self._health.dropped_seconds, 1),
            "sinks": [asdict(entry) for entry in self._health.sinks],
        }


class _Viewer:
    """One connection's queue."""

    def __init__(self) -> None:
        self._queue: Queue[str | None] = Queue(_WAITING)
        self._is_cut = False

    def tell(self, event: str) -> bool:
        """Whether there was room."""
        try:
            self._queue.put_nowait(event)
        except Full:
            return self._is_cut
        return True

    def cut(self) -> None:
        """End it: what waits is not sent."""
        self._is_cut = True
        with suppress(Full):
            self._queue.put_nowait(None)

    def next(self, timeout: float) -> str | None:
        """The next event; a comment if none comes in time; None at the end."""
        try:
            event = self._queue.get(timeout=timeout)
        except Empty:
            event = ": still here\n\n"
        return None if self._is_cut else event


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {compact_json(data)}\n\n"
