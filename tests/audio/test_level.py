"""Level and state of a signal."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.audio.level import level_dbfs, signal_state
from genre_edge.audio.pcm import from_int16, to_int16

from tests.conftest import noise

SECONDS = np.arange(66150) / 22050


def test_level_is_that_of_the_root_mean_square() -> None:
    assert level_dbfs(np.ones(1000, np.float32)) == pytest.approx(0)
    assert level_dbfs(np.sin(2 * np.pi * 440 * SECONDS).astype(np.float32)) == pytest.approx(
        -3.01, abs=0.01
    )
    assert level_dbfs(np.zeros(1000, np.float32)) == -120


def as_int16(samples: np.ndarray) -> np.ndarray:
    return from_int16(to_int16(samples))


@pytest.mark.parametrize(
    ("samples", "state"),
    [
        (np.zeros(66150), "dead"),
        (np.full(66150, 0.01), "dead"),
        (as_int16(3e-5 * noise(3.0) / 0.1), "listening"),
        (noise(3.0), "listening"),
        (as_int16(0.99 * np.sin(2 * np.pi * 50 * SECONDS) * (SECONDS < 0.01)), "listening"),
        (as_int16(4 * np.sin(2 * np.pi * 440 * SECONDS)), "clipping"),
        (as_int16(np.where(SECONDS % 1 < 0.003, 1.0, noise(3.0))), "clipping"),  # 0.3 %
        (as_int16(np.where(SECONDS % 1 < 0.001, 1.0, noise(3.0))), "listening"),  # 0.1 %
        (as_int16(20 * noise(3.0)), "clipping"),
    ],
)
def test_dead_and_clipping_are_told_from_quiet_and_loud(samples: np.ndarray, state: str) -> None:
    assert signal_state(samples.astype(np.float32)) == state
    gain = np.float32(8)
    assert signal_state(samples.astype(np.float32) * gain, float(gain)) == state, (
        "gain is no clipping"
    )
