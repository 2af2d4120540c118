"""What tells music from other sound is fitted, and put into a bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig
from genre_edge_train import cli as train
from genre_edge_train.results.music import area

RATE = 16_000
MODEL = "gtzan-tiny.int8"


def tune(number: int) -> np.ndarray:
    t = np.arange(4 * RATE) / RATE
    beat = np.exp(-6 * ((2 * t) % 1))
    return 0.3 * beat * np.sign(np.sin(2 * np.pi * 110 * 2 ** (number / 12) * t))


def murmur(number: int) -> np.ndarray:
    """Short bursts of noise: as short as words."""
    return 0.1 * np.random.default_rng(number).standard_normal(RATE)


def test_music_is_told_from_a_folder_of_short_sounds(tmp_path: Path) -> None:
    folders = {"music/rock": tune, "music/jazz": tune, "other": murmur}
    for name, sound in folders.items():
        (tmp_path / name).mkdir(parents=True)
        for number in range(12):
            soundfile.write(tmp_path / name / f"{number}.wav", sound(number), RATE)
    model = Path(shutil.copy(find_model(MODEL), tmp_path / "mine.int8.tflite"))
    before = read_bundle(model)
    command = ["music", str(model), "--data", str(tmp_path / "music")]
    assert train.main([*command, "--not-music", str(tmp_path / "other")]) == 0
    engine = Engine(EngineConfig(str(model)))
    assert engine.music_score is not None

    def score(samples: np.ndarray) -> float:
        window = samples[: 3 * RATE].astype(np.float32)
        return engine.music_score(engine.classifier.scores(engine.logmel.window(window)))

    assert score(tune(3)) > 0.5 > score(np.concatenate([murmur(n) for n in range(20, 23)]))
    after = read_bundle(model)
    assert (after.flatbuffer, after.negatives) == (before.flatbuffer, before.negatives)


def test_a_folder_without_sound_is_refused_in_one_line(tmp_path: Path, capsys) -> None:
    (tmp_path / "empty").mkdir()
    for genre in ("rock", "jazz"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for number in range(5):
            soundfile.write(tmp_path / "music" / genre / f"{number}.wav", tune(number), RATE)
    model = shutil.copy(find_model(MODEL), tmp_path / "mine.int8.tflite")
    command = ["music", str(model), "--data", str(tmp_path / "music")]
    assert train.main([*command, "--not-music", str(tmp_path / "empty")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "empty" in line


def test_the_area_is_how_often_music_scores_higher() -> None:
    assert area(np.array([0.9, 0.4]), np.array([0.1, 0.5])) == pytest.approx(0.75)
    assert area(np.array([0.5]), np.array([0.5])) == pytest.approx(0.5)
