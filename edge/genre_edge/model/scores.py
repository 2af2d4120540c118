"""Scores as people and JSON see them: rounded, by label, and the most probable one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Float32

_DIGITS = 4
"""Decimals of probabilities in records; the steps of an int8 output are 1/256."""


def scores_by_label(labels: Sequence[str], scores: Float32) -> dict[str, float]:
    """Probabilities as {label: value}, rounded for people and JSON."""
    return {label: round(float(s), _DIGITS) for label, s in zip(labels, scores, strict=True)}


def top1(labels: Sequence[str], scores: Float32) -> tuple[str, float]:
    """The most probable label and its probability."""
    best = int(np.argmax(scores))
    return labels[best], round(float(scores[best]), _DIGITS)
