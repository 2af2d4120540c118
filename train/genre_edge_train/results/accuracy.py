"""Accuracy by window and by track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support


def by_track(
    scores: Float32, label: npt.NDArray[np.int64], track: npt.NDArray[np.int64]
) -> tuple[Float32, npt.NDArray[np.int64]]:
    """Mean scores of each track's windows, float32 [tracks, labels], and the tracks'
    labels."""
    numbers = np.unique(track)
    mean = np.stack([scores[track == n].mean(axis=0) for n in numbers])
    return mean, np.array([label[track == n][0] for n in numbers])


def report(
    scores: Float32,
    label: npt.NDArray[np.int64],
    track: npt.NDArray[np.int64],
    labels: Sequence[str],
) -> dict[str, Any]:
    """Accuracy, per-genre precision, recall and F1, and the confusion matrix, by window
    and by track."""
    result: dict[str, Any] = {}
    for name, (p, y) in {
        "window": (scores, label),
        "track": by_track(scores, label, track),
    }.items():
        predicted = p.argmax(axis=1)
        every = list(range(len(labels)))
        precision, recall, f1, support = precision_recall_fscore_support(
            y, predicted, labels=every, zero_division=0.0
        )
        result[name] = {
            "count": len(y),
            "accuracy": round(float((predicted == y).mean()), 4),
            "macro_f1": round(float(f1.mean()), 4),
            "genres": {
                genre: {
                    "precision": round(float(precision[i]), 4),
                    "recall": round(float(recall[i]), 4),
                    "f1": round(float(f1[i]), 4),
                    "count": int(support[i]),
                }
                for i, genre in enumerate(labels)
            },
            "confusion": confusion_matrix(y, predicted, labels=every).tolist(),
        }
    return result
