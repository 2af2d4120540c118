"""How sure a measured accuracy is, and how honest a model's confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_Z95 = 1.959963984540054
"""Quantile of the normal distribution that leaves 2.5 % on each side."""


def wilson(right: int, count: int) -> tuple[float, float]:
    """95 % interval of a share, (lowest, highest) in 0 to 1; (0, 1) where nothing was
    counted.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927).
    """
    if count == 0:
        return 0.0, 1.0
    share, z2 = right / count, _Z95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z95 / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value that two classifiers are equally good, from the cases
    that only one had right.

    Source: Q. McNemar, Psychometrika 12 (1947), with the binomial distribution in place
    of chi-square.
    """
    n, least = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, k) for k in range(least + 1))
    return float(min(1.0, 2 * tail / 2**n))


def macro_f1(confusion: npt.ArrayLike) -> float:
    """Mean F1 over the labels that occur, from counts [true, predicted]; 0 to 1."""
    counts = np.asarray(confusion, dtype=float)
    f1 = 2 * counts.diagonal() / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)
    present = counts.sum(axis=1) > 0
    return float(f1[present].mean()) if present.any() else 0.0


def reliability(
    sure: Sequence[tuple[float, bool]], bins: int = 10
) -> list[tuple[float, float, int]]:
    """For each bin of confidence that is not empty: mean confidence, share right,
    number of windows."""
    confidence, right = np.array(sure, dtype=float).reshape(-1, 2).T
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (float(confidence[at == b].mean()), float(right[at == b].mean()), int((at == b).sum()))
        for b in range(bins)
        if (at == b).any()
    ]


def calibration_error(sure: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Expected calibration error: mean |confidence - share right| over equal bins,
    weighted by their size.

    Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017,
    equation 3.
    """
    gaps = [abs(confidence - right) * n for confidence, right, n in reliability(sure, bins)]
    return float(sum(gaps) / max(1, len(sure)))


def uncertain_below(sure: Sequence[tuple[float, bool]]) -> float:
    """The confidence (in steps of 0.05) from which on a window is more likely right
    than wrong.

    The threshold with the most windows right, less those wrong, at or above it.
    """
    confidence, right = np.array(sure, dtype=float).T
    thresholds = [round(float(t), 2) for t in np.arange(0.0, 0.96, 0.05)]
    return max(thresholds, key=lambda t: float((2 * right - 1)[confidence >= t].sum()))
