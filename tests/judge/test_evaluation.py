"""The one evaluator: against scikit-learn and against its definitions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from genre_edge.judge.evaluation import Accuracy, evaluate
from genre_edge.judge.predictions import Predictions
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, top_k_accuracy_score

LABELS = ("blues", "jazz", "metal", "rock")


@st.composite
def some_predictions(draw: st.DrawFn) -> Predictions:
    """Up to 12 tracks of up to 6 windows with random scores, no two of them equal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    tracks = draw(
        st.lists(st.tuples(st.integers(1, 6), st.sampled_from(LABELS)), min_size=1, max_size=12)
    )
    scores = [rng.dirichlet(np.ones(4), n).astype(np.float32) for n, _ in tracks]
    groups = [f"set {k % 2}" for k in range(len(tracks))]
    return Predictions.of_tracks(LABELS, scores, [genre for _, genre in tracks], groups)


@given(some_predictions())
def test_its_figures_are_sklearns(given_: Predictions) -> None:
    truth, named, every = given_.window_label, given_.top1, range(4)
    found = evaluate(given_).windows
    assert (
        np.array(found.confusion).tolist() == confusion_matrix(truth, named, labels=every).tolist()
    )
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, named, labels=every, zero_division=0
    )
    for i, genre in enumerate(found.genres.values()):
        assert genre.count == support[i]
        assert (genre.precision or 0, genre.recall or 0) == pytest.approx((precision[i], recall[i]))
        assert genre.f1 == pytest.approx(f1[i])
    assert found.top2_accuracy == pytest.approx(
        top_k_accuracy_score(truth, given_.scores, k=2, labels=list(every))
    )


@given(some_predictions())
def test_right_never_exceeds_the_two_best_nor_those_the_count(given_: Predictions) -> None:
    found = evaluate(given_)
    for unit in (found.windows, found.tracks):
        assert unit.right <= unit.top2_right <= unit.count
        low, high = unit.interval
        assert low - 1e-9 <= unit.accuracy <= high + 1e-9


def test_a_tracks_answer_is_that_of_its_mean_scores() -> None:
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6]], np.float32)
    found = evaluate(Predictions.of_tracks(("jazz", "rock"), [scores], ["jazz"]))
    assert (found.windows.right, found.windows.count) == (1, 3)
    assert (found.tracks.right, found.tracks.count) == (1, 1)


def test_the_two_best_need_not_be_the_best() -> None:
    scores = np.array([[0.5, 0.3, 0.2], [0.5, 0.2, 0.3]], np.float32)
    found = evaluate(Predictions.of_tracks(("a", "b", "c"), [scores], ["b"])).windows
    assert (found.accuracy, found.top2_accuracy) == (0, 0.5)


def test_the_worst_label_is_the_one_with_the_lowest_recall() -> None:
    confusion = ((8, 2, 0), (1, 3, 6), (0, 0, 0))
    found = Accuracy(("blues", "jazz", "polka"), confusion, 12)
    assert found.worst_label() == ("jazz", 0.3), "and not polka, of which there was none"


def test_confusions_come_most_frequent_first_and_hold_no_right_answer() -> None:
    found = Accuracy(("blues", "jazz"), ((8, 2), (5, 3)), 18)
    assert list(found.confusions().items()) == [("jazz > blues", 5), ("blues > jazz", 2)]


def test_a_genre_that_never_occurs_has_no_recall_and_does_not_lower_f1() -> None:
    found = Accuracy(("blues", "jazz"), ((8, 0), (0, 0)), 8)
    assert (found.genres["jazz"].recall, found.genres["jazz"].precision) == (None, None)
    assert found.macro_f1 == 1


@given(some_predictions())
def test_groups_divide_the_tracks(given_: Predictions) -> None:
    whole, parts = evaluate(given_), [evaluate(one) for one in given_.by_group().values()]
    for unit in ("windows", "tracks"):
        counts = [np.array(getattr(part, unit).confusion) for part in parts]
        assert (sum(counts) == np.array(getattr(whole, unit).confusion)).all()


@given(some_predictions())
def test_windows_with_any_track_numbers_give_the_same(given_: Predictions) -> None:
    order = np.random.default_rng(0).permutation(len(given_.scores))
    numbers = 7 * given_.window_track[order] + 3
    shuffled = Predictions.of_windows(
        LABELS, given_.scores[order], given_.window_label[order], numbers
    )
    assert evaluate(shuffled).to_dict() == evaluate(given_).to_dict()


def test_the_json_shape_is_frozen() -> None:
    scores = np.array([[0.75, 0.25], [0.25, 0.75], [0.25, 0.75]], np.float32)
    found = evaluate(Predictions.of_tracks(("jazz", "rock"), [scores], ["rock"])).to_dict()
    assert json.loads(json.dumps(found)) == {
        "windows": {
            "count": 3,
            "right": 2,
            "accuracy": 0.6667,
            "interval": [0.2077, 0.9385],
            "top2_accuracy": 1.0,
            "macro_f1": 0.8,
            "genres": {
                "jazz": {"count": 0, "recall": None, "precision": 0.0},
                "rock": {"count": 3, "recall": 0.6667, "precision": 1.0},
            },
            "confusion": [[0, 0], [1, 2]],
        },
        "tracks": {
            "count": 1,
            "right": 1,
            "accuracy": 1.0,
            "interval": [0.2065, 1.0],
            "top2_accuracy": 1.0,
            "macro_f1": 1.0,
            "genres": {
                "jazz": {"count": 0, "recall": None, "precision": None},
                "rock": {"count": 1, "recall": 1.0, "precision": 1.0},
            },
            "confusion": [[0, 0], [0, 1]],
        },
        "calibration_error": 0.0833,
        "worst_label": {"label": "rock", "recall": 0.6667},
    }
