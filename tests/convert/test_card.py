"""The model card that genre-convert writes, made from what the shipped bundles say."""

from __future__ import annotations

import pytest
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge_convert.pack.card import card


@pytest.fixture(scope="module")
def text() -> str:
    name = "gtzan-two-block"
    bundles = {kind: read_bundle(find_model(f"{name}.{kind}")) for kind in ("float32", "int8")}
    return card(name, bundles, {"float32": 438_000, "int8": 132_000})


def test_each_bundle_has_a_row_with_intervals(text: str) -> None:
    row = "| int8 | 132 KB | 57.1% of 520 (53% to 61%) | 61.5% of 52 (48% to 74%) | 97.9% of 520 |"
    assert row in text.splitlines()
    assert "| float32 | 438 KB |" in text


def test_the_worst_labels_are_those_with_the_lowest_recall_worst_first(text: str) -> None:
    """Of the last bundle: int8's."""
    assert (
        "Lowest recall: jazz (0% of its windows right), rock (2% of its windows right), "
        "disco (40% of its windows right)."
    ) in text


def test_confusions_and_calibration_are_those_of_the_bundle(text: str) -> None:
    assert "rock as country (23), jazz as classical (20)" in text
    assert "Expected calibration error of gtzan-two-block.int8 on those windows: 0.075." in text
    assert "35% of 60 windows of noise, 4% of 77 windows of speech" in text
