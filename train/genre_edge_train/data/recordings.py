"""What is learnt from: recordings with a label or without, of several data sets.

A data set is a folder with a tracks.csv, a CSV file, a folder of folders by label, or,
for unlabelled recordings, any folder of audio.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from genre_edge.audio.folders import list_audio
from genre_edge.errors import Fault, UsageError
from genre_edge.judge.tracks import Track, load_tracks
from genre_edge.text_files import read_columns, read_table

from .gtzan import REPEATS
from .splits import by_protocol, folds_of

FOLDS = 4
"""Parts that the heads of a teacher are cross-fitted in."""


@dataclass(frozen=True)
class Recording:
    """One audio file."""

    path: Path
    """The file."""
    name: str
    """The track's name; several recordings may be excerpts of one track."""
    label: str
    """Its label, or "" where none is known."""
    side: str
    """"train" or "valid"; others take part in nothing."""
    data: str
    """The data set that it is from, as the command line names it."""
    source: str
    """The collection within the data set; small collections are drawn more often."""
    group: str
    """What stays on one side of every split: an artist, or the track alone."""
    fold: int
    """The part, 0 to FOLDS - 1, in which a head may speak about it."""

    def track(self) -> Track:
        """The recording as other parts know it."""
        return Track(self.name, self.label, self.path, self.side)


def load_recordings(data: Path, filtered: bool = False) -> list[Recording]:
    """All recordings of a data set. UsageError if there are none.

    With `filtered`, the sides are those of the column of that name: what it calls test
    is kept for validation, what it calls valid takes part in nothing, and tracks that
    it drops are left out.

    A CSV has the columns file and track, and may have genre (empty: unlabelled), split
    or use (the side), source and group. Everything else is read as
    `genre_edge.judge.tracks.load_tracks` does.
    """
    if has_sources(data):
        return _from_table(data if data.suffix == ".csv" else data / "tracks.csv")
    tracks = load_tracks(data)
    if filtered:
        side = {"train": "train", "test": "valid", "valid": "left out"}
        divided = by_protocol(tracks, "filtered", seed=0)
        tracks = [replace(track, split=side[track.split]) for track in divided]
    fewest = min(Counter(track.genre for track in tracks).values())
    # With fewer tracks of a label than folds, some heads do without it.
    fold = folds_of(tracks, FOLDS) if fewest >= FOLDS else np.arange(len(tracks)) % FOLDS
    together = {name: min(group) for group in REPEATS for name in group}
    return [
        Recording(
            track.path,
            track.name,
            track.genre,
            track.split,
            str(data),
            "",
            together.get(track.name, track.name),
            int(f),
        )
        for track, f in zip(tracks, fold, strict=True)
    ]


def in_folds(recordings: Sequence[Recording], folds: int, number: int) -> list[Recording]:
    """Other sides for a cross-validation: part `number` (from 0) of every data set is
    kept for validation, everything else is learnt from.

    Collections stay together where they are known. Elsewhere a label's tracks are cut
    into stretches of neighbours, which are often by one artist.

    Raises
    ------
    UsageError
        A label of a data set without collections has fewer tracks than folds.
    """
    part: dict[tuple[str, str], int] = {}
    for data in dict.fromkeys(r.data for r in recordings):
        inside = [r for r in recordings if r.data == data]
        sources = sorted({r.source for r in inside if r.source})
        order = {source: at % folds for at, source in enumerate(sources)}
        alone = [r.track() for r in inside if not r.source]
        for recording in inside:
            if recording.source:
                part[data, recording.name] = order[recording.source]
        for track, fold in zip(alone, folds_of(alone, folds), strict=True):
            part[data, track.name] = int(fold)
    return [
        replace(r, side="valid" if part[r.data, r.name] == number else "train") for r in recordings
    ]


def has_sources(data: Path) -> bool:
    """Whether a data set has a table that names the collection of each recording."""
    table = data if data.suffix == ".csv" else data / "tracks.csv"
    return table.is_file() and "source" in read_columns(table)


def load_unlabelled(data: Path) -> list[Recording]:
    """Every audio file below a folder, or every row of a CSV, without its label.

    UsageError if there are none.
    """
    if data.suffix == ".csv":
        found = [
            Recording(r.path, r.name, "", r.side, r.data, r.source, r.group, r.fold)
            for r in load_recordings(data)
        ]
    else:
        files = [Path(path) for path in list_audio(str(data)).files]
        found = [
            Recording(
                file, name, "", "train", str(data), str(file.parent.relative_to(data)), name, 0
            )
            for file in files
            for name in [str(file.relative_to(data))]
        ]
    if not found:
        raise UsageError(Fault("unlabelled", data, "holds no audio"))
    return found


def labels_of(recordings: Sequence[Recording]) -> list[str]:
    """The labels in alphabetical order: the order of the model's outputs."""
    return sorted({recording.label for recording in recordings} - {""})


def _from_table(table: Path) -> list[Recording]:
    rows = read_table(table, ("file", "track"))
    groups = sorted({row.get("group") or row["track"] for row in rows})
    fold = {group: number % FOLDS for number, group in enumerate(groups)}
    return [
        Recording(
            table.parent / row["file"],
            row["track"],
            row.get("genre") or "",
            row.get("use") or row.get("split") or "train",
            str(table),
            row.get("source") or "",
            group,
            fold[group],
        )
        for row in rows
        for group in [row.get("group") or row["track"]]
    ]
