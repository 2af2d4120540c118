"""Measures of accuracy against known values and against their definitions."""

from __future__ import annotations

import pytest
from genre_edge.judge.measures import (
    ReliabilityBin,
    calibration_error,
    macro_f1,
    mcnemar,
    reliability,
    uncertain_below,
    wilson,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, f1_score


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(case: tuple[int, int]) -> None:
    right, count = case
    expected = binomtest(right, count).proportion_ci(0.95, "wilson")
    assert wilson(right, count) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_is_the_binomial_test(first: int, second: int) -> None:
    expected = binomtest(first, first + second, 0.5).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-6)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_macro_f1_is_sklearns_over_the_labels_that_occur(pairs: list[tuple[int, int]]) -> None:
    truth, said = zip(*pairs, strict=True)
    matrix = confusion_matrix(truth, said, labels=range(5))
    expected = f1_score(truth, said, labels=sorted(set(truth)), average="macro", zero_division=0)
    assert macro_f1(matrix) == pytest.approx(expected)


def test_calibration_error_is_that_of_the_paper() -> None:
    assert calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)
    assert calibration_error([0.95] * 10, [False] * 10) == pytest.approx(0.95)
    # Two bins of 3 and 1 windows: 3/4 of |0.75 - 1/3| and 1/4 of |0.55 - 1|.
    mixed = calibration_error([0.75, 0.75, 0.75, 0.55], [True, False, False, True])
    assert mixed == pytest.approx(0.75 * (0.75 - 1 / 3) + 0.25 * 0.45)


def test_a_confidence_of_exactly_one_belongs_to_the_last_bin() -> None:
    (only,) = reliability([1.0, 0.9375], [False, True])
    assert only == ReliabilityBin(0.96875, 0.5, 2)
    assert calibration_error([1.0] * 4, [False] * 4) == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_every_window_is_in_one_bin(windows: list[tuple[float, bool]]) -> None:
    confidence, right = zip(*windows, strict=True)
    found = reliability(confidence, right)
    assert sum(one.count for one in found) == len(windows)
    assert sum(one.right * one.count for one in found) == pytest.approx(sum(right))


def test_uncertain_is_where_wrong_is_more_likely() -> None:
    confidence = [0.33] * 10 + [0.62] * 10
    right = [False] * 8 + [True] * 2 + [True] * 6 + [False] * 4
    assert uncertain_below(confidence, right) == 0.35, "the lowest that leaves 0.33 out"


def test_a_window_exactly_at_the_threshold_is_not_below_it() -> None:
    assert uncertain_below([0.5] * 2 + [0.51] * 5, [False] * 2 + [True] * 5) == 0
