"""Wall-clock time of samples: the audio clock, held to the system's clock."""

from __future__ import annotations

from datetime import UTC, datetime

_FOLLOW = 0.02
"""Share of the difference that each block makes up for: jitter averages out, drift is
followed."""
_STEP_SECONDS = 0.5
"""A larger difference is a step of the system clock (NTP after boot) and is taken over
at once, s."""


class AudioClock:
    """Tells the UTC time of any sample of one stream.

    A sound card's clock drifts against the system's, and a Pi's system clock jumps when
    NTP first answers.

    Parameters
    ----------
    sample_rate
        Rate of the stream, Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._offset: float | None = None  # UTC of position 0

    def observe(self, position: int, utc: float) -> float:
        """Take note that the sample before `position` was delivered at `utc`.

        Parameters
        ----------
        position
            Index of a sample.
        utc
            The system's clock, s since 1970.

        Returns
        -------
        float
            By how much the system clock stepped, s; 0 if it did not.
        """
        measured = utc - position / self._rate
        if self._offset is None:
            self._offset = measured
            return 0.0
        difference = measured - self._offset
        if abs(difference) > _STEP_SECONDS:
            self._offset = measured
            return difference
        self._offset += _FOLLOW * difference
        return 0.0

    def utc(self, position: int) -> float:
        """UTC of the sample at `position`, s since 1970. Before any observation the
        stream is taken to have begun in 1970."""
        return (self._offset or 0.0) + position / self._rate


def iso8601(utc: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, with milliseconds.

    >>> iso8601(1769860800.1234)
    '2026-01-31T12:00:00.123Z'
    """
    return (
        datetime.fromtimestamp(utc, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
