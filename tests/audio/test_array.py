"""Samples in memory: what is taken, what is refused, and one scale for 16 bits."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.audio.array import ArraySource
from genre_edge.audio.mono import to_mono
from genre_edge.audio.pcm import as_floats, from_int16, to_int16
from genre_edge.errors import AudioError, UsageError

from tests.conftest import noise


def heard(samples: object, rate: float = 22050) -> np.ndarray:
    return np.concatenate([block.samples for block in ArraySource(samples, rate).blocks()])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16])
@pytest.mark.parametrize("channels", [1, 2])
def test_floats_and_16_bits_become_float32_in_channels(dtype: type, channels: int) -> None:
    samples = np.full((5, channels), -0.5) if dtype != np.int16 else np.full((5, channels), -16384)
    given = samples.astype(dtype)
    found = heard(given[:, 0] if channels == 1 else given)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.full((5, channels), -0.5))


def test_a_list_will_do() -> None:
    np.testing.assert_array_equal(heard([0.0, 0.5]), [[0.0], [0.5]])


def test_long_arrays_come_in_blocks_that_tell_their_position() -> None:
    samples = noise(10.0)
    source, at = ArraySource(samples, 22050), 0
    for block in source.blocks():
        assert block.position == at
        np.testing.assert_array_equal(block.samples[:, 0], samples[at : at + len(block.samples)])
        at += len(block.samples)
    assert at == len(samples)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(10, np.int32), 22050, "samples of type int32: must be floats (full scale 1.0)"),
        (np.zeros(10, np.uint8), 22050, "samples of type uint8: must be floats"),
        (["a", "b"], 22050, "samples of type <U1: must be floats"),
        ([[0.0], [0.0, 0.0]], 22050, "samples: rows of different lengths"),
        (np.zeros((2, 66150)), 22050, "samples of shape [2, 66150]: must be [n, channels]: give"),
        (np.zeros((2, 3, 4)), 22050, "samples of shape [2, 3, 4]: must be [n] or [n, channels]"),
        (np.float32(0), 22050, "samples of shape []: must be [n] or [n, channels]"),
        (np.zeros((5, 0)), 22050, "samples of shape [5, 0]: must be [n] or [n, channels]"),
        (np.zeros(10), 10, "sample_rate 10: must be between 8000 and 192000 Hz"),
        (np.zeros(10), 192_001, "sample_rate 192001: must be between 8000 and 192000 Hz"),
        (np.zeros(10), 22050.5, "sample_rate 22050.5: must be a whole number of Hz"),
        (np.zeros(10), float("nan"), "sample_rate nan: must be a whole number of Hz"),
        (np.zeros(10), True, "sample_rate True: must be a whole number of Hz"),
        (np.zeros(10), "44100", "sample_rate 44100: must be a whole number of Hz"),
    ],
)
def test_what_is_no_audio_is_refused_by_the_parameters_name(
    samples: object, rate: object, message: str
) -> None:
    with pytest.raises(UsageError) as error:
        ArraySource(samples, rate)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("rate", [8000, 192_000, 44100.0, np.int64(48000), np.float32(16000)])
def test_a_rate_is_a_whole_number_of_any_type(rate: float) -> None:
    assert ArraySource([0.0], rate).sample_rate == int(rate)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_samples_that_are_no_numbers_are_found(bad: float) -> None:
    samples = noise(4.0).astype(np.float64)
    samples[66150] = bad
    with pytest.raises(AudioError, match=r"^samples: has NaN or infinite.* at 3\.000 s$"):
        heard(samples)


def test_16_bits_survive_floats_and_floats_are_rounded_and_clipped() -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    np.testing.assert_array_equal(to_int16(from_int16(every)), every)
    np.testing.assert_array_equal(to_int16(np.array([-2.0, 2.0])), [-32768, 32767])
    np.testing.assert_array_equal(to_int16(np.array([0.6, 0.4, -0.6]) / 32768), [1, 0, -1])
    assert from_int16(np.array([-32768], np.int16)) == -1.0


def test_float32_is_not_copied() -> None:
    samples = np.ones(10, dtype=np.float32)
    assert np.shares_memory(as_floats(samples), samples)


def test_mono_is_not_copied() -> None:
    samples = np.ones((10, 1), dtype=np.float32)
    assert np.shares_memory(to_mono(samples), samples)
