"""genre-train fit: a network that starts from pretrained weights and learns from
teachers."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from genre_edge.errors import UsageError
from genre_edge.files import ready_folder
from genre_edge.quiet import quiet_stderr

from .options import fold, keep_options

_DESCRIPTION = """\
Train a network that starts from YAMNet's weights (workstation; needs genre-edge[train]). It learns
from one or several data sets, from recordings without a label, and from the opinions of larger
networks, its teachers.
"""

_EPILOG = """\
examples:
  genre-train fit --start yamnet.tflite --data ~/my-music -o runs/mine
  genre-train fit --start yamnet.tflite --cut 7 --data ~/gtzan --data ~/outside/outside.csv \\
      --unlabelled ~/music --teacher musicnn.toml --teacher yamnet.toml -o runs/tiny

data sets: a folder with one folder of audio per label (every tenth file is kept for validation), a
folder with a tracks.csv, or a CSV with the columns file, track, genre (empty: unlabelled), use
(train or valid), and, if known, source (collection) and group (artist). The first one is the one
at home: its labels mean what the network is for, and most of each batch is from it.

teachers: a TOML file each; train/teachers/ has two. docs/training.md says what the keys mean and
where the networks are from.

writes to --output: model.keras and model.json for genre-convert, metrics.json, data_sets.json (the
figures of each data set), card.md, network.txt, history.png, confusion.png, calibration.png,
history.jsonl.
A run that was stopped goes on where it was when it is started again with the same options.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-train fit",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "--start",
        type=Path,
        metavar="FILE",
        help="YAMNet as TFLite, whose weights to start from (default: random weights)",
    )
    top.add_argument(
        "--cut",
        type=int,
        default=12,
        metavar="N",
        help="keep its layers up to N, 2 to 14: 12 makes a network of 1.8 MB, 7 one of 0.4 MB "
        "(default: %(default)s)",
    )
    top.add_argument(
        "--data",
        type=Path,
        action="append",
        required=True,
        metavar="DATA",
        help="labelled recordings; may be repeated",
    )
    top.add_argument(
        "--unlabelled",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="recordings without labels, which teachers speak about; may be repeated",
    )
    top.add_argument(
        "--teacher",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="TOML that describes a larger network to learn from; may be repeated",
    )
    top.add_argument(
        "--teacher-models",
        type=Path,
        metavar="DIR",
        help="folder of the teachers' networks (default: beside each TOML file)",
    )
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    top.add_argument(
        "--cache", type=Path, default=Path(".cache"), metavar="DIR", help="default: %(default)s"
    )
    top.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that prepare clips (default: all cores)",
    )
    top.add_argument(
        "--protocol",
        choices=("csv", "filtered"),
        default="csv",
        help="which tracks of the first data set are kept apart: csv: as its table says; filtered: "
        "as the table's column filtered says (no artist on two sides) (default: %(default)s)",
    )
    top.add_argument(
        "--fold",
        type=fold,
        metavar="K/N",
        help="cross-validation: keep the Kth of N parts of every data set apart",
    )
    _add_fit_options(top)
    return top


def _add_fit_options(top: argparse.ArgumentParser) -> None:
    group = top.add_argument_group("how it is fitted")
    for flag, kind, default, metavar, text in (
        ("--steps", int, 2600, "N", "batches to learn from"),
        ("--batch", int, 64, "N", "clips in a batch"),
        ("--clips", int, 40_000, "N", "clips to make; each is learnt from several times"),
        ("--learning-rate", float, 4e-4, "R", "AdamW's highest rate"),
        ("--home", float, 0.62, "P", "share of a batch that is from the first data set"),
        ("--label-at-home", float, 0.7, "P", "weight of a label beside the teachers' opinion"),
        ("--label-elsewhere", float, 0.4, "P", "the same in the other data sets"),
        ("--rooms", float, 0.5, "P", "share of clips heard in a room"),
        ("--untouched", float, 0.25, "P", "share of clips whose sound is not changed"),
        ("--seed", int, 0, "N", "seed of all random choices"),
    ):
        group.add_argument(
            flag,
            type=kind,
            default=default,
            metavar=metavar,
            help=f"{text} (default: %(default)s)",
        )
    group.add_argument(
        "--uneven",
        action="store_true",
        help="draw labels of the first data set by the square root of their tracks (default: "
        "evenly), and those of the others as they come (default: by the square root)",
    )
    group.add_argument(
        "--augment",
        type=Path,
        metavar="FILE",
        help="TOML with how clips are changed, see docs/training.md",
    )


def run(args: argparse.Namespace) -> int:
    """Train; returns the exit status."""
    _check(args)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quiet_stderr():  # TensorFlow greets at length
        from ..augment.audio import AugmentSpec
        from ..augment.tomlfile import load_augment
        from ..data.recordings import in_folds, load_recordings, load_unlabelled
        from ..pretrained.batches import FitSpec
        from ..pretrained.teachers import load_teacher
        from ..pretrained.variants import VariantSpec
        from ..results.data_sets import data_sets_table
        from ..results.run_folder import headline
        from ..runs.pretrained import PretrainedRun
        from ..runs.pretrained import run as run_all

    filtered = args.protocol == "filtered"
    recordings = [
        r for data in args.data for r in load_recordings(data, filtered and data == args.data[0])
    ]
    protocol = args.protocol
    if args.fold is not None:
        number, count = args.fold
        recordings = in_folds(recordings, count, number - 1)
        protocol = f"fold {number} of {count}"
    ready_folder(args.output)
    keep_options(args, args.output)
    plan = PretrainedRun(
        tuple(recordings) + tuple(r for data in args.unlabelled for r in load_unlabelled(data)),
        args.start,
        args.cut,
        tuple(load_teacher(path, args.teacher_models) for path in args.teacher),
        VariantSpec(
            load_augment(args.augment) if args.augment else AugmentSpec(),
            args.untouched,
            args.rooms,
            args.seed,
        ),
        args.clips,
        FitSpec(
            steps=args.steps,
            batch=args.batch,
            learning_rate=args.learning_rate,
            home_share=args.home,
            label_at_home=args.label_at_home,
            label_elsewhere=args.label_elsewhere,
            seed=args.seed,
        ),
        args.output,
        args.cache,
        args.jobs,
        not args.uneven,
        protocol,
    )
    metrics, found = run_all(plan)
    names = {str(data): data.stem for data in args.data}
    print(f"\n{data_sets_table(found, names)}\n\n{headline(metrics)}")
    print(f"results in {args.output}")
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.fold is not None and args.protocol != "csv":
        raise UsageError("--fold makes its own sides: leave --protocol out")
    for name in ("steps", "batch", "clips", "jobs"):
        if getattr(args, name) < 1:
            raise UsageError(f"--{name} {getattr(args, name)}: must be at least 1")
    for name in ("home", "label_at_home", "label_elsewhere", "rooms", "untouched"):
        if not 0 <= getattr(args, name) <= 1:
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} {getattr(args, name)}: must be from 0 to 1")
    if not args.learning_rate > 0:
        raise UsageError(f"--learning-rate {args.learning_rate}: must be above 0")
    if args.start is not None and not args.start.is_file():
        raise UsageError(f"--start {args.start}: no such file")
    if args.unlabelled and not args.teacher:
        raise UsageError("--unlabelled: needs a --teacher, whose opinion is learnt")
