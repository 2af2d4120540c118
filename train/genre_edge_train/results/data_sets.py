"""How right a bundle is on several data sets side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.errors import Fault, UsageError
from genre_edge.judge.evaluation import Evaluation, evaluate
from genre_edge.judge.measures import wilson
from genre_edge.judge.predictions import Predictions
from genre_edge.model.bundle import read_bundle

from ..data.recordings import Recording
from .conditions import CONDITIONS, predict_conditions

IN_A_ROOM = "living room, 0.7 s"
"""The condition that stands for rooms in the table."""


@dataclass(frozen=True)
class OnDataSet:
    """How right a model is on the valid tracks of one data set under one condition."""

    data: str
    """The data set."""
    condition: str
    """The condition; a name in CONDITIONS."""
    evaluation: Evaluation
    """By window and by track, excerpts of one track being one track."""
    by_track_windows: float
    """Share of windows right, each track counting once, 0 to 1."""
    cross_entropy: float
    """Mean negative logarithm of the right label's probability, each track counting
    once, nats."""
    certain: float
    """Share of windows at or above the model's threshold, below which it calls itself
    uncertain, 0 to 1."""
    certain_right: float
    """Share right among these windows, 0 to 1; 0 if there are none."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "data": self.data,
            "condition": self.condition,
            "windows_each_track_once": round(self.by_track_windows, 4),
            "cross_entropy": round(self.cross_entropy, 4),
            "certain": round(self.certain, 4),
            "certain_right": round(self.certain_right, 4),
            **self.evaluation.to_dict(),
        }


def evaluate_data_sets(
    model: str | Path,
    recordings: Sequence[Recording],
    names: Sequence[str] = (next(iter(CONDITIONS)), IN_A_ROOM),
) -> list[OnDataSet]:
    """How right a bundle is on each data set's valid recordings, under each condition.

    Parameters
    ----------
    model
        The bundle.
    recordings
        Of one or several data sets; those that are valid and have a label count.
    names
        Which of CONDITIONS.

    Raises
    ------
    UsageError
        A data set has no valid recording with a label.
    """
    threshold = read_bundle(model).info.metrics.get("valid", {}).get("uncertain_below", 0.0)
    found = []
    for data in dict.fromkeys(recording.data for recording in recordings):
        valid = [r for r in recordings if r.data == data and r.side == "valid" and r.label]
        if not valid:
            raise UsageError(Fault("data", data, "has no valid tracks"))
        predictions = predict_conditions(model, [r.track() for r in valid], names)
        found += [on_data_set(data, name, one, threshold) for name, one in predictions.items()]
    return found


def on_data_set(
    data: str, condition: str, predictions: Predictions, threshold: float = 0.0
) -> OnDataSet:
    """The figures of one data set under one condition; below the threshold the model
    calls itself uncertain."""
    of, count = predictions.window_track, len(predictions.track_label)
    weight = 1.0 / np.bincount(of, minlength=count)[of] / count
    certain = predictions.confidence >= threshold
    told = predictions.scores[np.arange(len(of)), predictions.window_label]
    return OnDataSet(
        data,
        condition,
        evaluate(predictions),
        float(np.sum(weight * predictions.right)),
        float(np.sum(weight * -np.log(told + 1e-9))),
        float(certain.mean()),
        float(predictions.right[certain].mean()) if certain.any() else 0.0,
    )


def mean_share(found: Sequence[OnDataSet]) -> float:
    """The figure by which models are compared, 0 to 1: the mean over data sets and
    conditions of the windows right (each track counting once) and of the tracks
    right."""
    return float(
        np.mean([(one.by_track_windows + one.evaluation.tracks.accuracy) / 2 for one in found])
    )


def data_sets_table(found: Sequence[OnDataSet], names: Mapping[str, str] | None = None) -> str:
    """`evaluate_data_sets`' result as a Markdown table, with 95 % intervals that count
    each track as one case."""
    rows = [
        "| data | condition | windows right, each track once | tracks right "
        "| label among the two most likely | right where not uncertain | calibration error |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        tracks = one.evaluation.tracks
        low, high = wilson(round(one.by_track_windows * tracks.count), tracks.count)
        rows.append(
            f"| {(names or {}).get(one.data, one.data)} | {one.condition} "
            f"| {one.by_track_windows:.1%} ({low:.0%} to {high:.0%}) "
            f"| {tracks.accuracy:.1%} of {tracks.count} "
            f"({tracks.interval[0]:.0%} to {tracks.interval[1]:.0%}) "
            f"| {tracks.top2_accuracy:.1%} "
            f"| {one.certain_right:.1%} of {one.certain:.0%} "
            f"| {one.evaluation.calibration_error:.3f} |"
        )
    return "\n".join([*rows, "", f"Mean of all shares right: {mean_share(found):.1%}."])
