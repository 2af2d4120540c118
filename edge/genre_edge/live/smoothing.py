"""From the scores of windows to the one label that a person is shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Float32
from ..records import SILENCE

UNCERTAIN = "uncertain"
"""The label where no genre is probable enough."""

_MARGIN = 0.05
"""How much more probable the mean of another genre must be before it replaces the label
shown, and a genre after "uncertain"."""


def mean_scores(history: Sequence[Float32]) -> Float32:
    """Mean of the windows' probabilities, float32 [labels]."""
    mean: Float32 = np.stack(history).mean(axis=0)
    return mean


def forget_old_song(history: Sequence[Float32]) -> list[Float32]:
    """The history without what came before a change of song.

    It is a change if the last two windows agree on a genre, and the windows before them
    have another. Then only these two are kept, so that a new song shows within two
    windows, however long the history is.
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
    """The label over the last windows.

    Parameters
    ----------
    labels
        Names of the probabilities, in their order.
    windows
        How many windows are averaged; 1 means that each stands alone.
    uncertain_below
        Mean probability below which the label is "uncertain", 0 to 1. From there on,
        and at the beginning, a genre shows when it has 0.05 more.

    Examples
    --------
    >>> smoother = Smoother(["jazz", "rock"], 3, 0.5)
    >>> smoother.add(np.array([0.75, 0.25], dtype=np.float32))
    ('jazz', 'jazz', 0.75)
    """

    def __init__(self, labels: Sequence[str], windows: int, uncertain_below: float) -> None:
        self._labels = labels
        self._windows = windows
        self._uncertain_below = uncertain_below
        self.reset()

    def reset(self) -> None:
        """Forget the past: after a gap or a silence it says nothing of what comes."""
        self._history: list[Float32] = []
        self._shown: int | None = None
        self._certain = False

    @property
    def probabilities(self) -> Float32:
        """Mean of the windows' probabilities, float32 [labels]; only after `add`."""
        return mean_scores(self._history)

    def silence(self) -> str:
        """Take note of a silent window; returns its label."""
        self.reset()
        return SILENCE

    def add(self, scores: Float32) -> tuple[str, str, float]:
        """Add a window.

        Parameters
        ----------
        scores
            Its probabilities, float32 [labels].

        Returns
        -------
        tuple of str, str and float
            The label to show (a genre, or "uncertain"); the smoothed genre; its mean
            probability.
        """
        self._history = forget_old_song([*self._history, scores][-self._windows :])
        mean = self.probabilities
        self._shown = with_hysteresis(mean, self._shown)
        genre, confidence = self._labels[self._shown], float(mean[self._shown])
        enough = self._uncertain_below
        if enough and not self._certain:
            enough += _MARGIN
        self._certain = confidence >= enough
        return (genre if self._certain else UNCERTAIN), genre, confidence
