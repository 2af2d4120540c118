"""Reading a history: how long each label was heard, in all or by hour or day."""

from __future__ import annotations

import math
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Fault, GenreEdgeError, UsageError
from ..records import iso8601
from .database import check_version, told
from .history_rows import SCHEMA_VERSION

if TYPE_CHECKING:
    import sqlite3

BY = ("genre", "hour", "day")
"""What a report has a row for: each label, or each label in each hour or day."""
_HOUR = 3600.0
_LONGEST_WINDOW = 60.0
"""Longer than any window, s."""
_LATEST = 250_000_000_000.0
"""The last start of a stretch that is believed, s since 1970: before the year 9999,
where the calendar ends."""
_MOST_SECONDS = 100 * 366 * 24 * _HOUR
"""More time than any history has, s."""
_MOST_NAMED = 20
"""Sources that a message names."""
_UNITS = {"m": 60.0, "h": _HOUR, "d": 24 * _HOUR, "w": 7 * 24 * _HOUR}


@dataclass(frozen=True)
class LabelTime:
    """How long one label was heard, in all or within one hour or day."""

    when: str
    """The hour or day in local time, ISO 8601; empty for a report by genre."""
    label: str
    """What a person was shown."""
    seconds: float
    """How long it was heard."""
    confidence: float | None
    """Mean confidence, weighted by time; None in silence."""


@dataclass(frozen=True)
class HeardStretch:
    """One stretch of time with one label."""

    source: str
    """The device's token, the name of the source, or a file."""
    label: str
    """What a person was shown."""
    start: str
    """UTC, ISO 8601."""
    end: str
    """UTC, ISO 8601."""
    confidence: float | None
    """Mean confidence of its windows; None in silence."""


@dataclass
class _Sum:
    """Times of one row, as they are added up."""

    seconds: float = 0.0
    """All of them."""
    confident_seconds: float = 0.0
    """Those with a confidence."""
    confidence_seconds: float = 0.0
    """Those with a confidence, each times it."""


def hours_text(seconds: float) -> str:
    """A time that was heard, s, as h:mm:ss: 83.5 is 0:01:24."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def parse_age(text: str, parameter: str = "since") -> float:
    """Read an age such as "30m", "12h", "7d" or "2w"; returns seconds. UsageError about
    the parameter.

    Examples
    --------
    >>> parse_age("1.5h")
    5400.0
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text)
    if not found:
        raise UsageError(
            Fault(parameter, text, "must be a number and m, h, d or w, such as 12h or 7d")
        )
    return float(found[1]) * _UNITS[found[2]]


def summarise(
    path: Path, since: float, by: str, source: str | None = None, within: float = math.inf
) -> list[LabelTime]:
    """Sum up what was heard.

    Parameters
    ----------
    path : Path
        The history's file.
    since : float
        What was heard before is left out, UTC, s since 1970.
    by : str
        One of BY.
    source : str or None
        The name of the source that is looked at; None: all, their times added up.
    within : float
        Longest time for it, s.

    Returns
    -------
    list of LabelTime
        In the order of time; within an hour or day the longest first.

    Raises
    ------
    UsageError
        If there is no history at `path`, or nothing in it is from `source`.
    GenreEdgeError
        If the file cannot be read, or that takes too long.
    """
    sums: dict[tuple[str, str], _Sum] = {}
    heard = 0.0
    for _, label, start, end, confidence in _in_time(path, since, source, within):
        heard += end - start
        if heard > _MOST_SECONDS:
            raise GenreEdgeError(f"{path}: is damaged: it has more time than there was")
        for when, seconds in parts(max(start, since), end, by):
            total = sums.setdefault((when, label), _Sum())
            total.seconds += seconds
            if confidence is not None:
                total.confident_seconds += seconds
                total.confidence_seconds += seconds * confidence
    rows = [_row(when, label, total) for (when, label), total in sums.items()]
    return sorted(rows, key=lambda row: (row.when, -row.seconds, row.label))


def latest_stretches(
    path: Path, since: float, most: int, source: str | None = None, within: float = math.inf
) -> list[HeardStretch]:
    """List what was heard, stretch by stretch.

    Parameters
    ----------
    path, since, source, within
        As `summarise` takes them. A stretch that began before `since` is whole.
    most : int
        How many at most.

    Returns
    -------
    list of HeardStretch
        The latest first.

    Raises
    ------
    UsageError, GenreEdgeError
        As `summarise`.
    """
    latest = deque(_in_time(path, since, source, within), maxlen=most)
    if any(end - start > _MOST_SECONDS for _, _, start, end, _ in latest):
        raise GenreEdgeError(f"{path}: is damaged: it has more time than there was")
    return [
        HeardStretch(str(name), label, iso8601(start), iso8601(end), confidence)
        for name, label, start, end, confidence in reversed(latest)
    ]


