"""What an audio file holds: its parts, and whether it is whole.

Decoders trust lengths that are estimated, missing or stale, and stop at the first part
of a chain. So the structure of a file is read first, and the decoder is told how far
to go.
"""

from __future__ import annotations

from dataclasses import dataclass

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


UNKNOWN_LENGTH = "its header does not say how long it is: heard all that is there"
"""A warning."""


def overclaimed(missing: int) -> str:
    """The warning for a header that claims a few bytes too many."""
    return f"its header claims {missing} bytes more than there are: heard all that is there"


def truncated(seconds: float) -> str:
    """The reason of an error: a file without its end, of which `seconds` were heard."""
    return f"is truncated: it ends after {seconds:.1f} s, before its own end mark"
