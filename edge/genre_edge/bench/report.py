"""A benchmark for people: tables in Markdown, which are readable on a terminal too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Bench = Mapping[str, Any]
"""The content of bench.json."""


def name_of(model: Mapping[str, Any]) -> str:
    """Model and interpreter, as in bench.json's `differences`."""
    return f"{model['name']} ({model['runtime']})"


def summary(bench: Bench) -> str:
    """The tables for the terminal: accuracy, cost, differences."""
    return "\n\n".join(
        ["\n".join(part) for part in (_accuracy(bench), _cost(bench), _differences(bench)) if part]
    )


def markdown(bench: Bench) -> str:
    """The content of bench.md: the summary, the machine, a table of genres and a
    confusion matrix for each model."""
    data, board = bench["data"], bench["board"]
    warm = board["temperature"]
    heat = f", {warm['before']:g} to {warm['after']:g} °C" if warm["before"] is not None else ""
    slowed = f", throttled: {', '.join(board['throttled'])}" if board["throttled"] else ""
    lines = [
        "# Benchmark",
        "",
        f"{data['tracks']} tracks ({data['split']}), {data['windows']} windows, "
        f"{data['seconds'] / 60:.1f} min"
        + (f", {len(data['skipped'])} files skipped" if data["skipped"] else "")
        + f"; genre-edge {bench['version']}, {bench['time']}.",
        "",
        f"{board['model']}, {board['machine']}, {board['cores']} cores, "
        f"{board['system']}{heat}{slowed}; "
        f"Python {board['python']}, "
        + ", ".join(f"{k} {v}" for k, v in bench["packages"].items())
        + ".",
        "",
        summary(bench),
        "",
        "Intervals are Wilson's at 95 %. A track's windows resemble each other, so the interval of "
        "the windows is too narrow. p is from McNemar's exact test.",
        "",
    ]
    for model in bench["models"]:
        lines += [
            f"## {name_of(model)}",
            "",
            *_genres(bench, model),
            "",
            *_confusion(bench, model),
            "",
        ]
    return "\n".join(lines)


def _accuracy(bench: Bench) -> list[str]:
    rows = [
        "| model | windows right | tracks right | macro F1 | calibration error |",
        "|---|---|---|---|---|",
    ]
    for model in bench["models"]:
        accuracy = model["accuracy"]
        cells = [_share(accuracy[unit]) for unit in ("windows", "tracks")]
        rows.append(
            f"| {name_of(model)} | {cells[0]} | {cells[1]} | {accuracy['windows']['macro_f1']:.3f} "
            f"| {accuracy['calibration_error']:.3f} |"
        )
    return rows


def _share(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    return f"{found['accuracy']:.1%} of {found['count']} ({low:.1%} to {high:.1%})"


def _cost(bench: Bench) -> list[str]:
    rows = [
        "| model | threads | file | MAC | load | peak memory | log-mel | inference (median, p95, "
        "p99) | times real time |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for model in bench["models"]:
        for cost in model["cost"]:
            ms = cost["inference_ms"]
            rows.append(
                f"| {name_of(model)} | {cost['threads']} | {model['bytes'] / 1e3:.0f} KB | "
                f"{model['macs'] / 1e6:.1f} M "
                f"| {cost['load_ms']:.0f} ms | {cost['peak_mb']:.0f} MB | "
                f"{cost['front_end_ms']['median']:.3f} ms "
                f"| {ms['median']:.3f}, {ms['p95']:.3f}, {ms['p99']:.3f} ms | "
                f"{cost['real_time_factor']:.0f} |"
            )
    return rows


def _differences(bench: Bench) -> list[str]:
    if not bench["differences"]:
        return []
    rows = [
        "| model | against | windows | tracks | same genre | probability shift (mean, worst) | "
        "what changes most |",
        "|---|---|---|---|---|---|---|",
    ]
    for found in bench["differences"]:
        cells = [
            f"{found[unit]['points']:+.1f} points (p = {found[unit]['p']:.2f})"
            for unit in ("windows", "tracks")
        ]
        shift = found["probability_shift"]
        moved = (
            ", ".join(f"{pair} ({n})" for pair, n in list(found["moved"].items())[:3]) or "nothing"
        )
        rows.append(
            f"| {found['model']} | {found['reference']} | {cells[0]} | {cells[1]} | "
            f"{found['agreement']:.1%} "
            f"| {shift['mean']:.3f}, {shift['worst']:.3f} | {moved} |"
        )
    return rows


def _genres(bench: Bench, model: Mapping[str, Any]) -> list[str]:
    rows = ["| label | recall | precision | windows | tracks right |", "|---|---|---|---|---|"]
    windows, tracks = (model["accuracy"][unit]["genres"] for unit in ("windows", "tracks"))
    for label in bench["data"]["labels"]:
        found, track = windows[label], tracks[label]
        rows.append(
            f"| {label} | {_percent(found['recall'])} | {_percent(found['precision'])} | "
            f"{found['count']} "
            f"| {_percent(track['recall'])} of {track['count']} |"
        )
    return rows


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _confusion(bench: Bench, model: Mapping[str, Any]) -> list[str]:
    labels: Sequence[str] = bench["data"]["labels"]
    rows = [f"| true, in windows | {' | '.join(labels)} |", "|---" * (len(labels) + 1) + "|"]
    for label, counts in zip(labels, model["accuracy"]["windows"]["confusion"], strict=True):
        rows.append(f"| {label} | {' | '.join(str(n) if n else '' for n in counts)} |")
    return rows
