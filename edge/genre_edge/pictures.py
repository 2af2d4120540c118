"""Pictures in one style, for print or for a dark ground. They need matplotlib, which is
imported when one is drawn."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import Fault, UsageError
from .extras import install_line
from .files import ready_file, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
"""What a picture can be, by the name of its file."""
_DOTS_PER_INCH = 144
"""Of a PNG."""


@dataclass(frozen=True)
class Style:
    """The colours of a picture, "#rrggbb"."""

    is_dark: bool
    """Whether the ground is dark."""
    ground: str
    """Behind everything."""
    ink: str
    """Words."""
    line: str
    """Axes and grid."""
    accent: str
    """What has no colour of its own."""


LIGHT = Style(False, "#ffffff", "#1b1f23", "#c4c9cd", "#1d5a8c")
DARK = Style(True, "#14171a", "#eceeef", "#4a525a", "#7db9ec")


def check_picture(path: Path, parameter: str, extra: str) -> None:
    """See that a picture can be drawn and written, before the work whose result it
    shows.

    Parameters
    ----------
    path
        Where to.
    parameter
        What a message calls it.
    extra
        The extra that brings matplotlib.

    Raises
    ------
    UsageError
        If it cannot.
    """
    if find_spec("matplotlib") is None:
        raise UsageError(f"{parameter} needs matplotlib: {install_line(extra)}")
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(Fault(parameter, path, "must be a .png, .svg or .pdf"))
    ready_file(path, parameter)


@contextmanager
def drawing(style: Style) -> Iterator[None]:
    """Figures that are made in the block have the style."""
    from matplotlib import rc_context

    chosen: Any = {
        "font.size": 11,
        "axes.titlesize": 13,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 12,
        "axes.labelsize": 11,
        "legend.fontsize": 11,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "figure.constrained_layout.h_pad": 0.14,
        "figure.constrained_layout.w_pad": 0.14,
        "figure.facecolor": style.ground,
        "savefig.facecolor": style.ground,
        "axes.facecolor": style.ground,
        "axes.edgecolor": style.line,
        "grid.color": style.line,
        "grid.linewidth": 0.6,
        "xtick.color": style.line,
        "ytick.color": style.line,
        "svg.fonttype": "none",
        "svg.hashsalt": "genre-edge",
    }
    words = ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor")
    with rc_context(chosen | dict.fromkeys(words, style.ink)):
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure whole or not at all; what it is, its file's name says. OSError."""
    made = io.BytesIO()
    figure.savefig(made, format=path.suffix.lower()[1:], dpi=_DOTS_PER_INCH)
    write_atomically(path, made.getvalue())
