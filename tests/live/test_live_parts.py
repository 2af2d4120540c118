"""The parts of live listening, each alone: queue, clock, signal, smoothing."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.audio.level import level_dbfs, signal_state
from genre_edge.audio.pcm import from_int16, to_int16
from genre_edge.errors import UsageError
from genre_edge.live.clock import AudioClock, iso8601
from genre_edge.live.queue import CaptureQueue
from genre_edge.live.smoothing import SILENCE, UNCERTAIN, Smoother
from genre_edge.settings.tables import CaptureConfig, ListenConfig
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import noise

LABELS = ("blues", "jazz", "rock")
SECONDS = np.arange(66150) / 22050


def chunk(frames: int) -> bytes:
    return bytes(2 * frames)


@given(st.lists(st.one_of(st.none(), st.integers(1, 400)), max_size=80))
def test_what_the_queue_drops_is_counted_and_leaves_a_jump(steps: list[int | None]) -> None:
    queue, put, got, expected, jumps = CaptureQueue(1000, 1.0), 0, 0, 0, 0
    for step in steps:
        if step is not None:
            queue.put(chunk(step), step, False)
            put += step
            continue
        taken = queue.get(0)
        if taken is not None:
            jumps += taken.position - expected
            expected = taken.position + taken.frames
            got += taken.frames
    while (taken := queue.get(0)) is not None:
        jumps += taken.position - expected
        expected = taken.position + taken.frames
        got += taken.frames
    assert got + queue.dropped == put
    assert jumps == queue.dropped


def test_an_idle_consumer_costs_a_bounded_amount_of_memory() -> None:
    queue = CaptureQueue(48_000, 2.0)
    for _ in range(10_000):
        queue.put(chunk(1024), 1024, False)
    held = 0
    while (taken := queue.get(0)) is not None:
        held += taken.frames
    assert held <= 96_000
    assert held + queue.dropped == 10_240_000


def test_an_overflow_of_the_driver_is_counted() -> None:
    queue = CaptureQueue(48_000, 2.0)
    queue.put(chunk(1024), 1024, False)
    queue.put(chunk(1024), 1024, True)
    assert queue.overflows == 1


def test_the_clock_follows_drift_and_takes_steps_at_once() -> None:
    clock, now = AudioClock(1000), 1_700_000_000.0
    for second in range(200):  # the sound card is 100 ppm slow
        assert clock.observe(second * 1000, now + second * 1.0001) == 0
    assert clock.utc(199_000) == pytest.approx(now + 199 * 1.0001, abs=0.01)
    assert clock.observe(200_000, now + 200 + 3600) == pytest.approx(3600, abs=0.1)
    assert clock.utc(200_000) == pytest.approx(now + 3800, abs=1e-3)


def test_times_are_utc_with_milliseconds() -> None:
    assert iso8601(0.0) == "1970-01-01T00:00:00.000Z"
    assert iso8601(1_769_860_800.1234) == "2026-01-31T12:00:00.123Z"


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
        (as_int16(20 * noise(3.0)), "clipping"),
    ],
)
def test_dead_and_clipping_are_told_from_quiet_and_loud(samples: np.ndarray, state: str) -> None:
    assert signal_state(samples.astype(np.float32)) == state
    gain = np.float32(8)
    assert signal_state(samples.astype(np.float32) * gain, float(gain)) == state, (
        "gain is no clipping"
    )


def peaked(label: str, confidence: float = 0.9) -> np.ndarray:
    rest = (1 - confidence) / (len(LABELS) - 1)
    return np.array([confidence if name == label else rest for name in LABELS], dtype=np.float32)


@pytest.mark.parametrize("windows", [1, 2, 3, 5, 10])
def test_a_new_song_shows_within_two_windows(windows: int) -> None:
    smoother = Smoother(LABELS, windows, 0.5)
    for _ in range(20):
        assert smoother.add(peaked("jazz"))[0] == "jazz"
    shown = [smoother.add(peaked("rock"))[0] for _ in range(2)]
    assert shown[-1] == "rock"


def test_one_odd_window_changes_nothing() -> None:
    smoother = Smoother(LABELS, 3, 0.4)
    labels = [
        smoother.add(peaked(name))[0] for name in ("jazz", "jazz", "jazz", "rock", "jazz", "jazz")
    ]
    assert labels == ["jazz"] * 6


def test_a_tie_does_not_flicker() -> None:
    smoother = Smoother(LABELS, 1, 0.0)
    a = np.array([0.0, 0.51, 0.49], dtype=np.float32)
    b = np.array([0.0, 0.49, 0.51], dtype=np.float32)
    assert [smoother.add(scores)[0] for scores in (a, b, a, b)] == ["jazz"] * 4


def test_what_is_not_sure_is_uncertain_and_silence_forgets() -> None:
    smoother = Smoother(LABELS, 3, 0.5)
    label, genre, confidence = smoother.add(peaked("jazz", 0.4))
    assert (label, genre) == (UNCERTAIN, "jazz")
    assert confidence == pytest.approx(0.4)
    smoother.add(peaked("jazz"))
    assert smoother.silence() == SILENCE
    assert smoother.add(peaked("rock"))[0] == "rock", (
        "after a silence the first window counts alone"
    )


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (
            lambda: ListenConfig(smooth=0, silence_dbfs=5, windows=0),
            ["smooth 0", "silence_dbfs 5", "windows 0"],
        ),
        (
            lambda: ListenConfig(uncertain_below=2.0, duration=-1.0),
            ["uncertain_below 2", "duration -1"],
        ),
        (lambda: CaptureConfig(gain_db=float("nan"), channel=0), ["gain_db nan", "channel 0"]),
    ],
)
def test_all_faults_of_a_configuration_are_named_at_once(make, named: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        make()
    for words in named:
        assert words in str(error.value)
