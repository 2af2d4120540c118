"""Whether a window is music: a score of its own, from the probabilities of the genres.

A network of genres spreads its probabilities otherwise over speech and noise than over
music. A line through their logarithms, fitted to both, tells one from the other better
than the highest of them (docs/benchmarks.md). `genre-train music` puts the line into a
bundle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float32

LEAST_PROBABILITY = 1 / 256
"""Probabilities below this one count as it: the step of an int8 output."""


@dataclass(frozen=True)
class MusicScore:
    """The line of one model."""

    weights: tuple[float, ...]
    """Weight of the logarithm of each label's probability, in the labels' order."""
    bias: float
    """What is added to their sum."""

    def __call__(self, probabilities: Float32) -> float:
        """How probable it is that a window is music, 0 to 1, where music and other
        sound are equally frequent.

        Parameters
        ----------
        probabilities
            Of the labels, float32 [labels].
        """
        sum_ = float(np.dot(logarithms(probabilities), self.weights)) + self.bias
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, sum_))))


def logarithms(probabilities: Float32) -> Float32:
    """What the line runs through, float32 [..., labels]."""
    found: Float32 = np.log(np.maximum(probabilities, np.float32(LEAST_PROBABILITY)))
    return found


def checked_music(value: Any, labels: int) -> Mapping[str, Any]:
    """The table of a bundle that holds the line; empty where there is none. ValueError
    if it is not for that many labels."""
    if value == {}:
        return {}
    weights, bias = value["weights"], value["bias"]
    numbers = [*weights, bias]
    if len(weights) != labels or not all(_is_finite(number) for number in numbers):
        raise ValueError(f"music must have {labels} finite weights and a bias")
    return {"weights": list(weights), "bias": bias}


def music_score(table: Mapping[str, Any]) -> MusicScore | None:
    """The line in a bundle's table; None if it has none."""
    return MusicScore(tuple(table["weights"]), float(table["bias"])) if table else None


def _is_finite(number: Any) -> bool:
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    return is_number and abs(number) < 1e6
