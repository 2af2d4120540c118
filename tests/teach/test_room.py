"""A room around what is taught from a file."""

from __future__ import annotations

import numpy as np
from genre_edge.teach.room import in_a_room

RATE = 16000
CLICK = np.zeros(3 * RATE, np.float32)
CLICK[RATE] = 0.5


def energy(samples: np.ndarray, start: float, end: float) -> float:
    return float((samples[round(start * RATE) : round(end * RATE)] ** 2).sum())


def test_a_click_comes_first_and_dies_away_within_a_second() -> None:
    for number in range(10):
        heard = in_a_room(CLICK, RATE, number)
        assert heard[RATE] == np.float32(0.5)
        assert energy(heard, 0, 1) < 1e-9
        assert 0.01 < energy(heard, 1.0001, 1.3) < 1
        assert energy(heard, 1.3, 1.6) < energy(heard, 1.0001, 1.3)
        assert energy(heard, 1.95, 3) < 1e-6


def test_each_room_is_another_one_and_always_the_same() -> None:
    first, again, other = (in_a_room(CLICK, RATE, number) for number in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.001


def test_the_end_sounds_on_into_the_beginning() -> None:
    """As music before the window would: a room is heard from the first sample on."""
    late = np.roll(CLICK, 2 * RATE - 1)
    assert energy(in_a_room(late, RATE, 3), 0, 0.1) > 0
