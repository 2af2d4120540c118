"""One channel from any number: the mean, or the loudest where channels cancel out."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.audio.mono import Mixer
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import noise

RATE = 8000


def mixed(samples: np.ndarray, cuts: list[int] | None = None) -> np.ndarray:
    mixer = Mixer(RATE)
    parts = np.split(samples, sorted(cuts or []))
    return np.concatenate([*[mixer.push(part) for part in parts], mixer.flush()])


def stereo(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.stack([left, right], axis=1)


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_channels_are_averaged(channels: int) -> None:
    samples = noise(1.0, RATE, channels).reshape(-1, channels)
    np.testing.assert_allclose(mixed(samples), samples.mean(axis=1), atol=1e-7)


def test_opposite_channels_are_heard_as_one_of_them() -> None:
    left = noise(1.0, RATE)
    np.testing.assert_array_equal(mixed(stereo(left, -left)), left)
    np.testing.assert_array_equal(mixed(stereo(0.9 * left, -left)), (0.9 * left - left) / 2)


def test_only_the_stretch_that_cancels_is_taken_from_one_channel() -> None:
    left, right = noise(1.0, RATE, seed=1), noise(1.0, RATE, seed=2)
    right[: RATE // 2] = -left[: RATE // 2]
    heard = mixed(stereo(left, right))
    np.testing.assert_array_equal(heard[: RATE // 2], left[: RATE // 2])
    np.testing.assert_allclose(heard[RATE // 2 :], (left + right)[RATE // 2 :] / 2, atol=1e-7)


def test_the_number_of_channels_may_change() -> None:
    mixer, left = Mixer(RATE), noise(0.15, RATE)
    parts = [mixer.push(stereo(left, left)), mixer.push(left[:, None]), mixer.flush()]
    np.testing.assert_array_equal(np.concatenate(parts), np.concatenate([left, left]))


@given(st.lists(st.integers(0, 2400), max_size=8))
@settings(max_examples=50, deadline=None)
def test_the_division_of_the_stream_changes_nothing(cuts: list[int]) -> None:
    left, right = noise(0.3, RATE, seed=1), noise(0.3, RATE, seed=2)
    right[700:1700] = -left[700:1700]
    samples = stereo(left, right)
    np.testing.assert_array_equal(mixed(samples, cuts), mixed(samples))
