"""What is measured of live sound besides its genre."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays import Float32
from ..audio.loudness import ShortTermLoudness
from ..model.frontend import Window
from ..records import Sensed

_HOLE_SECONDS = 0.001
"""Windows that are no further apart than this follow each other, s: their starts are
rounded."""


class Sensors:
    """The sensors that are on, for one source. Without any it costs nothing.

    Parameters
    ----------
    names
        Which are on, of SENSORS.
    rate
        Sample rate of the windows, Hz.
    """

    def __init__(self, names: Sequence[str], rate: int) -> None:
        self.names, self._rate = tuple(names), rate
        self._loudness = ShortTermLoudness(rate) if "loudness" in names else None
        self._end = 0
        """Position just past the last sample heard."""

    def reset(self) -> None:
        """Forget what was heard: the next window begins a new stream."""
        self._end = 0
        if self._loudness is not None:
            self._loudness.reset()

    def hear(self, window: Window) -> Sensed:
        """What the sensors say at the end of a window. The windows of a stream come in
        order."""
        found = Sensed()
        if not self.names:
            return found
        samples = self._new(window)
        if self._loudness is not None:
            self._loudness.push(samples)
            found["loudness_lufs"] = _rounded(self._loudness.value(), 1)
        return found

    def _new(self, window: Window) -> Float32:
        """The samples of a window that are not of the windows before it. Where sound
        between two windows was left out, it is as if a stream had begun."""
        start = round(window.start * self._rate)
        if start - self._end > _HOLE_SECONDS * self._rate:
            self.reset()
            self._end = start
        new = window.samples[max(0, self._end - start) :]
        self._end = start + len(window.samples)
        return new


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
