"""Lines about live windows for people: time, label, confidence, level. On a terminal
the last line shows the level as it is between two windows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TextIO

from ..records import GapRecord, LiveRecord, Record
from ..terminal import Part, Terminal, padded
from .file_lines import others

_QUIETEST_DBFS = -70.0
"""Lower end of the level meter."""
_LABEL, _NAME, _BAR, _METER = 10, 12, 12, 8
"""Widths of the columns, cells."""


class LiveTextSink:
    """One line a window. On a terminal with local time and bars, as wide as fits; in a
    pipe with UTC and plain numbers. Any thread may write.

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
        self._status = ""
        """The line that is redrawn, as it stands there; "" if there is none."""
        self._lock = threading.RLock()

    @property
    def shows_levels(self) -> bool:
        """Whether it wants to be told of levels between windows."""
        return self._terminal.can_redraw

    def write(self, record: Record) -> None:
        """Write one line for a window or a gap; states go to standard error and are not
        repeated here."""
        with self.aside():
            if isinstance(record, LiveRecord):
                self._out.write(f"{self._window(record)}\n")
            elif isinstance(record, GapRecord):
                self._out.write(
                    f"{_local(record.time) if self._terminal.is_one else record.time}  "
                    f"{_name(record)}gap of {record.end - record.start:.1f} s\n"
                )

    def levels(self, levels: Sequence[tuple[str, float]]) -> None:
        """Show the level of each source as it is now, until something is written.

        Parameters
        ----------
        levels
            Name and level (dBFS) of each source that is heard; one without a name has
            "".
        """
        with self._lock:
            line = self._terminal.line(self._status_parts(levels), spare=1) if levels else ""
            if line != self._status:
                self._out.write(f"\r{line}\x1b[K\r")
                self._out.flush()
                self._status = line

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hold it while something else is written to the same terminal."""
        with self._lock:
            if self._status:
                self._out.write("\r\x1b[K")
                self._out.flush()
                self._status = ""
            yield
            self._out.flush()

    def close(self) -> None:
        """Leave no level behind."""
        with self.aside():
            pass

    def _window(self, record: LiveRecord) -> str:
        more = others(record.scores, record.smoothed_genre, self._top)
        if not self._terminal.is_one:
            text = _plain(record, self._terminal)
            return f"{text}  {', '.join(more)}" if more else text
        confidence = record.smoothed_confidence
        percent, drawn = " " * 7, " " * _BAR
        if confidence is not None:
            percent = f" {round(confidence * 100):3d} % "
            drawn = self._terminal.bar(confidence, _BAR)
        return self._terminal.line(
            [
                Part(f"{_local(record.time)} "),
                Part(f" {padded(record.source_name, _NAME)}" if record.source_name else ""),
                Part(f" {padded(record.label, _LABEL)}", label=record.label),
                Part(percent, 1),
                Part(f" {drawn}", 5),
                *self._level_parts(record.level_dbfs),
                *(Part(f"{', ' if at else '  '}{text}", 6 + at) for at, text in enumerate(more)),
            ]
        )

    def _level_parts(self, dbfs: float) -> list[Part]:
        meter = self._terminal.bar(1 - dbfs / _QUIETEST_DBFS, _METER)
        left, right = "▕▏" if self._terminal.is_unicode else "[]"
        return [Part(f"  {dbfs:6.1f} dBFS", 4), Part(f" {left}{meter}{right}", 3)]

    def _status_parts(self, levels: Sequence[tuple[str, float]]) -> list[Part]:
        now = time.strftime("%H:%M:%S")
        if len(levels) == 1:
            name = f" {padded(levels[0][0], _NAME)}" if levels[0][0] else ""
            mark = "…" if self._terminal.is_unicode else "..."
            figure, meter = self._level_parts(levels[0][1])
            return [
                Part(f"{now} "),
                Part(name, 1),
                Part(f" {padded(mark, _LABEL)}", 3),
                Part(" " * (_BAR + 8), 4),  # the columns of the lines above, if there is room
                Part(figure.text, 2),
                Part(meter.text),
            ]
        parts = [Part(f"{now} ")]
        for rank, (name, dbfs) in enumerate(levels, 1):
            parts.append(Part(f" {name}{self._level_parts(dbfs)[1].text}", rank))
        return parts


def _name(record: LiveRecord | GapRecord) -> str:
    """A source's name and a space; nothing for a source without one."""
    return "" if record.source_name is None else f"{padded(record.source_name, _NAME)} "


def _local(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")


def _plain(record: LiveRecord, terminal: Terminal) -> str:
    confidence = "-" if record.smoothed_confidence is None else f"{record.smoothed_confidence:.2f}"
    name = f"{record.source_name} " if record.source_name else ""
    label = terminal.painted(record.label, record.label)
    return f"{record.time} {name}{label} {confidence} {record.level_dbfs:.1f} dBFS"
