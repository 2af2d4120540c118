"""Reading a history: how long each label was heard, in all or by hour or day."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ..errors import Fault, GenreEdgeError, UsageError

BY = ("genre", "hour", "day")
"""What a table may be about."""
_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


@dataclass(frozen=True)
class Played:
    """One label in one span of time."""

    when: str
    """The hour or day in local time, ISO 8601; empty if the table is by genre."""
    label: str
    """What a person was shown."""
    seconds: float
    """How long it was heard."""
    confidence: float | None
    """Mean confidence, weighted by time; None in silence."""


def seconds_of(text: str) -> float:
    """ "7d", "12h", "30m", "2w" in seconds. UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text)
    if not found:
        raise UsageError(
            Fault("since", text, "must be a number and m, h, d or w, such as 12h or 7d")
        )
    return float(found[1]) * _UNITS[found[2]]


def played(path: Path, since: float, by: str) -> list[Played]:
    """What was heard since `since` (UTC, s since 1970), in order of time, the longest
    label first.

    UsageError if there is no history at `path`.
    """
    total: dict[tuple[str, str], list[float]] = {}
    for label, start, end, confidence in _stretches(path, since):
        for when, seconds in _split(max(start, since), end, by):
            entry = total.setdefault((when, label), [0.0, 0.0, 0.0])
            entry[0] += seconds
            if confidence is not None:
                entry[1] += seconds * confidence
                entry[2] += seconds
    rows = [
        Played(when, label, round(seconds, 1), round(sure / weight, 3) if weight else None)
        for (when, label), (seconds, sure, weight) in total.items()
    ]
    return sorted(rows, key=lambda row: (row.when, -row.seconds, row.label))


def _stretches(path: Path, since: float) -> Iterator[tuple[str, float, float, float | None]]:
    if not path.is_file():
        raise UsageError(f"{path}: no history there (genre-edge --history {path} writes one)")
    try:
        file = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)
        try:
            yield from file.execute(
                "SELECT label, start, end, confidence FROM stretches WHERE end > ? ORDER BY start",
                (since,),
            )
        finally:
            file.close()
    except sqlite3.Error as error:
        raise GenreEdgeError(f"{path}: not a history, or damaged ({error})") from None


def _split(start: float, end: float, by: str) -> Iterator[tuple[str, float]]:
    """The parts of a stretch in each hour or day of local time."""
    if by == "genre":
        yield "", max(0.0, end - start)
        return
    while start < end:
        here = datetime.fromtimestamp(start).astimezone()
        begin = here.replace(minute=0, second=0, microsecond=0)
        if by == "day":
            begin = begin.replace(hour=0)
        # Through the calendar, not by adding seconds: a day may have 23 or 25 hours.
        following = begin + timedelta(hours=1) if by == "hour" else begin + timedelta(days=1)
        edge = datetime.fromtimestamp(following.timestamp()).timestamp()
        if by == "day":
            edge = following.replace(tzinfo=None).astimezone().timestamp()
        stop = min(end, max(edge, start + 1e-3))
        yield (
            begin.isoformat(timespec="minutes" if by == "hour" else "hours")[
                : 16 if by == "hour" else 10
            ],
            stop - start,
        )
        start = stop
