"""Labelled recordings: a folder with a table of tracks, or a folder of genre folders.

A table is a `tracks.csv` with the columns track, genre, file (relative to it), split,
and optionally filtered. A plain folder holds one folder of audio per genre. Training,
conversion and benchmarks read both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audio.folders import list_audio
from ..errors import UsageError
from ..text_files import read_table

VALID_SHARE = 0.1
"""Share of a plain folder's tracks kept for validation."""


@dataclass(frozen=True)
class Track:
    """One recording."""

    name: str
    """Unique name, e.g. jazz.00012."""
    genre: str
    """Its label."""
    path: Path
    """The audio file."""
    split: str
    """"train", "valid" or "test"."""
    filtered: str = ""
    """Side in the fault-filtered, artist-filtered split; empty where that drops the
    track."""


def load_tracks(data: Path, training: bool = True) -> list[Track]:
    """Every track of a data set.

    Parameters
    ----------
    data
        A folder of genre folders, a folder with a tracks.csv, or the table itself.
    training
        Whether the tracks are to train on: then there must be two genres or more, and a
        track on each of two sides.

    Raises
    ------
    UsageError
        There is no such folder, no track, or too little to train on.
    """
    table = data if data.suffix == ".csv" else data / "tracks.csv"
    if table.is_file():
        tracks = _from_table(table)
    elif data.is_dir():
        tracks = _from_folders(data)
    else:
        raise UsageError(
            f"{data}: no such folder (give a folder of genre folders, or one with tracks.csv)"
        )
    if training:
        _check_trainable(data, tracks)
    elif not tracks:
        raise UsageError(f"{data}: found no audio in folders named after genres, and no tracks.csv")
    return tracks


def _check_trainable(data: Path, tracks: Sequence[Track]) -> None:
    genres = {track.genre for track in tracks}
    if len(genres) < 2:
        raise UsageError(
            f"{data}: found {len(genres)} genre(s) with audio, need at least 2: put the recordings "
            "of each genre into a folder of its name"
        )
    if len({track.split for track in tracks}) < 2:
        raise UsageError(
            f"{data}: both a train and a valid split are needed, found one: give each genre two "
            "recordings or more, or the table both"
        )


def _from_table(table: Path) -> list[Track]:
    return [
        Track(
            row["track"],
            row["genre"],
            table.parent / row["file"],
            row["split"],
            row.get("filtered", ""),
        )
        for row in read_table(table, ("track", "genre", "file", "split"))
    ]


def _from_folders(root: Path) -> list[Track]:
    """One track a file; every tenth of a genre, by a hash of its name, is for
    validation."""
    tracks: list[Track] = []
    for folder in sorted(entry for entry in root.iterdir() if _is_genre(entry)):
        files = [Path(path) for path in list_audio(str(folder)).files]
        by_hash = sorted(files, key=lambda p: hashlib.sha256(os.fsencode(p.name)).digest())
        valid = set(by_hash[: max(1, round(len(files) * VALID_SHARE))] if len(files) > 1 else ())
        tracks += [
            Track(
                f"{folder.name}/{file.relative_to(folder)}",
                folder.name,
                file,
                "valid" if file in valid else "train",
            )
            for file in files
        ]
    return tracks


def _is_genre(entry: Path) -> bool:
    """Whether an entry is a folder of a genre: not a hidden one, and not the notes that
    macOS keeps of files."""
    return entry.is_dir() and not entry.name.startswith(".") and entry.name != "__MACOSX"


def labels_of(tracks: Sequence[Track]) -> list[str]:
    """The genres in alphabetical order: the order of the model's outputs."""
    return sorted({track.genre for track in tracks})


def check_genres(tracks: Iterable[Track], labels: Sequence[str]) -> None:
    """UsageError that names the tracks' genres which are none of a model's labels."""
    unknown = sorted({track.genre for track in tracks} - set(labels))
    if unknown:
        raise UsageError(
            f"the model has no label {', '.join(unknown)} (it knows {', '.join(labels)})"
        )
