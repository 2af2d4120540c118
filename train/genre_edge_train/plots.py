"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure


def plot_history(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """Loss and accuracy over the epochs, training and validation, as PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, metric in zip(axes, ("loss", "accuracy"), strict=True):
        for name, text in ((metric, "train"), (f"val_{metric}", "valid")):
            if name in history:
                axis.plot(range(1, len(history[name]) + 1), history[name], label=text)
        axis.set(xlabel="epoch", ylabel=metric)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=120)


def plot_confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str], path: Path, title: str) -> None:
    """Confusion matrix, coloured by share of the true class, with counts, as PNG."""
    counts = np.asarray(matrix, dtype=float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(7, 6.2), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axis.set(title=title, xlabel="predicted", ylabel="true")
    axis.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axis.set_yticks(range(len(labels)), labels)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if share[row, column] > 0.5 else "black"
            axis.text(column, row, f"{count:g}", ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(image, label="share of the true genre")
    figure.savefig(path, dpi=120)
