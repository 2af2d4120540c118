"""Windows joined to stretches: consecutive windows of one source with one label."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..records import Record

_JOIN_SECONDS = 1.0
"""Longest hole between two windows of one stretch, s."""


@dataclass
class Stretch:
    """Consecutive windows with one label."""

    source: str
    """The device's token, or a file."""
    label: str
    """What a person is shown."""
    start: float
    """UTC, s since 1970."""
    end: float
    """UTC, s since 1970."""
    windows: int = 0
    """Windows in it."""
    total: float = 0.0
    """Sum of their confidences; silence adds nothing."""
    row: int | None = None
    """Its row once it has been written."""

    @property
    def confidence(self) -> float | None:
        """Mean confidence; None in silence."""
        return round(self.total / self.windows, 4) if self.total else None


class Stretches:
    """The stretch that grows, of each source, and those that a record finishes."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        longest_seconds: float = math.inf,
        files: bool = True,
    ) -> None:
        """Begin with nothing.

        Parameters
        ----------
        clock : callable
            Gives the time, UTC, s since 1970: a file counts as heard from when its
            first window comes.
        longest_seconds : float
            A stretch that would last longer is finished, and another one begun, s.
        files : bool
            Whether windows of files count too.
        """
        self._clock, self._longest, self._files = clock, longest_seconds, files
        self.growing: dict[str | None, Stretch] = {}
        """Of each source by its name; None: without one."""
        self._file_began: float | None = None

    def window_of(self, record: Record) -> Stretch | None:
        """A window as a stretch of its own; None for what is no window."""
        from datetime import datetime

        from ..records import LiveRecord, WindowRecord, valid_utf8

        if isinstance(record, LiveRecord):
            start = datetime.fromisoformat(record.time).timestamp()
            end = start + record.end - record.start
            confidence = record.smoothed_confidence or 0.0
            return Stretch(record.source, record.label, start, end, 1, confidence)
        if isinstance(record, WindowRecord) and self._files:
            if self._file_began is None:
                self._file_began = self._clock()
            start, end = self._file_began + record.start, self._file_began + record.end
            name = valid_utf8(record.file)
            return Stretch(name, record.label, start, end, 1, record.confidence or 0.0)
        return None

    def add(self, record: Record) -> Stretch | None:
        """Take a window, a gap, a state or the end of a file; returns the stretch that
        it finishes."""
        from ..records import FileRecord, GapRecord, StateRecord, source_name_of

        name, window = source_name_of(record), self.window_of(record)
        if window is not None:
            return self._extend(name, window)
        if isinstance(record, FileRecord):
            self._file_began = None
            return self.growing.pop(None, None)
        is_break = isinstance(record, GapRecord) or (
            isinstance(record, StateRecord) and record.state != "listening"
        )
        return self.growing.pop(name, None) if is_break else None

    def finish(self) -> dict[str | None, Stretch]:
        """End all that grow; returns them by their sources' names."""
        found, self.growing = self.growing, {}
        return found

    def _extend(self, name: str | None, window: Stretch) -> Stretch | None:
        """Add a window to its source's stretch, or begin a new one with it; returns the
        one that is finished then."""
        current = self.growing.get(name)
        if (
            current is None
            or (current.source, current.label) != (window.source, window.label)
            or window.start > current.end + _JOIN_SECONDS
            or window.end < current.end - _JOIN_SECONDS  # the clock was set back
            or window.end - current.start > self._longest
        ):
            self.growing[name] = window
            return current
        # Windows overlap when the hop is shorter than a window: a stretch ends where
        # its last window does.
        current.end = max(current.end, window.end)
        current.windows += 1
        current.total += window.total
        return None
