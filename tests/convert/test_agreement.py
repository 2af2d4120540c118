"""What a conversion says of a bundle: the label it harms most, and how right it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genre_edge.errors import RuntimeMissing
from genre_edge.judge.evaluation import evaluate
from genre_edge.judge.measures import uncertain_below
from genre_edge.judge.predict import LabelledSource, predict
from genre_edge.judge.tracks import Track
from genre_edge.model.bundle import find_model
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig
from genre_edge_convert.verify import agreement
from genre_edge_convert.verify.agreement import largest_loss, runs_in, valid_metrics

LABELS = ("blues", "jazz", "metal", "rock")
TRUTH = np.repeat([0, 1, 3], 10)


def test_the_worst_label_is_the_one_that_loses_most_recall() -> None:
    network, bundle = TRUTH.copy(), TRUTH.copy()
    bundle[:2] = 1  # two of ten blues windows are lost
    bundle[10:14] = 0  # four of ten jazz windows
    network[20:25] = 0  # rock gains: the network had five wrong
    assert largest_loss(LABELS, TRUTH, network, bundle) == ("jazz", -40.0)


def test_where_every_label_gains_the_worst_gains_least() -> None:
    network = TRUTH.copy()
    network[[0, 10, 11, 20, 21, 22]] = 2
    assert largest_loss(LABELS, TRUTH, network, TRUTH) == ("blues", 10.0)


def test_interpreters_are_compared_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"litert": [0, 0, 1, 1], "tensorflow": [0, 0, 0, 1]}

    def scores(path: Path, windows: np.ndarray, runtime: str) -> np.ndarray:
        if runtime not in said:
            raise RuntimeMissing(f"{runtime}: not installed")
        return np.eye(2, dtype=np.float32)[said[runtime]]

    monkeypatch.setattr(agreement, "scores_of", scores)
    assert runs_in(Path("m.tflite"), np.zeros((4, 2, 2))) == {"litert": 1.0, "tensorflow": 0.75}


@pytest.fixture(scope="module")
def tracks(demo_clip: Path) -> list[Track]:
    return [Track(genre, genre, demo_clip, "valid") for genre in ("blues", "rock", "pop")]


def test_a_bundles_metrics_hold_the_evaluation_and_what_older_programs_read(
    tracks: list[Track],
) -> None:
    path = Path(find_model("gtzan-edge.int8"))
    found = valid_metrics(path, tracks)
    (answers,) = predict(
        [Engine(EngineConfig(str(path)))], map(LabelledSource.of, tracks)
    ).predictions
    whole = evaluate(answers)
    assert {key: found[key] for key in whole.to_dict()} == whole.to_dict()
    windows = whole.windows
    assert found["recall"] == {
        genre: round(windows.genres[genre].recall or 0, 4) for genre in ("blues", "pop", "rock")
    }
    assert found["confusions"] == dict(list(windows.confusions().items())[:8])
    assert found["uncertain_below"] == uncertain_below(answers.confidence, answers.right)


def test_a_track_that_cannot_be_read_is_named_and_left_out(
    tracks: list[Track], tmp_path: Path, capsys
) -> None:
    gone = Track("gone", "rock", tmp_path / "gone.wav", "valid")
    found = valid_metrics(Path(find_model("gtzan-edge.int8")), [gone, *tracks[:1]])
    assert found["tracks"]["count"] == 1
    assert "genre-convert: skipped" in (error := capsys.readouterr().err) and "gone.wav" in error
