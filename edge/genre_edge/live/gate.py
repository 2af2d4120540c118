"""A gate between windows: they pass side by side, and a change waits until none is
under way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import GenreEdgeError

_PATIENCE_SECONDS = 30.0
"""Longest wait for the windows under way, s; only one that hangs takes as long."""


class Gate:
    """Through it goes each window of every source; a change closes it for a moment.

    One that waits to change something comes before windows that wait: sources that
    never rest do not keep it waiting for ever.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._is_closed = False

    @contextmanager
    def window(self) -> Iterator[None]:
        """Be under way, once no change is. Not within another window or a change."""
        with self._changed:
            while self._is_closed:
                self._changed.wait()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Be alone: no window is under way. One change at a time.

        Raises
        ------
        GenreEdgeError
            If a window hangs. Then nothing was changed, and windows go on.
        """
        with self._changed:
            self._is_closed = True
            if not self._changed.wait_for(lambda: not self._inside, _PATIENCE_SECONDS):
                self._open()
                raise GenreEdgeError("a source hangs in the middle of a window")
        try:
            yield
        finally:
            with self._changed:
                self._open()

    def _open(self) -> None:
        self._is_closed = False
        self._changed.notify_all()
