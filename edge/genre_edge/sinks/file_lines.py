"""Lines about files for people: time, genre, confidence and a small bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from ..console import harmless
from ..records import FileRecord, Record, WindowRecord
from ..terminal import Part, Terminal, padded

_BAR, _LABEL = 20, 10
"""Widths of the columns, cells."""
_LEAST = 99
"""Rank of a bar: where a line is too long, it is left out first."""


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


def others(scores: Mapping[str, float], first: str | None, top: int) -> list[str]:
    """The most probable labels after the `first`, "rock 31 %" say.

    With the first they are `top` at most. Those that round to 0 % are left out.
    """
    rest = sorted((-score, label) for label, score in scores.items() if label != first)
    shown = [f"{label} {round(-score * 100)} %" for score, label in rest if score <= -0.005]
    return shown[: top - 1]


class TextSink:
    """Under the name of each file one line a window, then the verdict. On a terminal a
    line is as wide as fits.

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
        self._terminal = Terminal(out)
        self._file: str | None = None

    def write(self, record: Record) -> None:
        """Write one line; before the first of a file its name."""
        if not isinstance(record, WindowRecord | FileRecord):
            return  # live records are for LiveTextSink
        if record.file != self._file:
            self._file = record.file
            self._out.write(f"{harmless(record.file)}\n")
        self._out.write(f"{self._terminal.line(self._parts(record))}\n")
        self._out.flush()

    def _parts(self, record: WindowRecord | FileRecord) -> list[Part]:
        """What the line says of a window or a file."""
        begin, end = f"  {'verdict':<16}", []
        if isinstance(record, FileRecord):
            windows = f"{record.windows} window{'s' if record.windows != 1 else ''}"
            end.append(Part(f"  over {windows}, {record.seconds:g} s", 1))
            self._file = None
        else:
            begin = f"{clock(record.start):>7} - {clock(record.end):<7} "
            drawn = self._terminal.bar(record.confidence or 0.0, _BAR).rstrip()
            end.append(Part(f"  {drawn}", _LEAST))
        more = others(record.scores, record.genre, self._top)
        end += [Part(f"{', ' if at else '  '}{text}", 2 + at) for at, text in enumerate(more)]
        if record.confidence is None:  # it is silence
            return [Part(f"{begin} {record.label}"), *end]
        label = Part(f" {padded(record.label, _LABEL)}", label=record.label)
        return [Part(begin), label, Part(f" {round(record.confidence * 100):3d} %"), *end]

    def close(self) -> None:
        """Nothing is held back."""
