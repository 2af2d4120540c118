"""The command genre-train."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genre_edge.commands.common import Command, run_program
from genre_edge.errors import Fault, UsageError
from genre_edge.files import ready_folder
from genre_edge.judge.tracks import Track, load_tracks
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.quiet import quiet_stderr

from .commands import evaluate, fit, music, negatives, validate
from .commands.options import clip_sets, keep_options, parser
from .runs.repeated import RunPlan, Train, check_plan, run_all, table

SUBCOMMANDS = {
    "evaluate": Command(evaluate.parser, evaluate.run),
    "fit": Command(fit.parser, fit.run),
    "music": Command(music.parser, music.run),
    "negatives": Command(negatives.parser, negatives.run),
    "validate": Command(validate.parser, validate.run),
}
"""Recognised by the first word; anything else trains."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_program("genre-train", Command(parser, _run), SUBCOMMANDS, argv)


def _run(args: argparse.Namespace) -> int:
    _check(args)
    tracks = load_tracks(args.data)
    output = args.output or Path("runs") / args.arch
    ready_folder(output)
    keep_options(args, output)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    plan = RunPlan(args.protocol, args.folds, args.repeats, args.seed)
    with quiet_stderr():  # TensorFlow prints much when it is imported
        from .results.run_folder import headline
    train = _with_teacher(args) if args.teacher is not None else _labels_alone(args, tracks)
    found = run_all(plan, tracks, output, train)
    print(table(found) if "runs" in found else headline(found))
    print(f"results in {output}")
    return 0


def _check(args: argparse.Namespace) -> None:
    """UsageError for options without a meaning."""
    for name in ("epochs", "batch", "jobs"):
        if getattr(args, name) < 1:
            raise UsageError(Fault(name, getattr(args, name), "must be at least 1"))
    check_plan(RunPlan(args.protocol, args.folds, args.repeats, args.seed))
    if args.teacher is not None:
        _check_teacher(args)
    elif args.augment or args.clip_set or args.start_from:
        raise UsageError(
            "--augment, --clip-set and --start-from need --arch edge and its --teacher"
        )


def _check_teacher(args: argparse.Namespace) -> None:
    if args.log_mels < 0:
        raise UsageError(Fault("log_mels", args.log_mels, "must be 0 or more"))
    if args.arch != "edge":
        raise UsageError(Fault("arch", args.arch, "only edge learns from a --teacher"))
    if not args.teacher.is_file():
        raise UsageError(Fault("teacher", args.teacher, "no such file (YAMNet as TFLite)"))
    if args.protocol == "segments":
        reason = "draws windows, but with a --teacher clips of whole tracks are made"
        raise UsageError(Fault("protocol", args.protocol, reason))
    if args.start_from is None:
        return
    if args.folds or args.protocol != "csv":
        reason = "that student has learnt from tracks that this run keeps apart; leave it out"
        raise UsageError(Fault("start_from", args.start_from, reason))
    if not args.start_from.is_file():
        raise UsageError(Fault("start_from", args.start_from, "no such file"))


def _with_teacher(args: argparse.Namespace) -> Train:
    """Runs of the recipe with a teacher."""
    with quiet_stderr():
        from .augment.audio import AugmentSpec
        from .augment.tomlfile import load_augment
        from .distil.batches import DistilSpec
        from .distil.clips import ClipPlan
        from .runs.with_teacher import Recipe, run

    augment = load_augment(args.augment) if args.augment else AugmentSpec()
    plans = tuple(
        ClipPlan(
            FrontendSpec(),
            count,
            seed,
            augment if share is None else replace(augment, other_probability=share),
        )
        for seed, count, share in clip_sets(args.clip_set)
    )
    spec = DistilSpec(
        epochs=args.epochs,
        batch=args.batch,
        extra=args.log_mels,
        learning_rate=args.learning_rate,
        room_share=args.rooms,
        soft_share=args.soft,
        embedding_weight=args.teacher_weight,
        scores_weight=args.teacher_weight / 2,
    )

    def train(tracks: Sequence[Track], protocol: str, seed: int, folder: Path) -> dict[str, Any]:
        recipe = Recipe(
            args.data if args.data.is_dir() else args.data.parent,
            args.teacher,
            folder,
            args.cache,
            plans,
            replace(spec, seed=seed),
            args.start_from,
            protocol,
            args.jobs,
        )
        return run(recipe, tracks)

    return train


def _labels_alone(args: argparse.Namespace, tracks: Sequence[Track]) -> Train:
    """Runs on labels alone."""
    with quiet_stderr():
        from .network.fit import FitSpec
        from .runs.labels_alone import prepare, train_on_labels

    features, frontend = prepare(tracks, args.arch, args.cache, args.jobs)

    def train(divided: Sequence[Track], protocol: str, seed: int, folder: Path) -> dict[str, Any]:
        spec = FitSpec(arch=args.arch, epochs=args.epochs, batch=args.batch, seed=seed)
        return train_on_labels(features, divided, frontend, protocol, spec, folder)

    return train


if __name__ == "__main__":
    sys.exit(main())
