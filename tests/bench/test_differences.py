"""Two models on the same windows: how far apart they are."""

from __future__ import annotations

import numpy as np
from genre_edge.bench.differences import difference
from genre_edge.judge.predictions import Predictions

LABELS = ("jazz", "rock")
FIRST, SECOND = [0.75, 0.25], [0.25, 0.75]


def predictions(*tracks: list[list[float]]) -> Predictions:
    """Of tracks that are all rock."""
    scores = [np.array(windows, np.float32) for windows in tracks]
    return Predictions.of_tracks(LABELS, scores, ["rock"] * len(tracks))


REFERENCE = predictions([SECOND, SECOND, FIRST], [SECOND, FIRST, FIRST])
MODEL = predictions([SECOND, FIRST, FIRST], [SECOND, SECOND, SECOND])
"""One window lost, two won; the first track lost, the second won."""


def test_windows_and_tracks_are_paired() -> None:
    found = difference(MODEL, REFERENCE)
    assert found["windows"] == {"points": 16.67, "only_first": 2, "only_second": 1, "p": 1.0}
    assert found["tracks"] == {"points": 0.0, "only_first": 1, "only_second": 1, "p": 1.0}


def test_what_moves_is_told_from_the_reference_to_the_model() -> None:
    assert difference(MODEL, REFERENCE)["moved"] == {"jazz > rock": 2, "rock > jazz": 1}


def test_agreement_and_shift_are_over_windows() -> None:
    found = difference(MODEL, REFERENCE)
    assert found["agreement"] == 0.5
    assert found["probability_shift"] == {"mean": 0.25, "worst": 0.5}


def test_a_model_does_not_differ_from_itself() -> None:
    found = difference(MODEL, MODEL)
    assert (found["agreement"], found["moved"]) == (1.0, {})
    assert found["windows"] == {"points": 0.0, "only_first": 0, "only_second": 0, "p": 1.0}
