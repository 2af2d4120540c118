"""The engine: one window of samples that a page sends, and streams of their own."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.audio.array import ArraySource
from genre_edge.errors import AudioError
from genre_edge.model.engine import Engine
from genre_edge.records import FileRecord
from genre_edge.settings.tables import EngineConfig

from tests.conftest import noise


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Of a model that takes 22 050 Hz."""
    return Engine(EngineConfig("gtzan-two-block.int8"))


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_the_first_window_is_the_one_that_classify_takes(engine: Engine, rate: int) -> None:
    samples = noise(7.0, rate)
    first, *_ = engine.classify(ArraySource(samples, rate))
    answer = engine.predict(engine.first_window(samples, rate))
    assert (answer.genre, answer.confidence, answer.scores) == (
        first.genre,
        first.confidence,
        first.scores,
    )


def test_a_window_may_lack_a_few_samples_and_no_more(engine: Engine) -> None:
    assert len(engine.first_window(noise(2.98), 22050).samples) == 66150
    with pytest.raises(AudioError, match=r"samples: 2\.90 s: must be 3 s"):
        engine.first_window(noise(2.9), 22050)


def test_a_verdict_is_the_mean_of_the_windows(engine: Engine) -> None:
    samples = np.concatenate([noise(3.0), noise(3.0, seed=1) ** 3, noise(2.0)])
    *windows, verdict = engine.classify(ArraySource(samples, 22050, "three"))
    assert isinstance(verdict, FileRecord)
    assert (verdict.file, verdict.seconds, verdict.windows) == ("three", 8.0, 2)
    for label, mean in verdict.scores.items():
        assert mean == pytest.approx(np.mean([w.scores[label] for w in windows]), abs=1e-4)
    assert verdict.genre == max(verdict.scores, key=lambda label: verdict.scores[label])
