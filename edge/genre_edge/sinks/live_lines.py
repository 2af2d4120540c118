"""Lines about live windows for people: time, label, confidence, level."""

from __future__ import annotations

from datetime import datetime
from typing import TextIO

from ..records import GapRecord, LiveRecord, Record
from .file_lines import bar, others

_QUIETEST_DBFS = -70.0
"""Lower end of the level meter."""


class LiveTextSink:
    """One line a window. On a terminal with local time and bars; in a pipe with UTC and
    plain numbers."""

    def __init__(self, out: TextIO, top: int = 1) -> None:
        self._out = out
        self._top = top
        self._pretty = out.isatty()

    def write(self, record: Record) -> None:
        """Write one line for a window or a gap; states go to standard error and are not
        repeated here."""
        if isinstance(record, LiveRecord):
            line = _pretty(record) if self._pretty else _plain(record)
            if more := others(record.scores, record.smoothed_genre, self._top):
                line = f"{line.rstrip()}  {more}\n"
            self._out.write(line)
        elif isinstance(record, GapRecord):
            self._out.write(
                f"{record.time if not self._pretty else _local(record.time)}  "
                f"{_name(record)}gap of {record.end - record.start:.1f} s\n"
            )
        self._out.flush()

    def close(self) -> None:
        """Nothing is held back."""


def _name(record: LiveRecord | GapRecord) -> str:
    """A source's name and a space; nothing for a source without one."""
    return "" if record.source_name is None else f"{record.source_name:<12} "


def _local(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")


def _pretty(record: LiveRecord) -> str:
    confidence = record.smoothed_confidence
    percent = (
        f"{round(confidence * 100):3d} %  {bar(confidence, 12)}"
        if confidence is not None
        else " " * 19
    )
    meter = bar(1 - record.level_dbfs / _QUIETEST_DBFS, 8)
    level = f"{record.level_dbfs:6.1f} dBFS ▕{meter}▏"
    return f"{_local(record.time)}  {_name(record)}{record.label:<10} {percent}  {level}\n"


def _plain(record: LiveRecord) -> str:
    confidence = "-" if record.smoothed_confidence is None else f"{record.smoothed_confidence:.2f}"
    name = f"{record.source_name} " if record.source_name else ""
    return f"{record.time} {name}{record.label} {confidence} {record.level_dbfs:.1f} dBFS\n"
