"""What is measured of live sound besides its genre."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays import Float32
from ..audio.loudness import ShortTermLoudness
from ..model.frontend import Window
from ..model.music_score import MusicScore
from ..records import Sensed
from .tempo import SURE_ENOUGH, TempoMeter

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
    music_score
        The model's; None if it has none.
    """

    def __init__(self, names: Sequence[str], rate: int, music_score: MusicScore | None) -> None:
        self.names, self._rate = tuple(names), rate
        self._loudness = ShortTermLoudness(rate) if "loudness" in names else None
        self._tempo = TempoMeter(rate) if "tempo" in names else None
        self._hears_music, self._music_score = "music_score" in names, music_score
        self._end = 0
        """Position just past the last sample heard."""

    def reset(self) -> None:
        """Forget what was heard: the next window begins a new stream."""
        self._end = 0
        for meter in (self._loudness, self._tempo):
            if meter is not None:
                meter.reset()

    def hear(self, window: Window, probabilities: Float32 | None) -> Sensed:
        """What the sensors say at the end of a window.

        Parameters
        ----------
        window
            The windows of a stream come in order.
        probabilities
            Of the model's labels, float32 [labels]; None in silence.
        """
        found = Sensed()
        if not self.names:
            return found
        samples = self._new(window)
        if self._loudness is not None:
            self._loudness.push(samples)
            found["loudness_lufs"] = _rounded(self._loudness.value(), 1)
        if self._hears_music:
            found["music_score"] = self._music(probabilities)
        if self._tempo is not None:
            self._tempo.push(samples)
            tempo = None if probabilities is None else self._tempo.value()
            is_sure = tempo is not None and tempo.confidence >= SURE_ENOUGH
            found["bpm"] = round(tempo.bpm, 1) if tempo is not None and is_sure else None
            found["bpm_confidence"] = None if tempo is None else round(tempo.confidence, 2)
        return found

    def _music(self, probabilities: Float32 | None) -> float | None:
        if self._music_score is None:
            return None
        return 0.0 if probabilities is None else round(self._music_score(probabilities), 4)

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
