"""What an output can show to people: how wide a line may be, which letters and colours
it has."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from .colours import colour_of, ink_on, parts_of

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LETTERS = "▕█▏…"
"""What is drawn with where the encoding has it."""
_TRUE, _CUBE = 2**24, 256
"""How many colours a terminal has."""
_STEPS = (0, 95, 135, 175, 215, 255)
"""Red, green and blue of the 216 colours that 256-colour terminals share."""
_NO_GENRE = ("silence", "uncertain")
"""Labels that have no colour of their own among words."""


@dataclass(frozen=True)
class Part:
    """A part of a line."""

    text: str
    """What it says."""
    rank: int = 0
    """Where a line is too long, the parts of the highest rank are left out first; those
    of rank 0 never are."""
    label: str = ""
    """The label whose colour is behind it."""


class Terminal:
    """An output stream as people see it: a terminal, or a file that is read later.

    Parameters
    ----------
    out
        The stream.
    environment
        What says which colours it has: NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, CLICOLOR,
        COLORTERM and TERM.
    """

    def __init__(self, out: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._out = out
        self.is_one = out.isatty()
        """Whether a person looks at it now."""
        self.can_redraw = self.is_one and environment.get("TERM", "dumb") not in ("", "dumb")
        """Whether a line can be written over."""
        self.is_unicode = _has_letters(out.encoding)
        """Whether bars can be drawn in eighths; else they are made of "#"."""
        self._colours = _colours(environment, self.can_redraw)

    @property
    def width(self) -> int | None:
        """Cells of a line now; None where a line may be of any length."""
        if not self.is_one:
            return None
        try:
            return os.get_terminal_size(self._out.fileno()).columns or None
        except (OSError, ValueError):
            return None

    def bar(self, share: float, cells: int) -> str:
        """Draw a bar of `cells` characters that is filled to `share` (0 to 1)."""
        if self.is_unicode:
            return bar(share, cells)
        return ("#" * round(max(0.0, min(1.0, share)) * cells)).ljust(cells)

    def line(self, parts: Sequence[Part], spare: int = 0) -> str:
        """Put parts into one line that fits, with `spare` cells to the right of it."""
        width = self.width
        kept = list(parts)
        if width is not None:
            width = max(1, width - spare)
            while sum(cells(part.text) for part in kept) > width:
                last = max(kept, key=lambda part: part.rank)
                if last.rank == 0:
                    return _cut("".join(part.text for part in kept), width, self.is_unicode)
                kept.remove(last)
        return "".join(self.painted(part.text, part.label) for part in kept).rstrip()

    def painted(self, text: str, label: str) -> str:
        """A text on the colour of a label, where there are colours."""
        if not self._colours or not label or label in _NO_GENRE:
            return text
        ground = colour_of(label)
        ink = 16 if ink_on(ground) == "#000000" else 231
        return f"\x1b[38;5;{ink};48;{self._code(ground)}m{text}\x1b[0m"

    def _code(self, colour: str) -> str:
        red, green, blue = parts_of(colour)
        if self._colours == _TRUE:
            return f"2;{red};{green};{blue}"
        near = [min(range(6), key=lambda k: abs(_STEPS[k] - x)) for x in (red, green, blue)]
        return f"5;{16 + 36 * near[0] + 6 * near[1] + near[2]}"


def bar(share: float, cells: int) -> str:
    """Draw a bar of `cells` characters that is filled to `share` (0 to 1), in eighths
    of a character."""
    eighths = round(max(0.0, min(1.0, share)) * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: two for wide letters, none for
    accents that combine and for joiners."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def padded(text: str, width: int) -> str:
    """A text with spaces up to a width, in cells."""
    return text + " " * max(0, width - cells(text))


def _cut(text: str, width: int, is_unicode: bool) -> str:
    """A text that is too long, with a mark where it was cut."""
    mark = "…" if is_unicode else "."
    kept = ""
    for letter in text:
        if cells(kept + letter) + 1 > width:
            break
        kept += letter
    return kept + mark


def _has_letters(encoding: str | None) -> bool:
    try:
        _LETTERS.encode(encoding or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True


def _colours(environment: Mapping[str, str], can_redraw: bool) -> int:
    """How many colours are used: 0, 256 or all. As no-color.org and
    bixense.com/clicolors have it."""
    force = environment.get("FORCE_COLOR", "")
    if environment.get("NO_COLOR") or force in ("0", "false"):
        return 0
    is_forced = bool(force) or environment.get("CLICOLOR_FORCE", "0") not in ("", "0")
    if not is_forced and (not can_redraw or environment.get("CLICOLOR") == "0"):
        return 0
    term = environment.get("TERM", "")
    has_all = environment.get("COLORTERM") in ("truecolor", "24bit") or term.endswith("-direct")
    if force == "3" or (has_all and force not in ("1", "2")):
        return _TRUE
    return _CUBE if is_forced or "256" in term else 0
