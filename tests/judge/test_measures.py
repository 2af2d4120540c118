"""Statistics against known values and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.judge.measures import (
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
    perfect = [(0.75, True)] * 3 + [(0.75, False)]
    assert calibration_error(perfect) == pytest.approx(0)
    assert calibration_error([(0.95, False)] * 10) == pytest.approx(0.95)
    assert reliability(perfect) == [(0.75, 0.75, 4)]


def test_uncertain_is_where_wrong_is_more_likely() -> None:
    sure = [(0.33, False)] * 8 + [(0.33, True)] * 2 + [(0.62, True)] * 6 + [(0.62, False)] * 4
    assert uncertain_below(sure) in np.round(np.arange(0.35, 0.61, 0.05), 2)
