"""Measures of accuracy: intervals, tests, F1, calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_Z95 = 1.959963984540054
"""Quantile of the normal distribution that leaves 2.5 % on each side."""


def wilson(right: int, count: int) -> tuple[float, float]:
    """95 % confidence interval of a share.

    Parameters
    ----------
    right, count
        Cases that were right, and all cases.

    Returns
    -------
    tuple
        (lowest, highest) share, 0 to 1; (0, 1) if nothing was counted.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927).

    Examples
    --------
    >>> low, high = wilson(49, 52)
    >>> round(low, 3), round(high, 3)
    (0.844, 0.98)
    """
    if count == 0:
        return 0.0, 1.0
    share, z2 = right / count, _Z95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z95 / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value that two classifiers are equally good.

    Parameters
    ----------
    only_first, only_second
        Cases that only the first, or only the second, classifier had right.

    References
    ----------
    Q. McNemar, Psychometrika 12 (1947), with the binomial distribution in place of
    chi-square.
    """
    n, least = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, k) for k in range(least + 1))
    return float(min(1.0, 2 * tail / 2**n))


def macro_f1(confusion: npt.ArrayLike) -> float:
    """Mean F1 of the labels that occur, 0 to 1.

    Parameters
    ----------
    confusion
        Counts, [true, predicted].
    """
    counts = np.asarray(confusion, dtype=float)
    f1 = 2 * counts.diagonal() / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)
    present = counts.sum(axis=1) > 0
    return float(f1[present].mean()) if present.any() else 0.0


@dataclass(frozen=True)
class ReliabilityBin:
    """The windows whose confidence is in one range, such as 0.6 to 0.7."""

    confidence: float
    """Their mean confidence, 0 to 1."""
    right: float
    """The share of them that is right, 0 to 1."""
    count: int
    """How many they are."""


def reliability(
    confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = 10
) -> list[ReliabilityBin]:
    """How often windows are right, by their confidence.

    Parameters
    ----------
    confidence
        Probability of each window's answer, [n], 0 to 1.
    right
        Whether the answer was right, bool [n].
    bins
        Ranges of equal width that 0 to 1 is divided into. A confidence of exactly 1
        belongs to the last.

    Returns
    -------
    list
        The bins that hold a window, lowest confidence first.
    """
    p, hit = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    at = np.minimum((p * bins).astype(int), bins - 1)
    return [
        ReliabilityBin(float(p[at == b].mean()), float(hit[at == b].mean()), int((at == b).sum()))
        for b in range(bins)
        if (at == b).any()
    ]


def calibration_error(confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = 10) -> float:
    """Expected calibration error, 0 to 1; parameters as for `reliability`.

    The mean of |confidence - share right| over the bins, weighted by their size.

    References
    ----------
    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    """
    found = reliability(confidence, right, bins)
    total = sum(one.count for one in found)
    return sum(abs(one.confidence - one.right) * one.count for one in found) / max(1, total)


def uncertain_below(confidence: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """The confidence from which on a window is more likely right than wrong.

    Of the thresholds 0, 0.05, ... 0.95 it is the one with the most windows right, less
    those wrong, at or above it; the lowest of equals. Parameters as for `reliability`.
    """
    p, hit = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    thresholds = [round(float(t), 2) for t in np.arange(0.0, 0.96, 0.05)]
    return max(thresholds, key=lambda t: float((2 * hit - 1)[p >= t].sum()))
