"""Beats per minute: what is published is right, and nothing is published of what has no
beat."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.live.tempo import SURE_ENOUGH, TempoMeter
from genre_edge.teach.room import in_a_room
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = 16_000
SECONDS = 12


def clicks(bpm: float, first: float = 0.2, noise: float = 0.0) -> np.ndarray:
    """Short tones at a tempo, the first of them after `first` s; with noise of that
    level."""
    samples = noise * np.random.default_rng(0).standard_normal(SECONDS * RATE)
    t = np.arange(round(0.03 * RATE)) / RATE
    for at in np.arange(first, SECONDS - 0.05, 60 / bpm):
        start = round(at * RATE)
        samples[start : start + len(t)] += np.sin(2 * np.pi * 1000 * t) * np.exp(-t * 150)
    return samples.astype(np.float32)


def tempo_of(samples: np.ndarray, rate: int = RATE):
    meter = TempoMeter(rate)
    meter.push(samples)
    return meter.value()


@pytest.mark.parametrize("rate", [16_000, 22_050])
@given(bpm=st.floats(60, 200), first=st.floats(0, 0.9), noise=st.sampled_from([0.0, 0.02, 0.1]))
@settings(max_examples=15, deadline=None)
def test_the_tempo_of_clicks_is_found(rate: int, bpm: float, first: float, noise: float) -> None:
    import soxr

    samples = clicks(bpm, first, noise)
    found = tempo_of(soxr.resample(samples, RATE, rate), rate)
    ratio = found.bpm / bpm
    assert min(abs(ratio - octave) for octave in (0.5, 1, 2)) < 0.04
    if found.confidence >= SURE_ENOUGH:
        assert ratio == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize("bpm", [90, 120, 150])
def test_usual_tempi_are_sure_in_a_room_too(bpm: float) -> None:
    found = tempo_of(in_a_room(clicks(bpm, noise=0.02), RATE, 3))
    assert found.bpm == pytest.approx(bpm, rel=0.02)
    assert found.confidence >= SURE_ENOUGH


def test_sound_without_a_beat_has_no_tempo() -> None:
    rng = np.random.default_rng(1)
    noise = (0.1 * rng.standard_normal(SECONDS * RATE)).astype(np.float32)
    tone = np.sin(2 * np.pi * 440 * np.arange(SECONDS * RATE) / RATE).astype(np.float32)
    for sound in (noise, tone, clicks(100, noise=3.0)):
        assert tempo_of(sound).confidence < SURE_ENOUGH
    assert tempo_of(np.zeros(SECONDS * RATE, np.float32)) is None


def test_a_tempo_needs_12_s() -> None:
    assert tempo_of(clicks(120)[: 11 * RATE]) is None


@given(st.lists(st.integers(0, 60_000), max_size=6))
@settings(max_examples=10, deadline=None)
def test_however_a_stream_is_divided_its_tempo_is_the_same(cuts: list[int]) -> None:
    samples = clicks(100, noise=0.05)
    meter = TempoMeter(RATE)
    for part in np.split(samples, np.cumsum(cuts)):
        meter.push(part)
    assert meter.value().bpm == tempo_of(samples).bpm
    assert meter.value().confidence == pytest.approx(tempo_of(samples).confidence, abs=1e-3)
