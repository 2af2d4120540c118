"""Two benchmarks: what changed by more than noise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..judge.measures import mcnemar
from .measure import SCHEMA_VERSION
from .report import Bench, name_of

_P = 0.05
"""McNemar's p below this counts as a change."""
_SIZE = 0.02
"""Relative change of a file's size that is worth a line."""
_MEMORY = 0.1
"""Relative change of peak memory that is worth a line. Allocators round, so smaller
ones are noise."""


@dataclass(frozen=True)
class Change:
    """One thing that changed by more than noise."""

    text: str
    """In words."""
    worse: bool
    """Whether a user would mind."""


def load_bench(path: Path) -> Bench:
    """The content of a bench.json; UsageError if the file is something else."""
    try:
        bench: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = bench["schema_version"]
        bench["models"], bench["data"]["digest"]  # raises if one is missing
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path}: not a bench.json of genre-edge bench") from None
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{path}: has schema {version}, this program needs {SCHEMA_VERSION}: run the "
            "benchmark again"
        )
    return bench


def compare(old: Bench, new: Bench) -> tuple[list[Change], list[str]]:
    """What changed between two benchmarks.

    On the same tracks accuracy is compared by McNemar's test, on others by its
    intervals. Cost is compared on the same machine only, by quartiles.

    Parameters
    ----------
    old, new
        Contents of bench.json.

    Returns
    -------
    tuple
        The changes of the models that are in both, and remarks on what cannot be
        compared.
    """
    before = {name_of(model): model for model in old["models"]}
    after = {name_of(model): model for model in new["models"]}
    remarks = [f"only in the old benchmark: {name}" for name in before if name not in after]
    remarks += [f"only in the new benchmark: {name}" for name in after if name not in before]
    paired = old["data"]["digest"] == new["data"]["digest"]
    if not paired:
        remarks.append("the tracks differ: accuracy is compared by its intervals only")
    boards = [(bench["board"]["model"], bench["board"]["machine"]) for bench in (old, new)]
    if boards[0] != boards[1]:
        remarks.append(
            f"the machines differ ({boards[0][0]}, {boards[1][0]}): cost is not compared"
        )
    changes: list[Change] = []
    for name in [name for name in before if name in after]:
        truth = old["data"]["truth"] if paired else None
        changes += _accuracy(name, before[name], after[name], truth)
        changes += _size(name, before[name], after[name])
        if boards[0] == boards[1]:
            changes += _cost(name, before[name], after[name])
    return changes, remarks


def _accuracy(name: str, old: Any, new: Any, truth: list[int] | None) -> list[Change]:
    a, b = old["accuracy"]["windows"], new["accuracy"]["windows"]
    points = 100 * (b["accuracy"] - a["accuracy"])
    text = f"{name}: windows right {a['accuracy']:.1%} -> {b['accuracy']:.1%} ({points:+.1f} points"
    if truth is None:
        apart = a["interval"][1] < b["interval"][0] or b["interval"][1] < a["interval"][0]
        return [Change(f"{text}, intervals do not overlap)", points < 0)] if apart else []
    cases = list(zip(truth, old["accuracy"]["top1"], new["accuracy"]["top1"], strict=True))
    lost = sum(t == x != y for t, x, y in cases)
    won = sum(t == y != x for t, x, y in cases)
    p = mcnemar(lost, won)
    return [Change(f"{text}, p = {p:.3f})", points < 0)] if p < _P else []


def _size(name: str, old: Any, new: Any) -> list[Change]:
    ratio = new["bytes"] / old["bytes"]
    if abs(ratio - 1) < _SIZE:
        return []
    return [
        Change(
            f"{name}: file {old['bytes'] / 1e3:.0f} KB -> {new['bytes'] / 1e3:.0f} KB", ratio > 1
        )
    ]


def _cost(name: str, old: Any, new: Any) -> list[Change]:
    """Times whose quartiles do not overlap, and memory."""
    before, after = ({cost["threads"]: cost for cost in model["cost"]} for model in (old, new))
    changes = []
    for threads in [n for n in before if n in after]:
        a, b = before[threads], after[threads]
        where = f"{name}, {threads} thread{'s' * (threads > 1)}"
        for key, text in (("front_end_ms", "log-mel"), ("inference_ms", "inference")):
            if a[key]["p75"] < b[key]["p25"] or b[key]["p75"] < a[key]["p25"]:
                ratio = b[key]["median"] / a[key]["median"]
                changes.append(
                    Change(
                        f"{where}: {text} {a[key]['median']:.3f} -> {b[key]['median']:.3f} ms "
                        f"({ratio:.2f} times)",
                        ratio > 1,
                    )
                )
        ratio = b["peak_mb"] / a["peak_mb"]
        if abs(ratio - 1) > _MEMORY:
            text = f"{where}: peak memory {a['peak_mb']:.0f} -> {b['peak_mb']:.0f} MB"
            changes.append(Change(text, ratio > 1))
    return changes
