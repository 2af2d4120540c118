"""The command genre-train."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genre_edge.commands.common import run_command
from genre_edge.errors import UsageError
from genre_edge.frontend import FrontendSpec
from genre_edge.quiet import quiet_stderr
from genre_edge.tracks import Track, labels_of, load_tracks
from genre_edge.version import __version__

from . import evaluate_cli

_DESCRIPTION = """\
Train a genre network on labelled recordings (workstation; needs genre-edge[train]).

The data are either a folder with one folder of audio per genre (every tenth file, by a hash of its
name, is kept for validation), or a folder with a tracks.csv (columns track, genre, file, split).
"""

_EPILOG = """\
examples:
  genre-train --data ~/gtzan
  genre-train --data ~/my-music --arch two-block --epochs 50 --output runs/mine
  genre-train --data ~/gtzan --arch edge --teacher yamnet.tflite --epochs 24 --batch 128
  genre-convert runs/mine/model.keras --calibrate ~/my-music -o models/mine

  genre-train evaluate mine.int8.tflite --data ~/my-music --conditions   (see genre-train evaluate --help)

writes to --output: model.keras, model.json (labels, front-end, provenance), metrics.json, history.png,
confusion.png. A run that was stopped goes on from its last epoch when started again with the same --output.
"""


def _clip_set(text: str) -> tuple[int, int, float]:
    """ "21:26000:0.12" as (seed, count, share of other sounds)."""
    seed, count, *others = text.split(":")
    return int(seed), int(count), float(others[0]) if others else 0.0


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
        "--arch", default="two-block", metavar="NAME", help="two-block or edge (default: %(default)s)"
    )
    top.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the results (default: runs/ARCH)",
    )
    top.add_argument("--cache", type=Path, default=Path(".cache"), metavar="DIR", help="default: %(default)s")
    top.add_argument("--epochs", type=int, default=30, metavar="N", help="default: %(default)s")
    top.add_argument("--batch", type=int, default=64, metavar="N", help="default: %(default)s")
    top.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    top.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that extract features (default: all cores)",
    )
    group = top.add_argument_group("only for --arch edge")
    group.add_argument("--teacher", type=Path, metavar="FILE", help="YAMNet as TFLite")
    group.add_argument(
        "--clip-set",
        type=_clip_set,
        action="append",
        metavar="SEED:COUNT[:OTHERS]",
        help="augmented clips to learn from, OTHERS being the share of speech and noise among them; may be "
        "repeated (default: 11:48000)",
    )
    group.add_argument(
        "--rooms",
        type=float,
        default=0.5,
        metavar="P",
        help="share of clips heard in a room (default: %(default)g)",
    )
    group.add_argument(
        "--soft",
        type=float,
        default=0.0,
        metavar="P",
        help="share of the teacher's and an earlier student's opinion in the labels (default: %(default)g)",
    )
    group.add_argument("--learning-rate", type=float, default=3e-3, metavar="R", help="default: %(default)g")
    group.add_argument("--start-from", type=Path, metavar="FILE", help="a student.keras to go on from")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["evaluate"]:
        args = evaluate_cli.parser().parse_args(arguments[1:])
        return run_command("genre-train", evaluate_cli.run, args)
    return run_command("genre-train", _run, parser().parse_args(arguments))


def _run(args: argparse.Namespace) -> int:
    tracks = load_tracks(args.data)
    if args.epochs < 1 or args.batch < 1 or args.jobs < 1:
        raise UsageError("--epochs, --batch and --jobs must be at least 1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    output = args.output or Path("runs") / args.arch
    output.mkdir(parents=True, exist_ok=True)
    if args.arch == "edge":
        return _distil(args, tracks, output)
    return _fit(args, tracks, output)


def _distil(args: argparse.Namespace, tracks: Sequence[Track], output: Path) -> int:
    if args.teacher is None:
        raise UsageError("--arch edge learns from a teacher: give YAMNet's TFLite file with --teacher")
    with quiet_stderr():
        from .augment import AugmentSpec
        from .clips import ClipPlan
        from .distil import DistilSpec
        from .recipe import Recipe, run

    plans = tuple(
        ClipPlan(FrontendSpec(), count, seed, AugmentSpec(other_probability=others))
        for seed, count, others in args.clip_set or [(11, 48_000, 0.0)]
    )
    spec = DistilSpec(
        epochs=args.epochs,
        batch=args.batch,
        seed=args.seed,
        learning_rate=args.learning_rate,
        room_share=args.rooms,
        soft_share=args.soft,
    )
    recipe = Recipe(args.data, args.teacher, output, args.cache, plans, spec, args.start_from, args.jobs)
    metrics = run(recipe, tracks)
    print(
        f"valid: {metrics['window']['accuracy']:.1%} of windows, {metrics['track']['accuracy']:.1%} of tracks; "
        f"in rooms {metrics['room']['window']['accuracy']:.1%} and {metrics['room']['track']['accuracy']:.1%}; "
        f"results in {output}"
    )
    return 0


def _fit(args: argparse.Namespace, tracks: Sequence[Track], output: Path) -> int:
    with quiet_stderr():  # TensorFlow greets at length
        from .features import extract_all, stacked
        from .fit import FitSpec, fit
        from .models import build

    labels = labels_of(tracks)
    frontend = FrontendSpec()
    build(args.arch, frontend.shape, len(labels))  # an unknown name is told before the long part
    features, bad = extract_all(tracks, frontend, args.cache, args.jobs)
    for line in bad:
        print(f"genre-train: skipped {line}", file=sys.stderr)
    train = [f for f in features if f.track.split == "train"]
    valid = [f for f in features if f.track.split == "valid"]
    if not train or not valid:
        raise UsageError(f"{args.data}: nothing left to train or validate on ({len(bad)} files skipped)")
    spec = FitSpec(arch=args.arch, epochs=args.epochs, batch=args.batch, seed=args.seed)
    model, history = fit(train, valid, labels, spec, output)
    x, y, t = stacked(valid, labels)
    scores = model.predict(x, batch_size=128, verbose=0)
    description = {
        "labels": labels,
        "frontend": frontend.to_dict(),
        "trained_on": {
            "architecture": args.arch,
            "tracks": len(train),
            "windows": sum(len(f.windows) for f in train),
            "skipped": len(bad),
            "seed": args.seed,
            "version": __version__,
        },
    }
    _write_results(output, model, description, history, (scores, y, t))
    return 0


def _write_results(
    output: Path,
    model: Any,
    description: dict[str, Any],
    history: dict[str, list[float]],
    valid: tuple[Any, Any, Any],
) -> None:
    from .evaluate import report
    from .plots import plot_confusion, plot_history

    labels = description["labels"]
    metrics = report(*valid, labels)
    model.save(output / "model.keras")
    (output / "model.json").write_text(json.dumps(description, indent=1) + "\n")
    (output / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    plot_history(history, output / "history.png")
    plot_confusion(metrics["window"]["confusion"], labels, output / "confusion.png", "valid, by window")
    print(
        f"valid: {metrics['window']['accuracy']:.1%} of {metrics['window']['count']} windows, "
        f"{metrics['track']['accuracy']:.1%} of {metrics['track']['count']} tracks; results in {output}"
    )


if __name__ == "__main__":
    sys.exit(main())
