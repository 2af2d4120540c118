"""Scores: probabilities of logits, and the rounded form that people and JSON see."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.model.scores import Prediction, softmax


def test_softmax_of_known_logits() -> None:
    logits = np.log(np.array([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]], dtype=np.float32))
    expected = [[0.125, 0.25, 0.625], [0.375, 0.375, 0.25]]
    np.testing.assert_allclose(softmax(logits), expected, rtol=1e-6)


def test_softmax_of_large_logits_is_finite() -> None:
    shares = softmax(np.array([1000.0, 0.0, -1000.0], dtype=np.float32))
    np.testing.assert_array_equal(shares, [1.0, 0.0, 0.0])
    assert shares.dtype == np.float32


def test_a_prediction_names_the_most_probable_label_and_rounds() -> None:
    answer = Prediction(("a", "b", "c"), np.array([1 / 3, 0.5, 1 / 6], dtype=np.float32))
    assert (answer.genre, answer.confidence) == ("b", 0.5)
    assert answer.scores == {"a": 0.3333, "b": 0.5, "c": 0.1667}
    assert answer.probabilities.sum() == pytest.approx(1)