def heard_sources(path: Path, since: float, within: float = math.inf) -> list[str]:
    """Names of the sources that something was heard from, in order.

    Parameters
    ----------
    path, since, within
        As `summarise` takes them.

    Raises
    ------
    UsageError, GenreEdgeError
        As `summarise`.
    """
    return sorted({str(row[0]) for row in _in_time(path, since, None, within)})


def _row(when: str, label: str, total: _Sum) -> LabelTime:
    confidence = None
    if total.confident_seconds:
        confidence = round(total.confidence_seconds / total.confident_seconds, 3)
    return LabelTime(when, label, round(total.seconds, 1), confidence)


_Row = tuple[str, str, float, float, float | None]
"""Source, label, start, end and confidence of a stretch."""


def _in_time(path: Path, since: float, source: str | None, within: float) -> Iterator[_Row]:
    """The stretches, unless reading them and what is done with them takes too long."""
    end_time = time.monotonic() + within
    for row in _stretches(path, since, source):
        if time.monotonic() > end_time:
            raise GenreEdgeError(f"{path}: is too long to be read in {within:g} s: ask for less")
        yield row


def _stretches(path: Path, since: float, source: str | None) -> Iterator[_Row]:
    """Every stretch that ended after `since`. A stretch is no longer than its windows
    can be, whatever its end says."""
    import sqlite3

    # Not Path.is_file: it raises where a folder may not be entered.
    if not os.path.isfile(path):
        raise UsageError(f"{path}: no history there (genre-edge --history {path} writes one)")
    if not os.access(path, os.R_OK):
        raise GenreEdgeError(f"{path}: may not be read by this user: try sudo")
    try:
        with closing(_opened(path)) as file:
            check_version(file, path, SCHEMA_VERSION)
            if source is not None:
                _check_source(file, source)
            rows = file.execute(
                "SELECT source, label, start, min(end, start + windows * ?), "
                "CASE WHEN typeof(confidence) = 'real' AND confidence BETWEEN 0 AND 1 "
                "THEN confidence END "
                "FROM stretches WHERE end > ? AND end > start AND start BETWEEN 0 AND ? "
                "AND typeof(label) = 'text' AND (source = ? OR ? IS NULL) ORDER BY start",
                (_LONGEST_WINDOW, since, _LATEST, source, source),
            )
            yield from (row for row in rows if row[3] > since)
    except sqlite3.OperationalError as error:
        raise GenreEdgeError(f"{path}: cannot be read ({told(error)})") from None
    except (sqlite3.Error, UnicodeDecodeError) as error:  # it quotes what is damaged
        raise GenreEdgeError(f"{path}: not a history, or damaged ({told(error)})") from None


def _opened(path: Path) -> sqlite3.Connection:
    """A history open for reading. Where no file can be made beside it (another user's
    folder, read-only media), it is read as it stands: what the program that writes it
    has not yet moved into it is missing."""
    import sqlite3

    address = f"{path.resolve().as_uri()}?mode=ro"
    file = sqlite3.connect(address, uri=True, timeout=5.0)
    try:
        file.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        file.close()
        file = sqlite3.connect(f"{address}&immutable=1", uri=True)
    except BaseException:
        file.close()
        raise
    return file


def _check_source(file: sqlite3.Connection, source: str) -> None:
    """UsageError if the history has nothing from a source."""
    known = [name for (name,) in file.execute("SELECT DISTINCT source FROM stretches ORDER BY 1")]
    if source not in known:
        shown = ", ".join(known[:_MOST_NAMED]) + (", ..." if len(known) > _MOST_NAMED else "")
        reason = f"is not in this history; there are: {shown or 'none'}"
        raise UsageError(Fault("source", source, reason))


def parts(start: float, end: float, by: str) -> Iterator[tuple[str, float]]:
    """Cut a stretch of time at the edges of local hours or days.

    Parameters
    ----------
    start, end : float
        UTC, s since 1970.
    by : str
        One of BY; "genre" does not cut.

    Yields
    ------
    when : str
        The hour or day, as in LabelTime.
    seconds : float
        Length of the part, s.
    """
    if by == "genre":
        yield "", max(0.0, end - start)
        return
    name_and_end = _hour if by == "hour" else _day
    while start < end:
        when, following = name_and_end(start)
        if following <= start:
            # Where clocks are set back across midnight, that midnight may be over.
            following = start + _HOUR
        stop = min(end, following)
        yield when, stop - start
        start = stop


def _hour(time: float) -> tuple[str, float]:
    """Name and end of the local hour that a time is in."""
    begin = datetime.fromtimestamp(time).astimezone().replace(minute=0, second=0, microsecond=0)
    return f"{begin:%Y-%m-%dT%H:%M}", begin.timestamp() + _HOUR


def _day(time: float) -> tuple[str, float]:
    """Name and end of the local day that a time is in. It may have 23 or 25 hours, so
    its end is the next midnight of the calendar."""
    begin = datetime.fromtimestamp(time).replace(hour=0, minute=0, second=0, microsecond=0)
    return f"{begin:%Y-%m-%d}", (begin + timedelta(days=1)).timestamp()
