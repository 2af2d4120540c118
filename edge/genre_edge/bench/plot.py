"""bench.png: accuracy against latency, and the confusion matrices."""

from __future__ import annotations

import math
from pathlib import Path

from .report import Bench, name_of


def plot(bench: Bench, path: Path) -> None:
    """Write a benchmark's picture (PNG); ImportError if matplotlib is not installed."""
    import numpy as np
    from matplotlib.figure import Figure

    models, labels = bench["models"], bench["data"]["labels"]
    columns = min(3, len(models) + 1)
    rows = math.ceil((len(models) + 1) / columns)
    figure = Figure(figsize=(5.2 * columns, 4.8 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for model in models:
        found, cost = model["accuracy"]["windows"], model["cost"][0]["window_ms"]
        low, high = (abs(edge - found["accuracy"]) for edge in found["interval"])
        x = [[cost["median"] - cost["p25"]], [cost["p75"] - cost["median"]]]
        axes[0].errorbar(
            cost["median"],
            found["accuracy"],
            [[low], [high]],
            x,
            fmt="o",
            capsize=3,
            label=name_of(model),
        )
    axes[0].set(
        xlabel="log-mel and inference of a window, ms (quartiles)",
        ylabel="windows right (95 % interval)",
    )
    axes[0].grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    for axis, model in zip(axes[1:], models, strict=False):
        counts = np.array(model["accuracy"]["windows"]["confusion"], dtype=float)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        axis.set_title(name_of(model), fontsize=9)
        axis.set_xticks(range(len(labels)), labels, rotation=45, ha="right", fontsize=7)
        axis.set_yticks(range(len(labels)), labels, fontsize=7)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if share[row, column] > 0.5 else "black"
                axis.text(
                    column, row, f"{count:g}", ha="center", va="center", color=colour, fontsize=6
                )
    for axis in axes[len(models) + 1 :]:
        axis.set_visible(False)
    figure.savefig(path, dpi=120)
