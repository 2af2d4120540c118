"""A sink behind a queue and a thread of its own: it can be slow, fail or hang, and
nothing else waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .sink import CLOSE_SECONDS, Sink
from .worker import QUEUE_LENGTH, Worker

if TYPE_CHECKING:
    from ..health import SinkHealth
    from ..records import Record


class BackgroundSink:
    """Hands records to another sink on a thread.

    `write` never raises. For live audio it never blocks either: when the queue is full
    the oldest record is dropped and counted. With `wait`, for files, it blocks instead.
    An error of the inner sink is kept in its health, and the next record is tried
    again.
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
        self._failing = False
        self._worker = Worker(self._run, entry, wait, most)

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def write(self, record: Record) -> None:
        """Queue one record."""
        self._worker.put(record)

    def close(self, within: float = CLOSE_SECONDS) -> None:
        """Let the inner sink finish, for `within` seconds at most; what is left then is
        counted as dropped."""
        self._worker.close(within)

    def _run(self) -> None:
        while (record := self._worker.take()) is not None:
            if self._succeeds(self._inner.write, record):
                self._entry.written += 1
        self._succeeds(self._inner.close)

    def _succeeds(self, step: Callable[..., None], *arguments: Record) -> bool:
        try:
            step(*arguments)
        except Exception as error:  # an error in one sink must not stop the others
            self._entry.failed(str(error) or type(error).__name__, time.time())
            if not self._failing:
                self._report(self._entry.trouble)
            self._failing = True
            return False
        if self._failing:
            self._report(f"{self._entry.name}: works again")
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
