"""bench.png: accuracy against latency, and the confusion matrices."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..colours import ink_on
from ..pictures import LIGHT, Style, drawing, save
from .report import Bench, name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKS = "osD^vP*X"
"""One for each model; they are told apart without colours too."""


def plot(bench: Bench, path: Path, style: Style = LIGHT) -> None:
    """Write a benchmark's picture (PNG).

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    OSError
        If the picture cannot be written.
    """
    from matplotlib.figure import Figure

    models, labels = bench["models"], bench["data"]["labels"]
    columns = min(3, len(models) + 1)
    rows = math.ceil((len(models) + 1) / columns)
    with drawing(style):
        figure = Figure(figsize=(6.4 * columns, 6.0 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).reshape(-1)
        _draw_costs(axes[0], models)
        for axis, model in zip(axes[1:], models, strict=False):
            _draw_confusion(axis, model, labels, style)
        for axis in axes[len(models) + 1 :]:
            axis.set_visible(False)
        save(figure, path)


def _draw_costs(axis: Axes, models: list[dict[str, Any]]) -> None:
    """Accuracy over latency, a point for each model."""
    for number, model in enumerate(models):
        found, cost = model["accuracy"]["windows"], model["cost"][0]["window_ms"]
        low, high = (100 * abs(edge - found["accuracy"]) for edge in found["interval"])
        axis.errorbar(
            cost["median"],
            100 * found["accuracy"],
            [[low], [high]],
            [[cost["median"] - cost["p25"]], [cost["p75"] - cost["median"]]],
            fmt=_MARKS[number % len(_MARKS)],
            markersize=9,
            capsize=4,
            label=name_of(model),
        )
    axis.set(
        title="How right, and how fast",
        xlabel="log-mel and inference of a window, ms (quartiles)",
        ylabel="windows right, % (95 % interval)",
    )
    axis.set_xlim(left=0)
    axis.margins(y=0.15)
    axis.grid()
    axis.legend()


def _draw_confusion(axis: Axes, model: dict[str, Any], labels: list[str], style: Style) -> None:
    """What was heard as what, in windows; the colour is the share of the true genre."""
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    colours = LinearSegmentedColormap.from_list("share", [style.ground, style.accent])
    counts = np.array(model["accuracy"]["windows"]["confusion"], dtype=float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap=colours, vmin=0, vmax=1)
    axis.set(title=name_of(model), xlabel="heard as", ylabel="is")
    axis.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(labels)), labels)
    axis.tick_params(length=0)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = ink_on(to_hex(colours(share[row, column])))
            axis.text(column, row, f"{count:g}", ha="center", va="center", color=ink, fontsize=9)
