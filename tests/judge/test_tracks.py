"""Labelled recordings: from a table, or from folders named after genres."""

from __future__ import annotations

from pathlib import Path

import pytest
from genre_edge.errors import UsageError
from genre_edge.judge.tracks import Track, labels_of, load_tracks


def write_table(folder: Path, *rows: str, columns: str = "track,genre,file,split") -> Path:
    table = folder / "tracks.csv"
    table.write_text("\n".join([columns, *rows]) + "\n")
    return table


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_a_table_names_files_relative_to_itself(tmp_path: Path) -> None:
    table = write_table(tmp_path, "a,rock,audio/a.flac,train", "b,jazz,audio/b.flac,valid")
    expected = [
        Track("a", "rock", tmp_path / "audio/a.flac", "train"),
        Track("b", "jazz", tmp_path / "audio/b.flac", "valid"),
    ]
    assert load_tracks(tmp_path) == load_tracks(table) == expected
    assert labels_of(expected) == ["jazz", "rock"]


def test_a_table_may_give_the_sides_of_the_filtered_protocol(tmp_path: Path) -> None:
    write_table(
        tmp_path,
        "a,rock,a.flac,train,test",
        "b,jazz,b.flac,valid,",
        columns="track,genre,file,split,filtered",
    )
    assert [track.filtered for track in load_tracks(tmp_path)] == ["test", ""]


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    write_table(tmp_path, "a,rock", columns="track,genre")
    with pytest.raises(UsageError, match="lacks the column file, split"):
        load_tracks(tmp_path)


def test_folders_give_every_tenth_file_of_a_genre_to_validation(tmp_path: Path) -> None:
    touch(tmp_path, *(f"rock/{k}.wav" for k in range(30)), *(f"jazz/{k}.wav" for k in range(20)))
    touch(tmp_path, "rock/notes.txt", "jazz/live/deep.mp3")
    tracks = load_tracks(tmp_path)
    valid = [track.genre for track in tracks if track.split == "valid"]
    assert (valid.count("rock"), valid.count("jazz")) == (3, 2)
    assert len(tracks) == 51, "no text, but audio in folders below"


def test_the_only_file_of_a_genre_is_to_train_on(tmp_path: Path) -> None:
    touch(tmp_path, "polka/only.wav", *(f"rock/{k}.wav" for k in range(10)))
    assert {t.genre: t.split for t in load_tracks(tmp_path)}["polka"] == "train"


def test_one_side_is_too_little_to_train_on_but_can_be_judged(tmp_path: Path) -> None:
    write_table(tmp_path, "a,rock,a.flac,valid", "b,jazz,b.flac,valid")
    with pytest.raises(UsageError, match="both a train and a valid split are needed"):
        load_tracks(tmp_path)
    assert len(load_tracks(tmp_path, training=False)) == 2


def test_one_genre_is_too_little_to_train_on_but_can_be_judged(tmp_path: Path) -> None:
    touch(tmp_path, *(f"rock/{k}.wav" for k in range(10)))
    with pytest.raises(UsageError, match=r"found 1 genre\(s\) with audio, need at least 2"):
        load_tracks(tmp_path)
    assert len(load_tracks(tmp_path, training=False)) == 10


def test_no_audio_at_all_is_refused_in_any_case(tmp_path: Path) -> None:
    for training in (True, False):
        with pytest.raises(UsageError, match="found"):
            load_tracks(tmp_path, training)
