"""From the scores of windows to the one label a person is shown.

Everything here is a function of its arguments but `Smoother`, which remembers the last
windows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Float32

SILENCE = "silence"
UNCERTAIN = "uncertain"

_MARGIN = 0.05
"""How much more probable another genre's mean must be before it replaces the label
shown."""


def mean_scores(history: Sequence[Float32]) -> Float32:
    """Mean of the windows' probabilities, float32 [labels]."""
    mean: Float32 = np.stack(history).mean(axis=0)
    return mean


def forget_old_song(history: Sequence[Float32]) -> list[Float32]:
    """The history without what came before a change of song.

    The last two windows agreeing on a genre that the windows before them do not have is
    a change: only these two are kept, so that a new song shows within two windows
    however long the history is.
    """
    if len(history) > 2:
        newest, second = (int(np.argmax(scores)) for scores in (history[-1], history[-2]))
        before = int(np.argmax(mean_scores(history[:-2])))
        if newest == second != before:
            return list(history[-2:])
    return list(history)


def with_hysteresis(mean: Float32, shown: int | None) -> int:
    """Index of the label to show: the one shown, unless another is more probable by a
    margin."""
    best = int(np.argmax(mean))
    if shown is None or mean[best] - mean[shown] > _MARGIN:
        return best
    return shown


class Smoother:
    """The label over the last `windows` windows."""

    def __init__(self, labels: Sequence[str], windows: int, uncertain_below: float) -> None:
        self._labels = labels
        self._windows = windows
        self._uncertain_below = uncertain_below
        self.reset()

    def reset(self) -> None:
        """Forget the past: after a gap or a silence nothing is known."""
        self._history: list[Float32] = []
        self._shown: int | None = None

    def silence(self) -> str:
        """A silent window: whatever comes next is something new."""
        self.reset()
        return SILENCE

    def add(self, scores: Float32) -> tuple[str, str, float]:
        """One window's probabilities, float32 [labels].

        Returns what to show (a genre or "uncertain"), the smoothed genre and its mean
        probability.
        """
        self._history = forget_old_song([*self._history, scores][-self._windows :])
        mean = mean_scores(self._history)
        self._shown = with_hysteresis(mean, self._shown)
        genre, confidence = self._labels[self._shown], float(mean[self._shown])
        return (genre if confidence >= self._uncertain_below else UNCERTAIN), genre, confidence
