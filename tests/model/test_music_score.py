"""A score for music: what a bundle holds of it, and that it tells music from other
sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import BundleError
from genre_edge.model.bundle import find_model, read_bundle, write_bundle
from genre_edge.model.engine import Engine
from genre_edge.model.music_score import MusicScore
from genre_edge.settings.tables import EngineConfig

from tests.conftest import noise

SHIPPED = read_bundle(find_model("gtzan-edge.int8"))
LINE = {"weights": [0.5] * len(SHIPPED.info.labels), "bias": 1.0}


def written(path: Path, music: dict) -> Path:
    write_bundle(path, SHIPPED.flatbuffer, replace(SHIPPED.info, music=music), SHIPPED.negatives)
    return path


def test_a_score_is_a_probability_and_a_bundle_keeps_it(tmp_path: Path) -> None:
    score = MusicScore((1.0, -1.0), 0.0)
    assert score(np.array([0.5, 0.5], np.float32)) == pytest.approx(0.5)
    assert score(np.array([0.8, 0.2], np.float32)) == pytest.approx(0.8)
    assert score(np.array([1.0, 0.0], np.float32)) == pytest.approx(256 / 257)
    assert read_bundle(written(tmp_path / "a.tflite", LINE)).info.music == LINE
    path = written(tmp_path / "b.tflite", {})
    assert Engine(EngineConfig(str(path))).music_score is None


@pytest.mark.parametrize(
    "music",
    [
        {**LINE, "weights": [0.5]},
        {**LINE, "weights": [*LINE["weights"][1:], float("nan")]},
        {**LINE, "bias": "1"},
        {"weights": LINE["weights"]},
        [],
        7,
    ],
)
def test_a_damaged_score_is_refused_in_one_line(tmp_path: Path, music) -> None:
    path = tmp_path / "bad.tflite"
    info = replace(SHIPPED.info, music=LINE)
    object.__setattr__(info, "to_dict", lambda: {**SHIPPED.info.to_dict(), "music": music})
    write_bundle(path, SHIPPED.flatbuffer, info)
    with pytest.raises(BundleError) as refused:
        read_bundle(path)
    assert len(str(refused.value).splitlines()) == 1


def test_the_default_model_tells_music_from_noise(demo_clip) -> None:
    engine = Engine(EngineConfig())
    score, rate = engine.music_score, engine.sample_rate
    assert score is not None

    def of(samples: np.ndarray) -> list[float]:
        length = engine.logmel.spec.window_samples
        parts = [samples[at : at + length] for at in range(0, len(samples) - length + 1, length)]
        return [score(engine.classifier.scores(engine.logmel.window(part))) for part in parts]

    assert np.mean(of(read_mono(demo_clip, rate))) > 0.5
    assert max(of(noise(12.0).astype(np.float32))) < 0.5
