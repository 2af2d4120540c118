"""The command genre-train."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genre_edge.console import run_command
from genre_edge.errors import UsageError
from genre_edge.files import write_atomically
from genre_edge.judge.tracks import Track, load_tracks
from genre_edge.model.frontend_spec import FrontendSpec
from genre_edge.quiet import quiet_stderr

from .commands import evaluate as evaluate_cli
from .commands import fit as fit_cli
from .commands import validate as validate_cli
from .commands.options import clip_sets, parser
from .runs.repeated import RunPlan, Train, check_plan, run_all, table

SUBCOMMANDS = {"evaluate": evaluate_cli, "fit": fit_cli, "validate": validate_cli}
"""Told apart by the first word; anything else trains."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] and arguments[0] in SUBCOMMANDS:
        module = SUBCOMMANDS[arguments[0]]
        return run_command("genre-train", module.run, module.parser().parse_args(arguments[1:]))
    return run_command("genre-train", _run, parser().parse_args(arguments))


def _run(args: argparse.Namespace) -> int:
    _check(args)
    tracks = load_tracks(args.data)
    output = args.output or Path("runs") / args.arch
    output.mkdir(parents=True, exist_ok=True)
    _same_options(args, output)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    plan = RunPlan(args.protocol, args.folds, args.repeats, args.seed)
    with quiet_stderr():  # TensorFlow greets at length
        from .results.run_folder import headline
    train = _with_teacher(args) if args.teacher is not None else _labels_alone(args, tracks)
    found = run_all(plan, tracks, output, train)
    print(table(found) if "runs" in found else headline(found))
    print(f"results in {output}")
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.epochs < 1 or args.batch < 1 or args.jobs < 1:
        raise UsageError("--epochs, --batch and --jobs must be at least 1")
    check_plan(RunPlan(args.protocol, args.folds, args.repeats, args.seed))
    if args.teacher is None:
        if args.augment or args.clip_set or args.start_from:
            raise UsageError(
                "--augment, --clip-set and --start-from need --arch edge and its --teacher"
            )
        return
    if args.log_mels < 0:
        raise UsageError(f"--log-mels {args.log_mels}: must be 0 or more")
    if args.arch != "edge":
        raise UsageError(
            f"--arch {args.arch} learns from labels alone: --teacher goes with --arch edge"
        )
    if not args.teacher.is_file():
        raise UsageError(f"--teacher {args.teacher}: no such file (YAMNet as TFLite)")
    if args.protocol == "segments":
        raise UsageError(
            "--protocol segments draws windows, --teacher makes its own clips of whole tracks"
        )
    if args.start_from is not None and (args.folds or args.protocol != "csv"):
        raise UsageError(
            "--start-from: that student has met tracks that this run keeps apart; train from "
            "scratch"
        )
    if args.start_from is not None and not args.start_from.is_file():
        raise UsageError(f"--start-from {args.start_from}: no such file")


def _same_options(args: argparse.Namespace, output: Path) -> None:
    """A run goes on only with the options it began with."""
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
            raise UsageError(
                f"--output {output} holds another run ({'; '.join(changed)}): choose another folder"
            )
    write_atomically(path, json.dumps(ours, indent=1) + "\n")


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
            augment if others is None else replace(augment, other_probability=others),
        )
        for seed, count, others in clip_sets(args.clip_set)
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
