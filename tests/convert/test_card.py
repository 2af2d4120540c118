"""The model card that genre-convert writes, made from what the shipped bundles say."""

from __future__ import annotations

import pytest
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge_convert.pack.card import card


@pytest.fixture(scope="module")
def text() -> str:
    bundles = {kind: read_bundle(find_model(f"gtzan-edge.{kind}")) for kind in ("float32", "int8")}
    return card("gtzan-edge", bundles, {"float32": 1_077_000, "int8": 299_000})


def test_each_bundle_has_a_row_with_intervals(text: str) -> None:
    row = "| int8 | 299 KB | 84.2% of 520 (81% to 87%) | 94.2% of 52 (84% to 98%) | 99.0% of 520 |"
    assert row in text.splitlines()
    assert "| float32 | 1077 KB |" in text


def test_the_worst_labels_are_those_with_the_lowest_recall_worst_first(text: str) -> None:
    """Of the last bundle: int8's."""
    assert (
        "Lowest recall: rock (42% of its windows right), blues (80% of its windows right), "
        "disco (82% of its windows right)."
    ) in text


def test_confusions_and_calibration_are_those_of_the_bundle(text: str) -> None:
    assert "rock as jazz (13), rock as country (10)" in text
    assert "Expected calibration error of gtzan-edge.int8 on those windows: 0.041." in text
    assert "100% of 60 windows of noise, 100% of 77 windows of speech" in text
