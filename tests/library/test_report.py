"""What one page about a library finds in it."""

from __future__ import annotations

import numpy as np
import pytest
from genre_edge.library.alike import groups_alike
from genre_edge.library.tag_check import Tags, label_of_tag, likely_wrong
from hypothesis import given
from hypothesis import strategies as st

LABELS = ("blues", "classical", "hiphop", "jazz", "rock")


@pytest.mark.parametrize(
    ("tag", "label"),
    [
        ("Rock", "rock"),
        ("Hip-Hop", "hiphop"),
        ("hip hop", "hiphop"),
        ("Underground Hip Hop", "hiphop"),
        ("Gangsta Rap", "hiphop"),
        ("Hard Rock", "rock"),
        ("Vocal Jazz", "jazz"),
        ("Rockabilly", None),
        ("Baroque", None),
        ("", None),
        ("--", None),
    ],
)
def test_a_tag_means_a_label_by_its_last_word(tag: str, label: str | None) -> None:
    assert label_of_tag(tag, LABELS) == label


def test_only_a_sure_contradiction_makes_a_tag_likely_wrong() -> None:
    def heard(confidence: float, tagged: float) -> dict:
        return {"path": f"{confidence}", "confidence": confidence, "scores": {"jazz": tagged}}

    rows = [heard(0.85, 0.01), heard(0.95, 0.02), heard(0.79, 0.0), heard(0.9, 0.06)]
    jazz = ("Jazz", "jazz")
    assert likely_wrong(rows, Tags([jazz] * 4)) == [1, 0]
    assert likely_wrong(rows, Tags([None] * 4)) == []


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(0, 20))
def test_repeats_are_found_wherever_they_stand_and_nothing_else(
    seed: int, files: int, repeats: int
) -> None:
    rng = np.random.default_rng(seed)
    songs = rng.standard_normal((files, 64)).astype(np.float32)
    lengths = rng.uniform(30, 300, files)
    of = rng.integers(0, files, repeats)
    where = rng.permutation(files + repeats)
    song = np.concatenate([np.arange(files), of])[where]
    vectors = songs[song] * rng.uniform(0.5, 2, (len(song), 1)).astype(np.float32)
    seconds = lengths[song] * rng.uniform(0.995, 1.005, len(song))
    expected = [np.flatnonzero(song == one).tolist() for one in range(files)]
    expected = sorted((g for g in expected if len(g) > 1), key=lambda g: (-len(g), g))
    assert groups_alike(vectors, seconds) == expected


def test_files_of_other_lengths_are_not_compared() -> None:
    same = np.ones((3, 64), np.float32)
    assert groups_alike(same, [100.0, 101.0, 120.0]) == [[0, 1]]


def test_many_files_are_compared_block_by_block() -> None:
    vectors = np.random.default_rng(0).standard_normal((5000, 64)).astype(np.float32)
    vectors[4999] = vectors[0]
    assert groups_alike(vectors, [30.0] * 5000) == [[0, 4999]]
