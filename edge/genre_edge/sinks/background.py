"""A sink behind a queue and a thread of its own: it can be slow, fail or hang, and
nothing else waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import GenreEdgeError
from .sink import CLOSE_SECONDS, HoldingSink, Sink, StillWaiting
from .worker import QUEUE_LENGTH, Worker

if TYPE_CHECKING:
    from ..health import SinkHealth
    from ..records import Record


_TEND_SECONDS = 5.0
"""Without a record for so long, a sink may deliver what it holds, s."""


class BackgroundSink:
    """Hands records to another sink on a thread.

    `write` never raises. For live audio it never blocks either: when the queue is full
    the oldest record is dropped and counted. With `wait`, for files, it blocks instead.
    An error of the inner sink is kept in its health, and the next record is tried.
    What counts as delivered, and as its end of trouble, is what the inner sink says it
    has delivered.
    """

    def __init__(
        self,
        inner: Sink,
        entry: SinkHealth,
        report: Callable[[str], None] = lambda text: None,
        wait: bool = False,
        most: int = QUEUE_LENGTH,
    ) -> None:
        """Make the queue; `start` starts the thread.

        Parameters
        ----------
        inner : Sink
            Where records go; only the thread uses it.
        entry : SinkHealth
            Its counters.
        report : callable
            Takes a line when the inner sink begins to fail and when it works again.
        wait : bool
            Whether `write` waits when the queue is full.
        most : int
            Records that may wait.
        """
        self._inner, self._entry, self._report = inner, entry, report
        self._failing = self._is_writing = False
        self._worker = Worker(self._run, entry, report, wait, most)

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def write(self, record: Record) -> None:
        """Queue one record."""
        self._worker.put(record)

    def close(self, within: float = CLOSE_SECONDS) -> None:
        """Let the inner sink finish, for `within` seconds at most. What is left then,
        in the queue or in its hands, is counted as dropped."""
        if self._worker.close(within):
            return
        inner = self._inner
        self._entry.dropped += inner.held if isinstance(inner, HoldingSink) else self._is_writing
        self._failed(GenreEdgeError(f"{self._entry.name}: did not finish within {within:g} s"))

    def _run(self) -> None:
        inner = self._inner
        pause = _TEND_SECONDS if isinstance(inner, HoldingSink) else None
        while True:
            record = self._worker.take(pause)
            if record is not None:
                self._write(record)
            elif self._worker.deadline is not None and not len(self._worker):
                break
            elif isinstance(inner, HoldingSink):
                self._tend(inner)
        try:
            self._delivered(self._inner.close() or 0)
        except Exception as error:  # as in _write
            self._failed(error)

    def _write(self, record: Record) -> None:
        self._is_writing = True
        try:
            delivered = self._inner.write(record)
            self._delivered(1 if delivered is None else delivered)
        except StillWaiting as error:
            self._failed(error)
        except Exception as error:  # an error in one sink must not stop the others
            self._entry.dropped += 1
            self._failed(error)
        finally:
            self._is_writing = False

    def _tend(self, inner: HoldingSink) -> None:
        try:
            self._delivered(inner.tend())
        except Exception as error:  # as in _write
            self._failed(error)

    def _delivered(self, count: int) -> None:
        """Count what was delivered. Only that is a sign that trouble is over."""
        self._entry.written += count
        if count and self._failing:
            self._failing = False
            self._report(f"{self._entry.name}: works again")

    def _failed(self, error: Exception) -> None:
        self._entry.failed(str(error) or type(error).__name__, time.time())
        if not self._failing:
            self._failing = True
            self._report(self._entry.trouble)


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
