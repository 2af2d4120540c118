"""Judging a bundle under fixed conditions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genre_edge.judge.evaluation import evaluate
from genre_edge.judge.predict import LabelledSource, predict
from genre_edge.judge.tracks import Track
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig
from genre_edge_train.results import conditions
from genre_edge_train.results.conditions import CONDITIONS, evaluate_conditions, table

from tests.conftest import noise

MODEL = "gtzan-edge.int8"


@pytest.fixture
def tracks(demo_clip: Path) -> list[Track]:
    return [Track(genre, genre, demo_clip, "valid") for genre in ("blues", "rock")]


def test_as_recorded_is_what_the_engine_says_of_the_files(tracks: list[Track]) -> None:
    found = evaluate_conditions(MODEL, tracks, ["as recorded"])
    sources = map(LabelledSource.of, tracks)
    (plain,) = predict([Engine(EngineConfig(MODEL))], sources).predictions
    assert found == {"as recorded": evaluate(plain)}


def test_each_condition_is_played_to_the_model(tracks: list[Track]) -> None:
    names = ["as recorded", "small loudspeaker", "noise at 15 dB"]
    found = conditions.predict_conditions(MODEL, tracks, names)
    assert list(found) == names
    assert len({one.scores.tobytes() for one in found.values()}) == 3
    assert len({len(one.scores) for one in found.values()}) == 1, "as many windows"


def test_every_track_and_condition_has_a_seed_of_its_own_that_stays(
    tracks: list[Track], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[float] = []

    def change(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        drawn.append(rng.random())
        return samples

    monkeypatch.setattr(conditions, "CONDITIONS", dict.fromkeys(("a", "b"), change))
    for _ in range(2):
        evaluate_conditions(MODEL, tracks, ["a", "b"])
    assert len(set(drawn[:4])) == 4
    assert drawn[4:] == drawn[:4]


def test_a_track_that_cannot_be_read_is_named_once(
    tracks: list[Track], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = Track("gone", "rock", tmp_path / "gone.wav", "valid")
    found = evaluate_conditions(MODEL, [*tracks, gone], list(CONDITIONS)[:3])
    assert [one.tracks.count for one in found.values()] == [2, 2, 2]
    assert capsys.readouterr().err.count("genre-train: skipped ") == 1


def test_the_table_has_a_row_for_each_condition(tracks: list[Track]) -> None:
    found = evaluate_conditions(MODEL, tracks, ["as recorded"])
    windows = found["as recorded"].windows
    row = f"| as recorded | {windows.accuracy:.1%} of 8 | "
    assert table(found).splitlines()[2].startswith(row)


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050, 44_100])
@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_can_be_played_at_every_models_rate(name: str, rate: int) -> None:
    samples = noise(1.0, rate)
    changed = CONDITIONS[name](samples, rate, np.random.default_rng(0))
    assert changed.shape == samples.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
