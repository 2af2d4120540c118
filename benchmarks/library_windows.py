"""How often the verdict on some windows of a track is the verdict on the whole track.

    python -m benchmarks.library_windows --data ~/gtzan --windows 3 5
    python -m benchmarks.library_windows --data ~/gtzan --windows 3 5 --split all
    python -m benchmarks.library_windows --data ~/gtzan --windows 10 --join 5

With --join, tracks are made of N excerpts of one genre each: long, but no songs. Their
parts differ more than those of one song, and the mean of several songs is surer.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import soundfile
from genre_edge.audio.file_source import FileSource, read_mono
from genre_edge.judge.measures import wilson
from genre_edge.judge.tracks import Track, load_tracks
from genre_edge.model.engine import Engine
from genre_edge.records import FileRecord
from genre_edge.settings.tables import DEFAULT_MODEL, EngineConfig

SHORTEST_SECONDS = 25.0
"""Shorter tracks are left out, s."""


def verdict(engine: Engine, path: Path, windows: int | None) -> FileRecord:
    """The verdict on a file: on some windows, or on all."""
    with closing(FileSource(path)) as source:
        if windows is None:
            *_, last = engine.classify(source)
        else:
            *_, last = engine.classify_spread(source, windows)
    assert isinstance(last, FileRecord)
    return last


def joined(tracks: list[Track], count: int, rate: int, work: Path) -> Iterator[tuple[Path, str]]:
    """Files of `count` excerpts of one genre, and their genre."""
    by_genre = defaultdict[str, list[Track]](list)
    for track in tracks:
        by_genre[track.genre].append(track)
    path = work / "joined.wav"
    for genre, those in sorted(by_genre.items()):
        random.Random(0).shuffle(those)
        for at in range(0, len(those) - count + 1, count):
            pieces = [read_mono(track.path, rate) for track in those[at : at + count]]
            soundfile.write(path, np.concatenate(pieces), rate)
            yield path, genre


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--windows", type=int, nargs="+", default=[3, 5])
    parser.add_argument("--join", type=int, default=1, metavar="N", help="excerpts of a track")
    parser.add_argument("--split", choices=("valid", "train", "all"), default="valid")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    args = parser.parse_args()
    engine = Engine(EngineConfig(args.model))
    tracks = [one for one in load_tracks(args.data) if args.split in ("all", one.split)]
    tracks = [one for one in tracks if soundfile.info(one.path).duration >= SHORTEST_SECONDS]
    agree, right = dict.fromkeys(args.windows, 0), dict.fromkeys([None, *args.windows], 0)
    heard, seconds = 0, 0.0
    with tempfile.TemporaryDirectory() as work:
        files = [(track.path, track.genre) for track in tracks]
        whole_ones = joined(tracks, args.join, engine.sample_rate, Path(work))
        for path, genre in files if args.join == 1 else whole_ones:
            whole = verdict(engine, path, None)
            heard, seconds = heard + 1, seconds + whole.seconds
            right[None] += whole.genre == genre
            for windows in args.windows:
                some = verdict(engine, path, windows)
                agree[windows] += some.genre == whole.genre
                right[windows] += some.genre == genre
    print(
        f"{heard} tracks of {seconds / heard:.0f} s; all windows: {right[None] / heard:.1%} right"
    )
    for windows in args.windows:
        low, high = wilson(agree[windows], heard)
        print(
            f"{windows:3} windows: as the whole {agree[windows] / heard:.1%} "
            f"({low:.1%} to {high:.1%}), {right[windows] / heard:.1%} right"
        )


if __name__ == "__main__":
    main()
