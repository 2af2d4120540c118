"""Two models on the same windows: how far apart they are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from ..judge.measures import mcnemar
from ..judge.predictions import Predictions


def difference(model: Predictions, reference: Predictions) -> dict[str, Any]:
    """A model beside another on the same windows, as an entry of bench.json's
    `differences`.

    Parameters
    ----------
    model
        The smaller model's answers: the quantised one's.
    reference
        The larger model's answers on the same windows: the float one's.
    """
    shift = np.abs(model.scores - reference.scores).max(axis=1)
    labels = model.labels
    moved = Counter(
        f"{labels[before]} > {labels[after]}"
        for after, before in zip(model.top1, reference.top1, strict=True)
        if after != before
    )
    tracks = [one.track_scores.argmax(axis=1) == one.track_label for one in (model, reference)]
    return {
        "windows": _paired(model.right, reference.right),
        "tracks": _paired(*tracks),
        "agreement": round(float((model.top1 == reference.top1).mean()), 4),
        "probability_shift": {
            "mean": round(float(shift.mean()), 4),
            "worst": round(float(shift.max()), 4),
        },
        "moved": dict(moved.most_common()),
    }


def _paired(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Difference of two accuracies on the same cases, in percentage points, with
    McNemar's exact p."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return {
        "points": round(100 * float(first.mean() - second.mean()), 2),
        "only_first": only_first,
        "only_second": only_second,
        "p": round(mcnemar(only_first, only_second), 4),
    }
