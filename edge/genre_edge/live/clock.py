"""Wall-clock time of samples: the audio clock, held to the system's clocks."""

from __future__ import annotations

from ..audio.source import Arrival

_FOLLOW = 0.02
"""Share of the difference that each block makes up for: jitter averages out, drift is
followed."""
_STEP_SECONDS = 0.5
"""A larger change of the system's clock against its monotonic clock is a step (NTP
after boot) and is taken over at once, s."""
_LATE_SECONDS = 0.5
"""A block that comes later than this is late, and says nothing of the time, s."""
_LATE_FOR_SECONDS = 30.0
"""If all blocks of so long a time are late, audio was lost that nobody has reported,
s."""


class AudioClock:
    """Tells the UTC time of any sample of one stream.

    A sound card's clock drifts against the system's, and a Pi's system clock jumps when
    NTP first answers. Samples are held to the monotonic clock, which does not jump, and
    that to the wall's. So a block that comes late is no step.

    Parameters
    ----------
    sample_rate
        Rate of the stream, Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._offset: float | None = None  # monotonic time of position 0
        self._wall = 0.0  # time() minus monotonic()
        self._late_since: float | None = None
        self._least_late = 0.0

    def observe(self, position: int, arrived: Arrival) -> float:
        """Take note that the sample before `position` was delivered.

        Parameters
        ----------
        position
            Index of a sample.
        arrived
            When, on both clocks.

        Returns
        -------
        float
            By how much the system clock stepped, s; 0 if it did not.
        """
        measured = arrived.monotonic - arrived.late - position / self._rate
        wall = arrived.utc - arrived.monotonic
        if self._offset is None:
            self._offset, self._wall = measured, wall
            return 0.0
        step = wall - self._wall
        self._wall = wall
        self._follow(measured - self._offset, arrived.monotonic)
        return step if abs(step) > _STEP_SECONDS else 0.0

    def _follow(self, late: float, now: float) -> None:
        """Move position 0 by what a block that came `late` (s) shows."""
        assert self._offset is not None
        if abs(late) <= _LATE_SECONDS:
            self._offset += _FOLLOW * late
            self._late_since = None
        elif late < 0:
            self._offset += late  # it cannot have come before it was heard
            self._late_since = None
        elif self._late_since is None:
            self._late_since, self._least_late = now, late
        else:
            self._least_late = min(self._least_late, late)
            if now - self._late_since > _LATE_FOR_SECONDS:
                self._offset += self._least_late
                self._late_since = None

    def utc(self, position: int) -> float:
        """UTC of the sample at `position`, s since 1970. Before any observation the
        stream is taken to have begun in 1970."""
        return self._wall + (self._offset or 0.0) + position / self._rate
