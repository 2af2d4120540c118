"""The audio clock: it follows the system's clock, and not its jitter."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.live.clock import AudioClock, iso8601


def test_the_clock_follows_drift_and_takes_steps_at_once() -> None:
    clock, now = AudioClock(1000), 1_700_000_000.0
    for second in range(200):  # the sound card is 100 ppm slow
        assert clock.observe(second * 1000, now + second * 1.0001) == 0
    assert clock.utc(199_000) == pytest.approx(now + 199 * 1.0001, abs=0.01)
    assert clock.observe(200_000, now + 200 + 3600) == pytest.approx(3600, abs=0.1)
    assert clock.utc(200_000) == pytest.approx(now + 3800, abs=1e-3)


@pytest.mark.parametrize(("difference", "step"), [(0.45, 0.0), (0.55, 0.55), (-0.55, -0.55)])
def test_over_half_a_second_is_a_step_and_less_is_jitter(difference: float, step: float) -> None:
    clock, now = AudioClock(1000), 1_700_000_000.0
    clock.observe(1000, now)
    assert clock.observe(2000, now + 1 + difference) == pytest.approx(step, abs=1e-6)


def test_times_are_utc_with_milliseconds() -> None:
    assert iso8601(0.0) == "1970-01-01T00:00:00.000Z"
    assert iso8601(1_769_860_800.1234) == "2026-01-31T12:00:00.123Z"


def test_the_clock_smooths_jitter() -> None:
    """Blocks are delivered up to 40 ms late; times of samples may not jump about."""
    clock, now = AudioClock(1000), 1_700_000_000.0
    late = np.random.default_rng(0).uniform(0, 0.04, 1000)
    told = []
    for block, delay in enumerate(late):
        clock.observe(50 * block, now + 0.05 * block + delay)
        told.append(clock.utc(0) - now)
    settled = np.array(told[300:])
    assert abs(settled - late.mean()).max() < 0.005
    assert abs(np.diff(settled)).max() < 0.001
