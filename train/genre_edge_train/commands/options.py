"""The options of genre-train."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from genre_edge.errors import Fault, UsageError
from genre_edge.files import write_atomically
from genre_edge.version import __version__

from ..data.splits import PROTOCOLS

_DESCRIPTION = """\
Train a genre network on labelled recordings (workstation; needs genre-edge[train]).

The data are a folder with one folder of audio for each genre, or a folder with a tracks.csv
(columns track, genre, file, split). Of a folder of folders, every tenth file is kept for
validation; which ones, a hash of their names decides.
"""

_EPILOG = f"""\
examples:
  genre-train --data ~/gtzan
  genre-train --data ~/my-music --arch edge --epochs 50 --output runs/mine
  genre-train --data ~/gtzan --folds 5                  accuracy by cross-validation over tracks
  genre-train --data ~/gtzan --protocol tracks --repeats 3    mean and standard deviation over seeds
  genre-train --data ~/gtzan --arch edge --teacher yamnet.tflite --epochs 24 --batch 128
  genre-convert runs/mine/model.keras --calibrate ~/my-music -o models/mine

  genre-train validate ~/my-music                             look at the data before training
  genre-train evaluate mine.int8.tflite --data ~/my-music --conditions     judge a finished bundle

protocols:
{chr(10).join(f"  {name:<9} {text}" for name, text in PROTOCOLS.items())}

writes to --output: model.keras, model.json (labels, front-end, provenance), metrics.json, card.md,
network.txt, history.png, confusion.png, calibration.png, tensorboard/ (tensorboard --logdir
RUN/tensorboard); with --folds or --repeats a folder for each run, and summary.json.
A run that was stopped continues from its last epoch when it is started again with the same
--output.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-train",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"genre-train {__version__}")
    top.add_argument("--data", type=Path, required=True, metavar="DIR", help="labelled recordings")
    top.add_argument(
        "--arch",
        default="two-block",
        metavar="NAME",
        help="two-block, deep or edge (default: %(default)s)",
    )
    top.add_argument(
        "--output", type=Path, metavar="DIR", help="folder for the results (default: runs/ARCH)"
    )
    top.add_argument(
        "--cache",
        type=Path,
        default=Path(".cache"),
        metavar="DIR",
        help="folder for decoded audio, features and clips (default: %(default)s)",
    )
    top.add_argument(
        "--epochs",
        type=int,
        default=30,
        metavar="N",
        help="passes over the data (default: %(default)s)",
    )
    top.add_argument(
        "--batch",
        type=int,
        default=64,
        metavar="N",
        help="windows in a step (default: %(default)s)",
    )
    top.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of weights and order (default: %(default)s)",
    )
    top.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that extract features (default: all cores)",
    )
    _add_protocol_options(top)
    _add_teacher_options(top)
    return top


def _add_protocol_options(top: argparse.ArgumentParser) -> None:
    group = top.add_argument_group("how it is judged")
    group.add_argument(
        "--protocol",
        choices=list(PROTOCOLS),
        default="csv",
        help="which tracks are kept apart (default: csv)",
    )
    group.add_argument(
        "--folds",
        type=int,
        default=0,
        metavar="K",
        help="cross-validation over tracks with K folds instead",
    )
    group.add_argument(
        "--repeats",
        type=int,
        default=1,
        metavar="N",
        help="number of runs, each with the next seed (default: 1)",
    )


def _add_teacher_options(top: argparse.ArgumentParser) -> None:
    group = top.add_argument_group("only for --arch edge")
    group.add_argument(
        "--teacher",
        type=Path,
        metavar="FILE",
        help="YAMNet as TFLite, whose answers on augmented clips are learnt too",
    )
    group.add_argument(
        "--augment",
        type=Path,
        metavar="FILE",
        help="TOML file that says how clips are changed, see docs/training.md",
    )
    group.add_argument(
        "--clip-set",
        type=_clip_set,
        action="append",
        metavar="SEED:COUNT[:SHARE]",
        help="augmented clips to learn from, with this share of speech and noise among them; may "
        "be given several times (default: 11:48000)",
    )
    group.add_argument(
        "--rooms",
        type=float,
        default=0.5,
        metavar="P",
        help="share of clips played in a room (default: %(default)g)",
    )
    group.add_argument(
        "--soft",
        type=float,
        default=0.0,
        metavar="P",
        help="share of the teacher's opinion in the labels (default: %(default)g)",
    )
    group.add_argument(
        "--teacher-weight",
        type=float,
        default=1.0,
        metavar="W",
        help="weight of the teacher's answers beside the labels (default: %(default)g)",
    )
    group.add_argument(
        "--log-mels",
        type=int,
        default=10,
        metavar="N",
        help="tracks of first3s_logmel.npz in each batch, if the data have such a file "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--learning-rate",
        type=float,
        default=3e-3,
        metavar="R",
        help="highest learning rate (default: %(default)g)",
    )
    group.add_argument(
        "--start-from",
        type=Path,
        metavar="FILE",
        help="a student.keras whose weights to start from",
    )


ClipSetOption = tuple[int, int, float | None]
"""(seed, number of clips, share of speech and noise or None for the augmentation's)."""


def _clip_set(text: str) -> ClipSetOption:
    """ "21:26000:0.12" as (seed, count, share of speech and noise)."""
    try:
        seed, count, *share = text.split(":")
        return int(seed), int(count), float(share[0]) if share else None
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text}: must be SEED:COUNT or SEED:COUNT:SHARE, as in 21:26000:0.1"
        ) from None


def clip_sets(given: Sequence[ClipSetOption] | None) -> Sequence[ClipSetOption]:
    """The clip sets asked for, or the default. UsageError if one cannot be made."""
    sets = given or [(11, 48_000, None)]
    for seed, count, share in sets:
        if count < 1 or not 0 <= (share or 0) <= 1:
            reason = "needs at least one clip, and a share from 0 to 1"
            raise UsageError(Fault("clip_set", f"{seed}:{count}", reason))
    return sets


def keep_options(args: argparse.Namespace, output: Path) -> None:
    """Record a run's options in its folder; UsageError if the run in it had others.

    A run continues only with the options that it began with.

    Parameters
    ----------
    args
        The options. Where things are kept and the number of processes may change.
    output
        The folder of the run.
    """
    ours = {k: str(v) for k, v in vars(args).items() if k not in ("jobs", "output", "cache")}
    path = output / "options.json"
    if path.is_file():
        theirs = json.loads(path.read_text())
        changed = [
            f"--{k.replace('_', '-')} was {theirs.get(k)}, is {v}"
            for k, v in ours.items()
            if theirs.get(k) != v
        ]
        if changed:
            reason = f"holds another run ({'; '.join(changed)}): choose another folder"
            raise UsageError(Fault("output", output, reason))
    write_atomically(path, json.dumps(ours, indent=1) + "\n")


def fold(text: str) -> tuple[int, int]:
    """ "2/4" as (2, 4): part 2 of 4, counted from 1."""
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count) >= 2):
        raise argparse.ArgumentTypeError(f"{text}: must be like 1/4 (the first of four parts)")
    return int(number), int(count)
