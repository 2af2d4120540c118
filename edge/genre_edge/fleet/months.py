"""Months in UTC, by which tables are parted, and which times are believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

AHEAD_SECONDS = 86_400.0
"""How far a device's clock may be ahead, s. What is beyond goes to the quarantine."""
MOST_MONTHS = 120
"""Months that may be kept: so many partitions there are at most."""
DEFAULT_MONTHS = 24
"""Age of what is taken where no limit is set, months. A device's clock that starts in
1970 must not make partitions."""

Month = tuple[int, int]
"""Year and month."""


@dataclass(frozen=True)
class Believed:
    """Which times of rows are believed."""

    keep_months: int | None = None
    """What is older is not kept, months; None: it is, but what is older when it comes
    is not taken."""

    def first(self, now: float) -> Month:
        """The oldest month of which rows are taken."""
        return months_before(month_of(now), self.keep_months or DEFAULT_MONTHS)

    def has(self, started: float, ended: float, now: float) -> bool:
        """Whether a row is taken.

        Parameters
        ----------
        started : float
            When it begins, UTC, s since 1970.
        ended : float
            When it ends, not before `started`, likewise.
        now : float
            The collector's time, likewise.
        """
        return ended <= now + AHEAD_SECONDS and month_of(started) >= self.first(now)


def month_of(time: float) -> Month:
    """The month of a time (UTC, s since 1970)."""
    when = datetime.fromtimestamp(time, UTC)
    return when.year, when.month


def months_before(month: Month, count: int) -> Month:
    """The month that is `count` months earlier; later if it is negative.

    Examples
    --------
    >>> months_before((2026, 3), 4), months_before((2026, 12), -1)
    ((2025, 11), (2027, 1))
    """
    year, index = divmod(month[0] * 12 + month[1] - 1 - count, 12)
    return year, index + 1


def start_of(month: Month) -> float:
    """When a month begins, UTC, s since 1970."""
    return datetime(*month, 1, tzinfo=UTC).timestamp()
