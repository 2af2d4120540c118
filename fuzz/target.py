"""What a target is: a boundary of the program, and what may come of an input."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genre_edge.errors import GenreEdgeError

ROOT = Path(__file__).parents[1]
CASES = ROOT.parent / "shared" / "cases"
"""Inputs that have done harm, where they are at hand."""
SEEDS = Path(__file__).parent / "seeds"
"""Our own."""

Prepare = Callable[[Path], None]
"""Makes, in the folder of its own process, what the inputs are made of."""
Attempt = Callable[[random.Random, Path], None]
"""Tries one input, chosen by the random numbers, in a folder of its own process."""


@dataclass(frozen=True)
class Target:
    """One boundary."""

    name: str
    """What it is called on the command line."""
    attempt: Attempt
    """Tries one input. An exception that is none of this program's errors is a
    failure."""
    batch: int = 50
    """Inputs that are handed to a process at once."""
    prepare: Prepare | None = None
    """What takes long before the first input, and is no part of its time."""


class Unexpected(Exception):
    """Something that must not happen, though nothing was raised."""


def cases(pattern: str) -> list[bytes]:
    """The content of known inputs, ours and those at hand."""
    folders = [folder for folder in (SEEDS, CASES) if folder.is_dir()]
    return [path.read_bytes() for one in folders for path in sorted(one.glob(pattern))]


def check_line(error: GenreEdgeError, lines: int = 1) -> None:
    """An error must be one short line (or one a fault) that harms no terminal."""
    said = str(error).splitlines()
    if len(said) > lines or len(str(error)) > 4000 * lines:
        raise Unexpected(f"not one short line: {str(error)[:500]!r}") from error
    if any(ord(letter) < 32 for line in said for letter in line):
        raise Unexpected(f"control characters in {str(error)[:500]!r}") from error
