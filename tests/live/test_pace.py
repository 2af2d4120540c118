"""The pace of a stream: that of a player, whatever comes at once or late."""

from __future__ import annotations

import pytest
from genre_edge.live.pace import LIVE_SPEED, Pace

RATE = 1000
BLOCK = 100


def run(pace: Pace, arrivals: list[float]) -> list[float]:
    return [pace.late(BLOCK, now) for now in arrivals]


def test_what_comes_at_once_is_due_in_real_time() -> None:
    pace = Pace(RATE, 1.0, 50.0)
    late = run(pace, [50.0] * 30)
    assert late == pytest.approx([-0.1 * (number + 1) for number in range(30)])


def test_a_live_stream_may_be_heard_a_little_faster() -> None:
    pace = Pace(RATE, LIVE_SPEED, 0.0)
    run(pace, [0.0] * 1000)
    assert pace.due == pytest.approx(100 / LIVE_SPEED)


def test_the_pace_follows_a_slow_clock() -> None:
    """A clock that is slow by 1 % is followed: the blocks stay as late as they were."""
    pace = Pace(RATE, 1.0, 0.0)
    late = run(pace, [0.101 * (number + 1) for number in range(5000)])
    assert late[-1] == pytest.approx(late[-1000], abs=1e-3)
    assert 0 < late[-1] < 0.2


def test_one_late_block_moves_the_pace_by_a_small_share() -> None:
    pace = Pace(RATE, 1.0, 0.0)
    assert pace.late(BLOCK, 2.1) == pytest.approx(2.0)
    assert pace.due == pytest.approx(0.1 + 0.02)


def test_after_a_stop_a_stream_is_as_late_as_before() -> None:
    """What waited while the program was stopped comes at once, and is made up for."""
    pace = Pace(RATE, LIVE_SPEED, 0.0)
    arrivals = [max(0.1 * (number + 1), 24.0 if number >= 100 else 0.0) for number in range(400)]
    late = run(pace, arrivals)
    assert max(late) > 13
    assert late[-1] == pytest.approx(late[99], abs=0.2)


def test_after_a_stop_that_lost_audio_the_pace_follows() -> None:
    pace = Pace(RATE, 1.0, 0.0)
    late = run(
        pace, [0.1 * (number + 1) + (14.0 if number >= 100 else 0.0) for number in range(2000)]
    )
    assert max(late) > 13
    assert late[-1] < 0.1
