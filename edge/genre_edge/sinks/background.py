"""A sink behind a bounded queue and a thread of its own: it can be slow, fail or hang,
and nobody else waits for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ..health import SinkHealth
from ..records import Record
from .sink import CLOSE_SECONDS, Sink


class BackgroundSink:
    """Hands records to another sink on a thread.

    `write` never raises, and for live audio it never blocks: when the queue is full the
    oldest record is dropped and counted. With `wait` (for files, which can wait) it
    blocks instead. What the inner sink raises is kept in its health, and the next
    record is tried again.
    """

    def __init__(
        self,
        inner: Sink,
        health: SinkHealth,
        report: Callable[[str], None] = lambda text: None,
        wait: bool = False,
        most: int = 1000,
    ) -> None:
        """`report` gets a line when the inner sink begins to fail and when it works
        again."""
        self._inner, self._health, self._report = inner, health, report
        self._wait, self._most = wait, most
        self._failing = False
        self._waiting: deque[Record] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"sink {health.name}", daemon=True)
        self._thread.start()

    def write(self, record: Record) -> None:
        """Queue one record."""
        with self._changed:
            while self._wait and len(self._waiting) >= self._most and self._thread.is_alive():
                self._changed.wait(1.0)
            if len(self._waiting) >= self._most:
                self._waiting.popleft()
                self._health.dropped += 1
            self._waiting.append(record)
            self._changed.notify_all()

    def close(self, within: float = CLOSE_SECONDS) -> None:
        """Let the inner sink finish, for `within` seconds at most; what is left then is
        counted as dropped."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(within)
        if self._thread.is_alive():
            with self._changed:
                self._health.dropped += len(self._waiting)
                self._waiting.clear()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._waiting:
                    break
                record = self._waiting.popleft()
                self._changed.notify_all()
            if self._guarded(lambda record=record: self._inner.write(record)):  # type: ignore[misc]
                self._health.written += 1
        self._guarded(self._inner.close)

    def _guarded(self, step: Callable[[], None]) -> bool:
        """Whether the step went well."""
        try:
            step()
        except Exception as error:  # a sink's trouble is its own
            self._health.failed(str(error) or type(error).__name__, time.time())
            if not self._failing:
                self._report(self._health.trouble)
            self._failing = True
            return False
        if self._failing:
            self._report(f"{self._health.name}: works again")
        self._failing = False
        return True


class Fanout:
    """Every record to every sink."""

    def __init__(self, sinks: list[Sink]) -> None:
        self._sinks = sinks

    def write(self, record: Record) -> None:
        """Write to each, in order."""
        for sink in self._sinks:
            sink.write(record)

    def close(self) -> None:
        """Close each, the last first."""
        for sink in reversed(self._sinks):
            sink.close()
