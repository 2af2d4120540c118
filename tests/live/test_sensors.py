"""Further sensors: what they say in silence, after a gap, and of a model that cannot
tell."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.live.sensors import Sensors
from genre_edge.model.frontend import Window
from genre_edge.model.music_score import MusicScore
from genre_edge.settings.tables import SENSORS, ListenConfig

RATE = 16_000
SCORE = MusicScore((1.0, -1.0), 0.0)
JAZZ = np.array([0.75, 0.25], np.float32)


def windows(samples: np.ndarray, start: float = 0.0) -> list[Window]:
    """Windows of 3 s, one after the other."""
    parts = np.split(samples.astype(np.float32), len(samples) // (3 * RATE))
    features = np.zeros((1, 1), np.float32)
    return [Window(start + 3 * k, start + 3 * k + 3, features, p) for k, p in enumerate(parts)]


def beats(seconds: int, bpm: float = 120.0) -> np.ndarray:
    """Clicks."""
    samples = np.zeros(seconds * RATE)
    samples[(np.arange(0, seconds, 60 / bpm) * RATE).astype(int)] = 1.0
    return samples


def test_options_of_listening_turn_sensors_on() -> None:
    assert ListenConfig().sensors == ()
    assert ListenConfig(**dict.fromkeys(SENSORS, True)).sensors == SENSORS


def test_silence_is_no_music_and_has_no_tempo() -> None:
    sensors = Sensors(SENSORS, RATE, SCORE)
    *_, last = [sensors.hear(window, JAZZ) for window in windows(beats(12))]
    assert last["music_score"] == pytest.approx(0.75)
    assert last["bpm"] == pytest.approx(120, rel=0.01)
    assert last["bpm_confidence"] >= 0.5
    (window,) = windows(np.zeros(3 * RATE), start=12.0)
    silent = {"loudness_lufs": -70.0, "music_score": 0.0, "bpm": None, "bpm_confidence": None}
    assert sensors.hear(window, None) == silent


def test_a_model_without_a_score_for_music_says_nothing_of_it() -> None:
    sensors = Sensors(["music_score"], RATE, None)
    assert sensors.hear(windows(beats(3))[0], JAZZ) == {"music_score": None}


def test_a_tempo_is_found_in_12_s_without_a_gap() -> None:
    sensors = Sensors(["tempo"], RATE, None)
    said = [sensors.hear(window, JAZZ)["bpm"] for window in windows(beats(12))]
    sensors.reset()
    said += [sensors.hear(window, JAZZ)["bpm"] for window in windows(beats(12))]
    assert [bpm is not None for bpm in said] == [False, False, False, True] * 2
    far = [sensors.hear(window, JAZZ)["bpm"] for window in windows(beats(12), start=60.0)]
    assert [bpm is not None for bpm in far] == [False, False, False, True]
