"""From scores to the label that a person is shown."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.live.smoothing import UNCERTAIN, Smoother
from genre_edge.records import SILENCE

LABELS = ("blues", "jazz", "rock")


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


def test_a_silence_forgets_the_label_shown() -> None:
    smoother = Smoother(LABELS, 1, 0.0)
    assert smoother.add(np.array([0.0, 0.51, 0.49], dtype=np.float32))[0] == "jazz"
    smoother.silence()
    rock_by_a_hair = np.array([0.0, 0.49, 0.51], dtype=np.float32)
    assert smoother.add(rock_by_a_hair)[0] == "rock", "it need not lead by a margin"


TABLE = [
    # windows, uncertain below; of each window the scores of blues, jazz, rock, and
    # label
    pytest.param(
        1,
        0.5,
        [
            ((0.1, 0.8, 0.1), "jazz"),
            ((0.8, 0.1, 0.1), "blues"),
            ((0.4, 0.3, 0.3), "uncertain"),
            ((0.1, 0.1, 0.8), "rock"),
        ],
        id="each window alone",
    ),
    pytest.param(
        3,
        0.0,
        [
            ((0.05, 0.90, 0.05), "jazz"),
            ((0.05, 0.90, 0.05), "jazz"),
            ((0.60, 0.10, 0.30), "jazz"),
            ((0.30, 0.10, 0.60), "jazz"),  # mean 0.32, 0.37, 0.32
            ((0.60, 0.10, 0.30), "blues"),  # 0.50, 0.10, 0.40: the 0.90 are out of memory
        ],
        id="a memory of three windows, and no longer",
    ),
    pytest.param(
        5,
        0.0,
        [
            ((0.05, 0.90, 0.05), "jazz"),
            ((0.05, 0.90, 0.05), "jazz"),
            ((0.60, 0.10, 0.30), "jazz"),
            ((0.30, 0.10, 0.60), "jazz"),
            ((0.60, 0.10, 0.30), "jazz"),  # 0.32, 0.42, 0.26
        ],
        id="a memory of five windows",
    ),
    pytest.param(
        4,
        0.0,
        [
            ((0.05, 0.90, 0.05), "jazz"),
            ((0.05, 0.90, 0.05), "jazz"),
            ((0.05, 0.05, 0.90), "jazz"),
            ((0.05, 0.05, 0.90), "rock"),  # two windows agree on another song
            ((0.05, 0.80, 0.15), "rock"),  # 0.05, 0.30, 0.65: jazz was forgotten with it
        ],
        id="a new song is a new beginning",
    ),
    pytest.param(
        3,
        0.0,
        [
            ((0.05, 0.90, 0.05), "jazz"),
            ((0.20, 0.20, 0.60), "jazz"),
            ((0.20, 0.20, 0.60), "rock"),  # with the first window jazz would lead: 0.43
        ],
        id="two windows of a new song outdo one of the old, however sure",
    ),
    pytest.param(
        1,
        0.0,
        [
            ((0.00, 0.50, 0.50), "jazz"),
            ((0.00, 0.48, 0.52), "jazz"),  # 0.04 more
            ((0.00, 0.47, 0.53), "rock"),  # 0.06 more
            ((0.00, 0.52, 0.48), "rock"),
            ((0.00, 0.53, 0.47), "jazz"),
        ],
        id="another label must lead by 0.05",
    ),
    pytest.param(
        2,
        0.6,
        [
            ((0.1, 0.8, 0.1), "jazz"),
            ((0.1, 0.5, 0.4), "jazz"),  # mean 0.65
            ((0.1, 0.5, 0.4), "uncertain"),  # mean 0.5
            ((0.0, 0.7, 0.3), "uncertain"),  # mean 0.6 would have been enough to stay
            ((0.0, 0.7, 0.3), "jazz"),  # mean 0.7
        ],
        id="the mean decides what is uncertain",
    ),
    pytest.param(
        1,
        0.5,
        [
            ((0.23, 0.54, 0.23), "uncertain"),
            ((0.22, 0.56, 0.22), "jazz"),
            ((0.25, 0.5, 0.25), "jazz"),
            ((0.26, 0.48, 0.26), "uncertain"),
            ((0.23, 0.54, 0.23), "uncertain"),
        ],
        id="a genre needs 0.05 more to appear than to stay",
    ),
]


@pytest.mark.parametrize(("windows", "uncertain_below", "rows"), TABLE)
def test_scores_become_these_labels(
    windows: int, uncertain_below: float, rows: list[tuple[tuple[float, ...], str]]
) -> None:
    smoother = Smoother(LABELS, windows, uncertain_below)
    shown = [smoother.add(np.array(scores, dtype=np.float32))[0] for scores, _ in rows]
    assert shown == [label for _, label in rows]
