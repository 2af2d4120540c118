"""A thread with a bounded queue of records in front of it: what sinks that may be slow
are made of."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..health import SinkHealth
    from ..records import Record

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Pause before a thread that died is started again, s: doubled each time."""
QUEUE_LENGTH = 1000
"""Records that may wait for a sink."""


def _no_wake() -> None:
    """A thread that waits in `take` needs nothing more."""


class Worker:
    """Hands records to a thread, oldest first.

    Live audio must never wait: when the queue is full, the oldest record is dropped and
    counted. Files can wait: then `put` blocks until there is room. A thread that dies
    is reported and started again.
    """

    def __init__(
        self,
        run: Callable[[], None],
        entry: SinkHealth,
        report: Callable[[str], None],
        wait: bool,
        most: int = QUEUE_LENGTH,
        wake: Callable[[], None] = _no_wake,
    ) -> None:
        """Make the worker; `start` starts its thread.

        Parameters
        ----------
        run : callable
            What the thread does. It ends when `deadline` is set and `take` gives
            nothing more. After an exception it is called again.
        entry : SinkHealth
            Names the thread, and counts what is dropped.
        report : callable
            Takes a line when the thread has died.
        wait : bool
            Whether `put` waits for room.
        most : int
            Records that may wait.
        wake : callable
            Called after each change; for a thread that waits elsewhere than in `take`.
        """
        self._run, self._entry, self._report = run, entry, report
        self._wait, self._most, self._wake = wait, most, wake
        self._records: deque[Record] = deque()
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._thread = threading.Thread(
            target=self._supervise, name=f"sink {entry.name}", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def _supervise(self) -> None:
        """Do the thread's work, again after each death; once more at the end, so that
        what waits gets a chance."""
        pause = _FIRST_PAUSE
        while True:
            is_last = self._deadline is not None
            try:
                self._run()
                return
            except Exception as error:  # a fault of the program: nobody expected it
                told = f"{self._entry.name}: stopped by {type(error).__name__}: {error}"
            self._entry.failed(told, time.time())
            self._entry.stopped = told
            with suppress(Exception):
                self._report(f"{told}; it is started again")
            if is_last:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._deadline is not None, pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)
            self._entry.stopped = ""

    def put(self, record: Record) -> None:
        """Queue one record."""
        with self._changed:
            while self._wait and len(self._records) >= self._most and self.is_working:
                self._changed.wait(1.0)  # a thread that died would wake nobody
            if len(self._records) >= self._most:
                self._records.popleft()
                self._entry.dropped += 1
            self._records.append(record)
            self._changed.notify_all()
            self._wake()

    def take(self, timeout: float | None = None) -> Record | None:
        """Take the oldest record.

        Parameters
        ----------
        timeout : float or None
            Longest wait for a record, s; None: as long as it takes.

        Returns
        -------
        Record or None
            None if there is none in time, or when the worker closes and the queue is
            empty.
        """
        with self._changed:
            self._wait_for_records(timeout)
            if not self._records:
                return None
            record = self._records.popleft()
            self._changed.notify_all()
            return record

    def take_all(self, timeout: float | None = None) -> list[Record]:
        """Take every record that waits, as `take` does."""
        with self._changed:
            self._wait_for_records(timeout)
            records = list(self._records)
            self._records.clear()
            self._changed.notify_all()
            return records

    def _wait_for_records(self, timeout: float | None) -> None:
        self._changed.wait_for(lambda: self._records or self._deadline is not None, timeout)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def deadline(self) -> float | None:
        """When the thread must have finished, in the time of time.monotonic(); None
        until `close`."""
        return self._deadline

    def close(self, within: float, grace: float = 0.0) -> bool:
        """Have the thread finish; returns False if it is still at work then. A second
        call does nothing.

        Parameters
        ----------
        within : float
            Time until `deadline`, s.
        grace : float
            Time that the thread may take beyond it, s. Records that still wait then
            are counted as dropped.
        """
        with self._changed:
            if self._deadline is not None:
                return True
            self._deadline = time.monotonic() + within
            self._changed.notify_all()
            self._wake()
        if self._thread.ident is not None:  # it was started
            self._thread.join(within + grace)
        with self._changed:
            self._entry.dropped += len(self._records)
            self._records.clear()
        return not self.is_working

    @property
    def is_working(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()
