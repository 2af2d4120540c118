"""Lines about files for people: time, genre, confidence and a small bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from ..console import harmless
from ..records import FileRecord, Record, WindowRecord

_BAR_CELLS = 20
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(share: float, cells: int = _BAR_CELLS) -> str:
    """Draw a bar of `cells` characters that is filled to `share` (0 to 1), in eighths
    of a character."""
    eighths = round(max(0.0, min(1.0, share)) * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def clock(seconds: float) -> str:
    """Seconds as m:ss, or h:mm:ss from an hour on; tenths only where they are not zero.

    Examples
    --------
    >>> clock(83.5)
    '1:23.5'
    """
    tenths = round(seconds * 10)
    whole, tenth = divmod(tenths, 10)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{text}.{tenth}" if tenth else text


def others(scores: Mapping[str, float], first: str | None, top: int) -> str:
    """The most probable labels after the `first`, "rock 31 %, pop 12 %" say.

    With the first they are `top` at most. Those that round to 0 % are left out.
    """
    rest = sorted((-score, label) for label, score in scores.items() if label != first)
    shown = [f"{label} {round(-score * 100)} %" for score, label in rest if score <= -0.005]
    return ", ".join(shown[: top - 1])


class TextSink:
    """Under the name of each file one line a window, then the verdict.

    Parameters
    ----------
    out
        Where to.
    top
        How many labels a line has.
    """

    def __init__(self, out: TextIO, top: int = 1) -> None:
        self._out = out
        self._top = top
        self._file: str | None = None

    def write(self, record: Record) -> None:
        """Write one line; before the first of a file its name."""
        if not isinstance(record, WindowRecord | FileRecord):
            return  # live records are for LiveTextSink
        if record.file != self._file:
            self._file = record.file
            self._out.write(f"{harmless(record.file)}\n")
        genre = record.label
        if record.confidence is not None:
            genre = f"{genre:<10} {round(record.confidence * 100):3d} %"
        if isinstance(record, FileRecord):
            windows = f"{record.windows} window{'s' if record.windows != 1 else ''}"
            line = f"  {'verdict':<17}{genre}  over {windows}, {record.seconds:g} s\n"
            self._file = None
        else:
            time = f"{clock(record.start):>7} - {clock(record.end):<7}"
            line = f"{time:<19}{genre}  {bar(record.confidence or 0.0)}".rstrip() + "\n"
        if more := others(record.scores, record.genre, self._top):
            line = f"{line.rstrip()}  {more}\n"
        self._out.write(line)
        self._out.flush()

    def close(self) -> None:
        """Nothing is held back."""
