"""genre-edge bench: accuracy and cost of models, and what changed since last time."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import complain
from ..errors import Fault, UsageError
from ..extras import install_line
from ..files import ready_folder, write_atomically
from ..pictures import DARK, LIGHT
from ..progress import progress
from ..settings.tables import DEFAULT_MODEL, RUNTIMES

if TYPE_CHECKING:
    from ..judge.tracks import Track

_EPILOG = """\
examples:
  genre-edge bench --data ~/gtzan                          the shipped model in int8 and float32
  genre-edge bench --data ~/my-music mine.int8.tflite mine.float32.tflite --output bench
  genre-edge bench --data ~/gtzan --runtime litert,tflite --threads 1,2,4
  genre-edge bench --compare old/bench.json new/bench.json

--output gets bench.json, bench.md and bench.png. The picture needs matplotlib (the extra "bench").

exit status: 0 done, 1 a file was skipped or --compare found something worse, 2 wrong usage
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Measure accuracy and cost of models on labelled recordings: folders named after\n"
        "the genres, or a folder with a tracks.csv (columns track, genre, file, split)."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="bundles or names of shipped ones (default: the shipped model in int8 and float32)",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, metavar="DIR_OR_CSV", help="labelled recordings")
    what.add_argument(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("OLD", "NEW"),
        help="tell what changed between two bench.json by more than noise",
    )
    parser.add_argument(
        "--split",
        default="valid",
        metavar="NAME",
        help="which tracks: train, valid, test or all (default: valid)",
    )
    parser.add_argument(
        "--runtime",
        metavar="R[,R]",
        help=f"interpreters, of {', '.join(RUNTIMES)} (default: the first that is installed)",
    )
    parser.add_argument(
        "--threads",
        default="1",
        metavar="N[,N]",
        help="numbers of interpreter threads to measure the cost with (default: 1)",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=200,
        metavar="N",
        help="how often each cost is measured (default: 200)",
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="write the results here")
    parser.add_argument("--dark", action="store_true", help="bench.png has a dark ground")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure or compare; returns the exit status."""
    return _compare(*args.compare) if args.compare else _measure(args)


def _measure(args: argparse.Namespace) -> int:
    from ..bench.measure import BenchConfig, measure
    from ..bench.report import summary

    stem = DEFAULT_MODEL.rpartition(".")[0]
    config = BenchConfig(
        tuple(args.models) or (f"{stem}.int8", f"{stem}.float32"),
        tuple(args.runtime.split(",")) if args.runtime else (None,),
        _numbers(args.threads),
        args.rounds,
    )
    if args.output is not None:
        ready_folder(args.output)
    found = measure(config, _tracks(args.data, args.split), args.split, _progress)
    for line in found["data"]["skipped"]:
        complain(f"skipped {line}")
    print(summary(found))
    if args.output is not None:
        _write(args.output, found, args.dark)
    return 1 if found["data"]["skipped"] else 0


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(Fault("threads", text, "must be numbers, such as 1,2,4")) from None
    if min(numbers) < 1:
        raise UsageError(Fault("threads", text, "must be at least 1"))
    return tuple(dict.fromkeys(numbers))


def _tracks(data: Path, split: str) -> list[Track]:
    from ..judge.tracks import load_tracks

    tracks = [track for track in load_tracks(data, training=False) if split in (track.split, "all")]
    if not tracks:
        raise UsageError(Fault("split", split, f"{data} has no such tracks"))
    return tracks


def _progress(tracks: Iterable[Track]) -> Iterator[Track]:
    """The tracks, while how far the work has come is shown."""
    tracks = list(tracks)
    with progress(len(tracks), "track", "classifying") as bar:
        for track in tracks:
            yield track
            bar.update()


def _write(folder: Path, found: dict[str, Any], is_dark: bool) -> None:
    from ..bench.plot import plot
    from ..bench.report import markdown

    write_atomically(folder / "bench.json", json.dumps(found, indent=1) + "\n")
    write_atomically(folder / "bench.md", markdown(found))
    try:
        plot(found, folder / "bench.png", DARK if is_dark else LIGHT)
    except ImportError:
        complain(f"bench.png left out: it needs matplotlib ({install_line('bench')})")
    print(f"\nwritten to {folder}: {', '.join(sorted(p.name for p in folder.glob('bench.*')))}")


def _compare(old: Path, new: Path) -> int:
    from ..bench.compare import compare, load_bench

    changes, remarks = compare(load_bench(old), load_bench(new))
    for remark in remarks:
        print(remark)
    for change in changes:
        print(f"{'worse ' if change.worse else 'better'} {change.text}")
    if not changes:
        print("nothing changed beyond noise")
    return 1 if any(change.worse for change in changes) else 0
