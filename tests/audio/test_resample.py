"""Resampling: a stream equals the whole, and the whole equals soxr's one-shot."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from genre_edge.audio.resample import Resampler
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import noise


def resampled(samples: np.ndarray, rate: int, chunks: list[int]) -> np.ndarray:
    resampler, out, at = Resampler(rate, 22050), [], 0
    for chunk in chunks:
        out.append(resampler.push(samples[at : at + chunk]))
        at += chunk
    out.append(resampler.push(samples[at:]))
    out.append(resampler.flush())
    return np.concatenate(out)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 32000, 44100, 48000, 88200, 96000, 192000])
def test_a_stream_equals_the_one_shot(rate: int) -> None:
    samples = noise(1.3, rate)
    streamed = resampled(samples, rate, [997] * (len(samples) // 997))
    one_shot = soxr.resample(samples, rate, 22050, quality="HQ")
    assert len(streamed) == len(one_shot)
    np.testing.assert_allclose(streamed, one_shot, atol=2e-6)


@given(
    rate=st.sampled_from([8000, 16000, 22050, 44100, 48000, 96000]),
    chunks=st.lists(st.integers(0, 7000), max_size=40),
)
@settings(max_examples=80, deadline=None)
def test_any_cut_gives_the_same_samples(rate: int, chunks: list[int]) -> None:
    samples = noise(0.7, rate)
    np.testing.assert_array_equal(resampled(samples, rate, chunks), resampled(samples, rate, []))


def test_the_same_rate_passes_through() -> None:
    samples = noise(0.1)
    np.testing.assert_array_equal(resampled(samples, 22050, [10, 100]), samples)
