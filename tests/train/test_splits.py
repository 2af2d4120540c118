"""Protocols and folds: who stands on which side, for any set of tracks."""

from __future__ import annotations

from pathlib import Path

import pytest
from genre_edge.errors import UsageError
from genre_edge.judge.tracks import Track
from genre_edge_train.data.gtzan import REPEATS
from genre_edge_train.data.splits import by_fold, by_protocol, folds_of, window_sides
from hypothesis import given
from hypothesis import strategies as st

GTZAN = [
    Track(f"{genre}.{n:05d}", genre, Path(f"{genre}.{n:05d}.flac"), "train", filtered)
    for genre in ("hiphop", "metal", "pop", "rock")
    for n in range(100)
    for filtered in (("train", "valid", "test", "")[n % 4],)
]


def sides(tracks: list[Track]) -> dict[str, str]:
    return {track.name: track.split for track in tracks}


@given(st.integers(3, 12), st.integers(0, 11))
def test_every_track_is_tested_in_exactly_one_fold(folds: int, number: int) -> None:
    divided = [sides(by_fold(GTZAN, folds, k)) for k in range(folds)]
    for track in GTZAN:
        assert [d[track.name] for d in divided].count("test") == 1
        assert [d[track.name] for d in divided].count("valid") == 1
    genres = {t.name: t.genre for t in GTZAN}
    tested = [genres[name] for name, side in divided[number % folds].items() if side == "test"]
    assert all(abs(tested.count(g) - 100 / folds) < 10 for g in ("hiphop", "metal", "pop", "rock"))


@given(st.integers(0, 1000))
def test_repeats_are_on_one_side_whatever_the_seed(seed: int) -> None:
    drawn = sides(by_protocol(GTZAN, "tracks", seed))
    fold = dict(zip([t.name for t in GTZAN], folds_of(GTZAN, 5), strict=True))
    for group in REPEATS:
        present = [name for name in group if name in drawn]
        assert len({drawn[name] for name in present}) == 1
        assert len({int(fold[name]) for name in present}) == 1


def test_tracks_are_drawn_by_the_seed_in_each_genre() -> None:
    once, again, other = (sides(by_protocol(GTZAN, "tracks", seed)) for seed in (1, 1, 2))
    assert once == again != other
    for genre in ("hiphop", "rock"):
        drawn = [side for name, side in once.items() if name.startswith(genre)]
        assert all(8 <= drawn.count(side) <= 12 for side in ("valid", "test"))


def test_neighbours_are_in_one_fold() -> None:
    fold = folds_of([t for t in GTZAN if t.genre == "rock"], 5)
    assert fold.tolist() == [k // 20 for k in range(100)]


def test_filtered_takes_the_tables_sides_and_drops_the_rest() -> None:
    divided = by_protocol(GTZAN, "filtered", 0)
    assert len(divided) == 300
    assert all(t.split == t.filtered for t in divided)


def test_csv_leaves_the_sides_alone() -> None:
    assert by_protocol(GTZAN, "csv", 0) == GTZAN


def test_a_protocol_without_valid_tracks_is_refused() -> None:
    with pytest.raises(UsageError, match="filtered: leaves no tracks on these sides: train, valid"):
        by_protocol([t for t in GTZAN if not t.filtered], "filtered", 0)
    with pytest.raises(UsageError, match="fewer than 101 folds"):
        folds_of(GTZAN, 101)


@given(st.integers(10, 2000), st.integers(0, 100))
def test_segments_are_80_10_10_of_the_windows(count: int, seed: int) -> None:
    side = window_sides(count, seed)
    assert abs((side == "train").sum() - 0.8 * count) <= 1
    assert abs((side == "valid").sum() - 0.1 * count) <= 1
