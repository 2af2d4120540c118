"""What an audio file holds: its parts, and whether it is whole.

Decoders trust lengths that are estimated, missing or stale, and stop at the first part
of a chain. So the structure of a file is read first, and the decoder is told how far
to go.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

from .splice import Piece


@dataclass(frozen=True)
class Part:
    """What is decoded on its own, such as one link of a chain."""

    pieces: tuple[Piece, ...] = ()
    """What the decoder reads; empty means the file as it is."""
    frames: int | None = None
    """Sample frames in it, give or take what a codec adds at its ends; None where the
    decoder's own number holds."""


@dataclass(frozen=True)
class Contents:
    """What a file holds."""

    parts: tuple[Part, ...] = (Part(),)
    """Its parts, in order."""
    cut: bool = False
    """Whether the format proves that the end is missing."""
    warning: str = ""
    """What is odd about a file that can be heard all the same; empty if nothing is."""


CODEC_FRAMES = 4608
"""How many sample frames fewer than counted a codec may give: its delay, and what a
frame before the first one would be needed for. Four frames of MP3."""

UNKNOWN_LENGTH = "its header does not say how long it is: heard all that is there"
"""A warning."""


def overclaimed(missing: int) -> str:
    """The warning for a header that claims a few bytes too many."""
    return f"its header claims {missing} bytes more than there are: heard all that is there"


def truncated(seconds: float, stated: float | None = None) -> str:
    """The reason of an error: a file without its end, of which `seconds` were heard of
    those that it states, if it does."""
    if stated is not None:
        return f"is truncated: it ends after {seconds:.1f} of {stated:.1f} s"
    return f"is truncated: it ends after {seconds:.1f} s, before its own end mark"


def size_of(file: BinaryIO) -> int:
    """Size of a file, bytes; it is left at its end."""
    return file.seek(0, os.SEEK_END)
