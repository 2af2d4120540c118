"""Several runs of one command, with other seeds or folds, and the mean of their
figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.errors import Fault, UsageError
from genre_edge.files import write_atomically
from genre_edge.judge.tracks import Track

from ..data.splits import by_fold, by_protocol

Train = Callable[[Sequence[Track], str, int, Path], dict[str, Any]]
"""Trains on (tracks, protocol's name, seed, output folder); returns the metrics."""

UNITS = ("windows", "tracks")
"""What accuracy is counted over; keys of metrics.json."""


@dataclass(frozen=True)
class RunPlan:
    """Which runs are made."""

    protocol: str = "csv"
    """A name in splits.PROTOCOLS."""
    folds: int = 0
    """Folds of a cross-validation over tracks; 0: none, the protocol gives the
    sides."""
    repeats: int = 1
    """How often each run is made, with the next seed each time."""
    seed: int = 0
    """The first seed."""


def run_all(plan: RunPlan, tracks: Sequence[Track], output: Path, train: Train) -> dict[str, Any]:
    """Make all runs of a plan. A run that has left its metrics.json is not made again.

    Parameters
    ----------
    plan
        Which runs.
    tracks
        All tracks.
    output
        Where the results go: of several runs, into a folder each.
    train
        Makes one run.

    Returns
    -------
    dict
        The metrics of a single run; of several, the content of summary.json.
    """
    runs: list[tuple[str, dict[str, Any]]] = []
    for seed in range(plan.seed, plan.seed + plan.repeats):
        for fold in range(max(1, plan.folds)):
            name, parts = _name(plan, seed, fold)
            folder = output.joinpath(*parts)
            folder.mkdir(parents=True, exist_ok=True)
            done = folder / "metrics.json"
            if done.is_file():
                runs.append((name, _read_metrics(done)))
                continue
            if parts:
                print(f"== {name}", flush=True)
            divided, protocol = _divided(plan, tracks, seed, fold)
            runs.append((name, train(divided, protocol, seed, folder)))
    if len(runs) == 1:
        return runs[0][1]
    found = summary(runs)
    write_atomically(output / "summary.json", json.dumps(found, indent=1) + "\n")
    return found


def _read_metrics(path: Path) -> dict[str, Any]:
    """A metrics.json; before 0.2.0 it called its units window and track."""
    metrics: dict[str, Any] = json.loads(path.read_text())
    for old, new in (("window", "windows"), ("track", "tracks")):
        for part in (metrics, metrics.get("room", {})):
            if old in part:
                part[new] = part.pop(old)
    return metrics


def _name(plan: RunPlan, seed: int, fold: int) -> tuple[str, list[str]]:
    """A run's name, and the parts of its folder's path below the output."""
    parts = [f"seed-{seed}"] if plan.repeats > 1 else []
    parts += [f"fold-{fold + 1}"] if plan.folds else []
    return " ".join(parts) or "run", parts


def _divided(
    plan: RunPlan, tracks: Sequence[Track], seed: int, fold: int
) -> tuple[list[Track], str]:
    if plan.folds:
        return by_fold(tracks, plan.folds, fold), f"fold {fold + 1} of {plan.folds}"
    return by_protocol(tracks, plan.protocol, seed), plan.protocol


def check_plan(plan: RunPlan) -> None:
    """UsageError for a plan that has no meaning."""
    if plan.repeats < 1:
        raise UsageError(Fault("repeats", plan.repeats, "must be at least 1"))
    if plan.folds and plan.protocol != "csv":
        reason = "a cross-validation makes its own sides, so leave the protocol out"
        raise UsageError(Fault("folds", plan.folds, reason))
    if plan.folds and plan.folds < 3:
        reason = "must be at least 3: one to test on, one to validate on, one to train on"
        raise UsageError(Fault("folds", plan.folds, reason))


def summary(runs: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """The figures of several runs together.

    Parameters
    ----------
    runs
        (name, metrics) of each.

    Returns
    -------
    dict
        {"runs": {name: {"windows", "tracks"}}, "windows": {"mean", "deviation",
        "runs"}, "tracks": {...}}. Accuracies are from 0 to 1. The deviation is that of
        a sample (n - 1).
    """
    figures = {unit: [metrics[unit]["accuracy"] for _, metrics in runs] for unit in UNITS}
    return {
        "runs": {
            name: {unit: metrics[unit]["accuracy"] for unit in figures} for name, metrics in runs
        },
        **{
            unit: {
                "mean": round(float(np.mean(values)), 4),
                "deviation": round(float(np.std(values, ddof=1)), 4),
                "runs": len(values),
            }
            for unit, values in figures.items()
        },
    }


def table(found: dict[str, Any]) -> str:
    """A summary as a Markdown table."""
    rows = ["| run | windows right | tracks right |", "|---|---|---|"]
    rows += [
        f"| {name} | {run['windows']:.1%} | {run['tracks']:.1%} |"
        for name, run in found["runs"].items()
    ]
    mean = [f"{found[unit]['mean']:.1%} ± {found[unit]['deviation']:.1%}" for unit in UNITS]
    return "\n".join([*rows, f"| mean ± standard deviation | {' | '.join(mean)} |"])
