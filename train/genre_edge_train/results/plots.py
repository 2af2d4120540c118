"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from genre_edge.judge.measures import ReliabilityBin
from matplotlib.figure import Figure


def plot_history(curves: Mapping[str, Mapping[str, Sequence[float]]], path: Path) -> None:
    """Curves over the epochs, one panel for each measure.

    Parameters
    ----------
    curves
        {measure: {curve: a number for each epoch}}
    path
        The picture, PNG.
    """
    figure = Figure(figsize=(5 * max(1, len(curves)), 4), layout="constrained")
    axes = figure.subplots(1, max(1, len(curves)), squeeze=False)[0]
    for axis, (measure, lines) in zip(axes, curves.items(), strict=False):
        for name, values in lines.items():
            axis.plot(
                range(1, len(values) + 1),
                values,
                label=name,
                marker="." if len(values) < 3 else None,
            )
        axis.set(xlabel="epoch", ylabel=measure)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=120)


def plot_confusion(
    matrix: Sequence[Sequence[int]], labels: Sequence[str], path: Path, title: str
) -> None:
    """Confusion matrix with counts, coloured by the share of the true label.

    Parameters
    ----------
    matrix
        Counts, [true][predicted].
    labels
        Names of rows and columns.
    path
        The picture, PNG.
    title
        The picture's title.
    """
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


def plot_calibration(bins: Sequence[ReliabilityBin], path: Path, error: float) -> None:
    """Share of windows right over their confidence, as PNG.

    Parameters
    ----------
    bins
        As `genre_edge.judge.measures.reliability` gives them.
    path
        The picture.
    error
        The expected calibration error, for the title.
    """
    figure = Figure(figsize=(5.2, 5), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfectly calibrated")
    axis.plot([b.confidence for b in bins], [b.right for b in bins], marker="o", label="model")
    for found in bins:
        axis.annotate(
            f"{found.count}",
            (found.confidence, found.right),
            textcoords="offset points",
            xytext=(6, -10),
            fontsize=8,
        )
    axis.set(
        xlabel="confidence",
        ylabel="share of windows right",
        xlim=(0, 1),
        ylim=(0, 1),
        title=f"expected calibration error {error:.3f}",
    )
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=120)
