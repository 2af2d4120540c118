"""The model card that genre-convert writes, made from what the shipped bundles say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from genre_edge.model.bundle import find_model, read_bundle, write_bundle
from genre_edge_convert import cli as convert
from genre_edge_convert.commands.card import card_of
from genre_edge_convert.pack.card import card, with_sections_of

KINDS = ("float32", "int8")
MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def text() -> str:
    name = "gtzan-two-block"
    bundles = {kind: read_bundle(find_model(f"{name}.{kind}")) for kind in KINDS}
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


@pytest.mark.parametrize("name", ["gtzan-edge", "gtzan-tiny", "gtzan-two-block"])
def test_a_shipped_card_is_what_the_command_makes(name: str) -> None:
    """`genre-convert card models/NAME.float32.tflite models/NAME.int8.tflite`"""
    shipped = (MODELS / f"{name}.md").read_text()
    made = card_of([read_bundle(str(MODELS / f"{name}.{kind}.tflite")) for kind in KINDS])
    assert with_sections_of(shipped, made) == shipped


def test_sections_of_others_stay_and_those_of_the_command_are_renewed(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    given = ["card", "gtzan-tiny.float32", "gtzan-tiny.int8", "-o", str(file)]
    assert convert.main(given) == 0
    whole = file.read_text()
    head, mark, tail = whole.partition("## Made from\n")
    mine = "## At home\n\nIt likes my records.\n\n"
    file.write_text(head.replace("81.9%", "99.9%") + mine + mark + tail)
    assert convert.main(given) == 0
    assert file.read_text() == head + mine + mark + tail
    assert "81.9%" in head


def test_bundles_of_several_models_have_no_card(tmp_path: Path, capsys) -> None:
    given = ["card", "gtzan-tiny.int8", "gtzan-edge.int8", "-o", str(tmp_path / "mine.md")]
    assert convert.main(given) == 2
    assert "gtzan-tiny, gtzan-edge: bundles of several models" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_bundle_that_nothing_was_measured_of_has_no_card(tmp_path: Path, capsys) -> None:
    tiny = read_bundle(find_model("gtzan-tiny.int8"))
    write_bundle(tmp_path / "m.tflite", tiny.flatbuffer, replace(tiny.info, metrics={}))
    assert convert.main(["card", str(tmp_path / "m.tflite"), "-o", str(tmp_path / "m.md")]) == 2
    assert "says nothing of its conversion" in capsys.readouterr().err
    assert not (tmp_path / "m.md").exists()


def test_only_a_model_that_says_how_it_was_trained_is_judged_on_unmet_tracks(text: str) -> None:
    assert "The tracks are those that training did not use" in text
    shipped = read_bundle(find_model("gtzan-two-block.int8"))
    foreign = replace(shipped, info=replace(shipped.info, trained_on={}))
    said = card("theirs", {"int8": foreign}, {"int8": 132_000})
    assert "training did not use" not in said
    assert "Whether training used them is not known here: if it did, these figures are too" in said
