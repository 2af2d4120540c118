"""How right a model is: the one place that computes it, and the one JSON shape.

`genre-edge bench`, `genre-train` and `genre-convert` all evaluate here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float32
from .measures import calibration_error, macro_f1, wilson
from .predictions import Int64, Predictions


@dataclass(frozen=True)
class GenreAccuracy:
    """How right a model is on one genre."""

    count: int
    """Cases that are of this genre."""
    recall: float | None
    """The share of them that the model named so; None if there are none."""
    precision: float | None
    """The share right among the cases that the model named so; None if there are
    none."""

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision; 0 where one of them is 0 or None."""
        recall, precision = self.recall or 0.0, self.precision or 0.0
        return 2 * recall * precision / (recall + precision) if recall and precision else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "count": self.count,
            "recall": _rounded(self.recall),
            "precision": _rounded(self.precision),
        }


@dataclass(frozen=True)
class Accuracy:
    """How right a model is, counted over cases: windows, or tracks."""

    labels: tuple[str, ...]
    """The genres, in the order of the confusion matrix."""
    confusion: tuple[tuple[int, ...], ...]
    """Cases by true and predicted label: [true][predicted]."""
    top2_right: int
    """Cases whose true label is one of the two most probable."""

    @property
    def count(self) -> int:
        """All cases."""
        return sum(map(sum, self.confusion))

    @property
    def right(self) -> int:
        """Cases whose most probable label is the true one."""
        return sum(row[i] for i, row in enumerate(self.confusion))

    @property
    def accuracy(self) -> float:
        """The share right, 0 to 1."""
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the accuracy (Wilson), as if the cases were
        independent."""
        return wilson(self.right, self.count)

    @property
    def top2_accuracy(self) -> float:
        """The share whose true label is one of the two most probable, 0 to 1."""
        return self.top2_right / self.count

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the genres that occur, 0 to 1."""
        return macro_f1(self.confusion)

    @property
    def genres(self) -> dict[str, GenreAccuracy]:
        """Recall and precision of each genre."""
        named = [sum(column) for column in zip(*self.confusion, strict=True)]
        return {
            label: GenreAccuracy(sum(row), _share(row[i], sum(row)), _share(row[i], named[i]))
            for i, (label, row) in enumerate(zip(self.labels, self.confusion, strict=True))
        }

    def worst_label(self) -> tuple[str, float]:
        """The genre with the lowest recall, and that recall; the first of equals."""
        recall = {label: g.recall for label, g in self.genres.items() if g.recall is not None}
        worst = min(recall, key=lambda label: recall[label])
        return worst, recall[worst]

    def confusions(self) -> dict[str, int]:
        """{"rock > jazz": cases of rock that were called jazz}, most frequent first."""
        wrong = {
            f"{true} > {named}": count
            for true, row in zip(self.labels, self.confusion, strict=True)
            for named, count in zip(self.labels, row, strict=True)
            if true != named and count
        }
        return dict(sorted(wrong.items(), key=lambda pair: -pair[1]))

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; docs/bench.schema.json declares it."""
        return {
            "count": self.count,
            "right": self.right,
            "accuracy": _rounded(self.accuracy),
            "interval": [_rounded(edge) for edge in self.interval],
            "top2_accuracy": _rounded(self.top2_accuracy),
            "macro_f1": _rounded(self.macro_f1),
            "genres": {label: genre.to_dict() for label, genre in self.genres.items()},
            "confusion": [list(row) for row in self.confusion],
        }


@dataclass(frozen=True)
class Evaluation:
    """How right a model is on labelled tracks, and how well its confidence fits."""

    windows: Accuracy
    """Over windows. Those of one track resemble each other: its interval is too
    narrow."""
    tracks: Accuracy
    """Over tracks; a track's label is that of the mean of its windows' scores."""
    calibration_error: float
    """Expected calibration error of the windows' confidence, 0 to 1."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; docs/bench.schema.json declares it."""
        label, recall = self.windows.worst_label()
        return {
            "windows": self.windows.to_dict(),
            "tracks": self.tracks.to_dict(),
            "calibration_error": _rounded(self.calibration_error),
            "worst_label": {"label": label, "recall": _rounded(recall)},
        }


def evaluate(predictions: Predictions) -> Evaluation:
    """How right a model's answers are.

    Parameters
    ----------
    predictions
        Scores of at least one window.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]], np.float32)
    >>> found = evaluate(Predictions.of_tracks(["jazz", "rock"], [scores], ["rock"]))
    >>> found.windows.right, found.windows.count, found.tracks.right
    (2, 3, 0)
    """
    labels = predictions.labels
    return Evaluation(
        _accuracy(labels, predictions.scores, predictions.window_label),
        _accuracy(labels, predictions.track_scores, predictions.track_label),
        calibration_error(predictions.confidence, predictions.right),
    )


def _accuracy(labels: tuple[str, ...], scores: Float32, truth: Int64) -> Accuracy:
    """Accuracy of scores [cases, labels] against the true labels [cases]."""
    n = len(labels)
    pairs = (truth * n + scores.argmax(axis=1)).astype(np.intp)  # 32-bit systems count no int64
    confusion = np.bincount(pairs, minlength=n * n).reshape(n, n)
    best_two = np.argsort(-scores, axis=1, kind="stable")[:, :2]
    return Accuracy(
        labels,
        tuple(tuple(row) for row in confusion.tolist()),
        int((best_two == truth[:, None]).any(axis=1).sum()),
    )


def _share(part: int, whole: int) -> float | None:
    """None where there is nothing to take a share of."""
    return part / whole if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
