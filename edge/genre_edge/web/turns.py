"""Requests that take long or wait for each other: a few do, the others are told to come
again. So no crowd of them takes the threads that others need."""

from __future__ import annotations

import threading
from types import TracebackType

from .problems import Problem


class Turns:
    """A context for the work of one request.

    Parameters
    ----------
    what
        What is busy, for the message.
    at_once
        How many may work.
    waiting
        How many more may wait for that.
    """

    def __init__(self, what: str, at_once: int, waiting: int) -> None:
        self._what = what
        self._working = threading.BoundedSemaphore(at_once)
        self._admitted = threading.BoundedSemaphore(at_once + waiting)

    def __enter__(self) -> None:
        """Wait for a turn. Problem 429 if too many wait already."""
        if not self._admitted.acquire(blocking=False):
            raise Problem(429, f"{self._what}; try again in a moment", retry_after=5)
        self._working.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the next one work."""
        self._working.release()
        self._admitted.release()
