"""Scores as probabilities, and as people and JSON see them: rounded and by label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float32

_DIGITS = 4
"""Decimals of probabilities in records; the steps of an int8 output are 1/256."""


def softmax(logits: Float32) -> Float32:
    """Probabilities of logits, along the last axis: exp(x) / sum(exp(x)).

    The maximum is subtracted first, which changes nothing but keeps exp(x) finite.
    """
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Float32 = powers / powers.sum(axis=-1, keepdims=True)
    return shares


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model answers: one probability for each label."""

    labels: tuple[str, ...]
    """Names of the model's outputs, in their order."""
    probabilities: Float32
    """float32 [labels]; their sum is one."""

    @property
    def genre(self) -> str:
        """The most probable label."""
        return self.labels[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """The probability of `genre`, rounded to 4 decimals."""
        return round(float(self.probabilities.max()), _DIGITS)

    @property
    def scores(self) -> dict[str, float]:
        """The probability of every label, rounded to 4 decimals."""
        return {
            label: round(float(p), _DIGITS)
            for label, p in zip(self.labels, self.probabilities, strict=True)
        }
