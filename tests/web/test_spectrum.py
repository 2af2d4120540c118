"""The coarse spectrum of the live page."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from genre_edge.audio.array import ArraySource
from genre_edge.audio.source import AudioBlock
from genre_edge.web.spectrum import BANDS, SpectrumSource

RATE = 22_050


def sine(hz: float, amplitude: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(RATE * seconds)) / RATE
    return (amplitude * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def spectra_of(samples: np.ndarray) -> list[list[int]]:
    sent: list[list[int]] = []
    source = SpectrumSource(ArraySource(samples, RATE), sent.append)
    for _ in source.blocks():
        pass
    return sent


@pytest.mark.parametrize("hz", [300.0, 1000.0, 5000.0])
def test_a_tone_lights_its_own_band_and_higher_tones_higher_bands(hz: float) -> None:
    (low,), (high,) = spectra_of(sine(hz, 0.5)), spectra_of(sine(2 * hz, 0.5))
    assert len(low) == BANDS
    assert int(np.argmax(high)) > int(np.argmax(low))
    assert sorted(low)[-1] > sorted(low)[-8] + 40, "the tone stands out of the rest"


def test_ten_decibels_are_28_steps_and_silence_is_zero() -> None:
    (loud,), (quiet,) = spectra_of(sine(1000.0, 0.5)), spectra_of(sine(1000.0, 0.5 / 10**0.5))
    assert max(loud) - max(quiet) == pytest.approx(10 * 255 / 90, abs=1)
    assert spectra_of(np.zeros(RATE, np.float32)) == [[0] * BANDS]


@pytest.mark.parametrize("hz", [100.0, 300.0, 440.0, 1000.0])
def test_a_full_scale_tone_is_near_the_top_and_stays_in_few_bands(hz: float) -> None:
    (levels,) = spectra_of(sine(hz, 1.0))
    assert 227 <= max(levels) <= 234
    assert sum(level > 0 for level in levels) <= 6


def test_levels_stay_between_0_and_255() -> None:
    (levels,) = spectra_of(sine(100.0, 100.0))
    assert max(levels) == 255
    assert min(levels) >= 0


class Microphone(ArraySource):
    """Samples in blocks of 20 ms, as they come from a device."""

    def blocks(self) -> Iterator[AudioBlock]:
        (block,) = super().blocks()
        step = RATE // 50
        for start in range(0, len(block.samples), step):
            yield AudioBlock(block.samples[start : start + step], start)


def test_ten_spectra_a_second_are_sent() -> None:
    sent: list[list[int]] = []
    source = SpectrumSource(Microphone(sine(440.0, 0.5, 2.0), RATE), sent.append)
    assert len(list(source.blocks())) == 100
    assert len(sent) == 20


def test_audio_passes_unchanged() -> None:
    samples = sine(440.0, 0.5, 2.0)
    source = SpectrumSource(Microphone(samples, RATE), lambda _: None)
    heard = np.concatenate([block.samples for block in source.blocks()])
    assert np.array_equal(heard[:, 0], samples)
    assert (source.sample_rate, source.channels, source.name) == (RATE, 1, "samples")
