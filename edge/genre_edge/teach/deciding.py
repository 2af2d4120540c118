"""How sure a label must be: thresholds, and a confidence that means what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float32
from .learning import HeldOut, Lesson
from .logistic import Line

MOST_ACCEPTED = 0.05
"""Share of unmet music's windows that may get one of the labels."""
_TRIED = np.linspace(0.005, 0.5, 100)
"""Shares tried for a single label."""
_SCALES = np.geomspace(0.1, 3, 35)
"""Tried; where everything is told apart, the likelihood alone would go on for ever."""


@dataclass(frozen=True, eq=False)
class Decision:
    """What makes margins (logits less that of "none of these") into final logits:
    scale * (margin - threshold). A label beats "none of these" above its threshold."""

    threshold: Float32
    """float32 [labels]."""
    scale: float
    """The same for all labels."""

    def margins(self, margins: Float32) -> Float32:
        """Final logits, less that of "none of these"; any number of rows."""
        found: Float32 = (margins - self.threshold) * np.float32(self.scale)
        return found

    def line(self, line: Line) -> Line:
        """The line with the thresholds and the scale in it."""
        weights = line.weights * np.float32(self.scale)
        return Line(weights, ((line.bias - self.threshold) * np.float32(self.scale)))


def with_none(margins: Float32) -> Float32:
    """Probabilities of the labels and, last, of "none of these", float32 [n, labels +
    1], of final margins [n, labels]."""
    logits = np.hstack([margins, np.zeros((len(margins), 1), np.float32)])
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Float32 = powers / powers.sum(axis=1, keepdims=True)
    return found


def decide(lesson: Lesson, held: HeldOut) -> Decision:
    """Thresholds and scale from what was held out.

    The thresholds are the lowest at which at most MOST_ACCEPTED of unmet music gets a
    label: half of it negatives, half of it songs whose own label was left out. Where a
    label's own songs lie well above, its threshold is raised half the way to them. The
    scale makes the probabilities of what was held out most likely.
    """
    unmet, weight = _unmet(held)
    threshold = _thresholds(unmet, weight)
    for number, label in enumerate(lesson.labels):
        own = _of_label(lesson, held, label)[:, number]
        if len(own):
            low = float(np.quantile(own, 0.1))
            threshold[number] = max(threshold[number], (threshold[number] + low) / 2)
    return Decision(threshold, _scale(lesson, held, threshold, unmet, weight))


def _unmet(held: HeldOut) -> tuple[Float32, Float32]:
    """Margins of music that is none of the labels, and the weight of each row; the sum
    of the weights is one."""
    parts = [one for one in (held.negatives, held.strangers) if len(one)]
    if not parts:
        return np.zeros((0, held.songs.shape[1]), np.float32), np.zeros(0, np.float32)
    weight = [np.full(len(one), 1 / len(one) / len(parts), np.float32) for one in parts]
    return np.concatenate(parts), np.concatenate(weight)


def _thresholds(unmet: Float32, weight: Float32) -> Float32:
    """The lowest thresholds that keep unmet music out, as strict for each label."""
    labels = unmet.shape[1]
    best = np.zeros(labels, np.float32)
    if not len(unmet):
        return best
    order = np.argsort(-unmet, axis=0)
    ranked = np.take_along_axis(unmet, order, axis=0)
    above = np.cumsum(weight[order], axis=0)
    for share in _TRIED:
        at = [int(np.searchsorted(above[:, k], share)) for k in range(labels)]
        tried = np.array([ranked[min(i, len(ranked) - 1), k] for k, i in enumerate(at)], np.float32)
        if weight[(unmet > tried).any(axis=1)].sum() > MOST_ACCEPTED and share > _TRIED[0]:
            break
        best = tried
    return best


def _of_label(lesson: Lesson, held: HeldOut, label: str) -> Float32:
    songs = [i for i, s in enumerate(lesson.songs) if s.label == label and not s.is_wrong]
    found: Float32 = held.songs[np.isin(held.song_of, songs)]
    return found


def _scale(
    lesson: Lesson, held: HeldOut, threshold: Float32, unmet: Float32, weight: Float32
) -> float:
    """The scale with the highest likelihood; songs and unmet music weigh the same."""
    asked = [_of_label(lesson, held, label) for label in lesson.labels]
    truth = np.concatenate([np.full(len(one), k) for k, one in enumerate(asked)])
    own = np.concatenate(asked)

    def loss(scale: float) -> float:
        decision = Decision(threshold, float(scale))
        told = with_none(decision.margins(own))[np.arange(len(own)), truth]
        total = -float(np.log(told + 1e-9).mean()) if len(own) else 0.0
        if len(unmet):
            told = with_none(decision.margins(unmet))[:, -1]
            total -= float((weight * np.log(told + 1e-9)).sum())
        return total

    return float(min(_SCALES, key=loss))
