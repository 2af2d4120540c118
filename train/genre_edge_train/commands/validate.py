"""genre-train validate: what is wrong with a data set, before it is trained on."""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from genre_edge.files import ready_file, write_atomically
from genre_edge.judge.tracks import load_tracks

from ..data.faults import find_faults

_DESCRIPTION = """\
Look at every labelled recording and name what is wrong: files that cannot be read, the same
recording under two names, clipping, silence, unusual lengths, labels with few tracks. Nothing is
changed.
"""

_EPILOG = """\
examples:
  genre-train validate ~/my-music
  genre-train validate ~/gtzan --json faults.json

exit status: 0 if nothing was found, 1 if something was
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-train validate",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("data", type=Path, metavar="DATA", help="labelled recordings")
    top.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (default: all cores)",
    )
    top.add_argument("--json", type=Path, metavar="FILE", help="write the faults here")
    return top


def run(args: argparse.Namespace) -> int:
    """Validate; returns the exit status."""
    if args.json is not None:
        ready_file(args.json, "json")
    tracks = load_tracks(args.data)
    faults = find_faults(tracks, max(1, args.jobs))
    for fault in faults:
        print(f"{fault.kind:<11} {fault.name}: {fault.text}")
    count = Counter(track.genre for track in tracks)
    side = Counter(track.split for track in tracks)
    print(f"{len(tracks)} tracks ({', '.join(f'{n} {name}' for name, n in sorted(side.items()))})")
    print("labels: " + ", ".join(f"{genre} {n}" for genre, n in sorted(count.items())))
    kinds = Counter(fault.kind for fault in faults)
    print("found: " + (", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "nothing"))
    if args.json is not None:
        found = json.dumps([asdict(fault) for fault in faults], indent=1)
        write_atomically(args.json, found + "\n")
    return 1 if faults else 0
