"""Hours of the week, by the clock on the wall: "Mon-Fri 07:00-22:00"."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = 24 * 60
_WEEK = 7 * _DAY
"""Minutes."""
_PERIOD = r"(?i)(?:([a-z,\s-]*[a-z])\s+)?(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)"
_FORM = '"07:00-22:00", "Mon-Fri 07:00-22:00" or "Sat,Sun 22:00-02:00"'
_LONGEST = 2000
"""Letters of all periods together."""


@dataclass(frozen=True)
class WeeklyHours:
    """Periods of each week in local time.

    They go by the clock on the wall alone. An hour that daylight saving time leaves out
    is in no period; one that comes twice is in its period twice.
    """

    periods: tuple[tuple[int, int], ...]
    """Begin and end of each, minutes since Monday 00:00; an end beyond Sunday belongs
    to the next week."""

    def contains(self, moment: time.struct_time) -> bool:
        """Whether a local time, as `time.localtime` gives it, is in a period."""
        return self._holds(_minute_of(moment))

    def _holds(self, minute: int) -> bool:
        return any(
            begin <= one < end for begin, end in self.periods for one in (minute, minute + _WEEK)
        )

    def next_change(self, moment: time.struct_time) -> str:
        """When `contains` will change, such as "22:00", or "Mon 07:00" if that is a day
        away or more; empty if it never does."""
        now = _minute_of(moment)
        edges = sorted((edge - now) % _WEEK or _WEEK for period in self.periods for edge in period)
        for ahead in edges:
            minute = (now + ahead) % _WEEK
            if self._holds(minute) is not self._holds(now):
                day, hour = _DAYS[minute // _DAY], f"{minute % _DAY // 60:02}:{minute % 60:02}"
                return hour if ahead < _DAY else f"{day} {hour}"
        return ""


def weekly_hours(texts: Sequence[str]) -> WeeklyHours:
    """Read periods such as "Mon-Fri 07:00-22:00"; without days, each day has it. One
    whose end is not after its begin ends on the next day.

    Parameters
    ----------
    texts : sequence of str
        The periods. Commas may part them too, as an environment variable has them.

    Raises
    ------
    UsageError
        With the first text that is none.

    Examples
    --------
    >>> weekly_hours(["Sun 23:00-07:00"]).periods
    ((10020, 10500),)
    """
    whole = ",".join(texts)
    if len(whole) > _LONGEST:
        raise UsageError(f"more than {_LONGEST} letters of hours")
    periods: list[tuple[int, int]] = []
    at = 0
    for found in re.finditer(_PERIOD, whole):
        if whole[at : found.start()].strip(" ,"):
            break
        at = found.end()
        periods += _periods(found)
    rest = whole[at:].strip(" ,")
    if rest:
        shown = rest if rest.isprintable() else ascii(rest)
        raise UsageError(f"{shown}: must be like {_FORM}")
    return WeeklyHours(tuple(periods))


def _periods(found: re.Match[str]) -> list[tuple[int, int]]:
    days, *numbers = found.groups()
    hour, minute, last_hour, last_minute = map(int, numbers)
    begin, end = 60 * hour + minute, 60 * last_hour + last_minute
    if max(minute, last_minute) > 59 or begin >= _DAY or end > _DAY:
        raise UsageError(f"{found[0].strip()}: hours go from 00:00 to 24:00")
    if begin == end:
        raise UsageError(f"{found[0].strip()}: has no length; a whole day is 00:00-24:00")
    length = (end - begin) % _DAY or _DAY
    starts = [_DAY * day + begin for day in _days(days or "Mon-Sun", found[0].strip())]
    return [(start, start + length) for start in starts]


def _days(text: str, whole: str) -> list[int]:
    """Numbers of the days in "Mon-Wed, Sun", 0 for Monday."""
    days: list[int] = []
    for part in filter(None, re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", text))):
        names = [name.strip().title() for name in part.split("-")]
        if len(names) > 2 or not all(name in _DAYS for name in names):
            raise UsageError(f"{whole}: {part} is no day; days are {', '.join(_DAYS)}")
        first, last = _DAYS.index(names[0]), _DAYS.index(names[-1])
        days += [(first + ahead) % 7 for ahead in range((last - first) % 7 + 1)]
    return sorted(set(days))


def _minute_of(moment: time.struct_time) -> int:
    return _DAY * moment.tm_wday + 60 * moment.tm_hour + moment.tm_min
