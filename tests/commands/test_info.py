"""genre-edge info: what people are shown of a bundle, and what JSON holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from genre_edge import cli as genre_edge
from genre_edge.judge.evaluation import evaluate
from genre_edge.judge.predictions import Predictions
from genre_edge.model.bundle import find_model, read_bundle, write_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The shipped int8 bundle with an evaluation as genre-convert writes it."""
    shipped = read_bundle(find_model("gtzan-edge.int8"))
    scores = [np.full((2, 10), 0.1, np.float32)]
    valid = evaluate(Predictions.of_tracks(shipped.info.labels, scores, ["rock"])).to_dict()
    path = tmp_path / "mine.int8.tflite"
    write_bundle(path, shipped.flatbuffer, replace(shipped.info, metrics={"valid": valid}))
    return path


def test_people_are_spared_the_tables_of_an_evaluation(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert genre_edge.main(["info", str(bundle)]) == 0
    text = capsys.readouterr().out
    assert "valid.windows.accuracy       0.0\n" in text
    assert "confusion" not in text and "genres" not in text


def test_json_holds_all_of_it(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert genre_edge.main(["info", "--json", str(bundle)]) == 0
    windows = json.loads(capsys.readouterr().out)["metrics"]["valid"]["windows"]
    assert np.array(windows["confusion"]).sum() == windows["count"] == 2
    assert windows["genres"]["rock"] == {"count": 2, "recall": 0.0, "precision": None}
