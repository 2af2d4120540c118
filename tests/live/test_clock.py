"""The audio clock: it follows the system's clock, and not its jitter."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.audio.source import Arrival
from genre_edge.live.clock import AudioClock
from genre_edge.records import iso8601

NOW = 1_700_000_000.0


def at(monotonic: float, ahead: float = 0.0) -> Arrival:
    """A moment, by a clock of the wall that shows NOW when the other shows 0, and is
    then `ahead`."""
    return Arrival(monotonic, NOW + monotonic + ahead)


def test_the_clock_follows_drift_and_takes_steps_at_once() -> None:
    clock = AudioClock(1000)
    for second in range(200):  # the sound card is 100 ppm slow
        assert clock.observe(second * 1000, at(second * 1.0001)) == 0
    assert clock.utc(199_000) == pytest.approx(NOW + 199 * 1.0001, abs=0.01)
    assert clock.observe(200_000, at(200.02, 3600)) == pytest.approx(3600)
    assert clock.utc(200_000) == pytest.approx(NOW + 3800, abs=0.05)


@pytest.mark.parametrize(("difference", "step"), [(0.45, 0.0), (0.55, 0.55), (-0.55, -0.55)])
def test_over_half_a_second_is_a_step_and_less_is_not(difference: float, step: float) -> None:
    clock = AudioClock(1000)
    clock.observe(1000, at(1))
    assert clock.observe(2000, at(2, difference)) == pytest.approx(step, abs=1e-6)


def test_late_is_no_step() -> None:
    """The program is stopped for 14 s; then all that was queued comes at once."""
    clock = AudioClock(1000)
    for block in range(1, 101):
        clock.observe(100 * block, at(0.1 * block))
    for block in range(101, 241):
        assert clock.observe(100 * block, at(24.0 + block / 1e6)) == 0
        assert clock.utc(100 * block) == pytest.approx(NOW + 0.1 * block, abs=0.2)
    for block in range(241, 400):
        assert clock.observe(100 * block, at(0.1 * block)) == 0
        assert clock.utc(100 * block) == pytest.approx(NOW + 0.1 * block, abs=0.2)


def test_a_step_while_blocks_are_late_is_told_exactly() -> None:
    clock = AudioClock(1000)
    clock.observe(1000, at(1))
    assert clock.observe(2000, at(16.0, -3600)) == pytest.approx(-3600)
    assert clock.utc(2000) == pytest.approx(NOW + 2 - 3600, abs=0.01)


def test_audio_that_was_lost_without_a_word_is_made_up_for() -> None:
    clock = AudioClock(1000)
    for second in range(1, 200):
        lost = 14.0 if second > 100 else 0.0
        assert clock.observe(1000 * second, at(second + lost)) == 0
    assert clock.utc(199_000) == pytest.approx(NOW + 199 + 14, abs=0.1)


def test_times_are_utc_with_milliseconds() -> None:
    assert iso8601(0.0) == "1970-01-01T00:00:00.000Z"
    assert iso8601(1_769_860_800.1234) == "2026-01-31T12:00:00.123Z"


def test_the_clock_smooths_jitter() -> None:
    """Blocks are delivered up to 40 ms late; times of samples may not jump about."""
    clock = AudioClock(1000)
    late = np.random.default_rng(0).uniform(0, 0.04, 1000)
    told = []
    for block, delay in enumerate(late):
        clock.observe(50 * block, at(0.05 * block + delay))
        told.append(clock.utc(0) - NOW)
    settled = np.array(told[300:])
    assert abs(settled - late.mean()).max() < 0.005
    assert abs(np.diff(settled)).max() < 0.001
