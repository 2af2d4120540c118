"""Short-term loudness, against pyloudnorm."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.loudness import QUIETEST_LUFS, ShortTermLoudness
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import noise

RATES = (8000, 16_000, 22_050, 44_100, 48_000, 96_000)


def loudness(samples: np.ndarray, rate: int) -> float | None:
    meter = ShortTermLoudness(rate)
    meter.push(samples.astype(np.float32))
    return meter.value()


def as_pyloudnorm(samples: np.ndarray, rate: int) -> float:
    """The loudness of the last 3 s, when all before went through the filters too."""
    meter = pyloudnorm.Meter(rate, block_size=3.0, overlap=0.0)
    heard = samples.astype(np.float64)
    for stage in meter._filters.values():
        heard = stage.apply_filter(heard)
    meter._filters = {}
    return float(meter.integrated_loudness(heard[-3 * rate :]))


def sine(hertz: float, rate: int, seconds: float = 3.0, peak: float = 1.0) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", RATES)
def test_sines_and_noise_have_the_loudness_that_pyloudnorm_measures(rate: int) -> None:
    sounds = [sine(f, rate) for f in (25, 50, 100, 440, 997, 1500, 3000, 7000) if f < 0.48 * rate]
    sounds.append(0.1 * np.random.default_rng(0).standard_normal(3 * rate))
    for sound in sounds:
        assert loudness(sound, rate) == pytest.approx(as_pyloudnorm(sound, rate), abs=0.01)


def test_music_and_what_came_before_it_have_the_loudness_that_pyloudnorm_measures(
    demo_clip,
) -> None:
    samples = read_mono(demo_clip, 22_050)
    for seconds in (3, 4.5, 8, 12):
        heard = samples[: round(seconds * 22_050)]
        assert loudness(heard, 22_050) == pytest.approx(as_pyloudnorm(heard, 22_050), abs=0.01)


def test_a_full_scale_sine_has_the_loudness_that_the_standard_gives() -> None:
    """BS.1770-4, annex 1: 0 dBFS at 997 Hz on one channel is -3.01 LKFS. pyloudnorm's
    coefficients are 0.04 dB off it."""
    assert loudness(sine(997, 48_000), 48_000) == pytest.approx(-3.01, abs=0.1)


def test_silence_has_a_value_and_less_than_3_s_has_none() -> None:
    assert loudness(np.zeros(3 * 16_000), 16_000) == QUIETEST_LUFS
    assert loudness(1e-5 * noise(3.0), 22_050) == QUIETEST_LUFS
    assert loudness(noise(2.99), 22_050) is None


@given(st.lists(st.integers(0, 30_000), max_size=8))
@settings(max_examples=30, deadline=None)
def test_however_a_stream_is_divided_its_loudness_is_the_same(cuts: list[int]) -> None:
    samples = noise(5.0).astype(np.float32)
    meter = ShortTermLoudness(22_050)
    for part in np.split(samples, np.cumsum(cuts)):
        meter.push(part)
    assert meter.value() == loudness(samples, 22_050)


def test_only_the_last_3_s_count() -> None:
    before = np.concatenate([noise(4.0), sine(440, 22_050, 3.2)])
    other = np.concatenate([0.01 * noise(4.0, seed=3), sine(440, 22_050, 3.2)])
    assert loudness(before, 22_050) == loudness(other, 22_050)
