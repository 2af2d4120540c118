"""When a program that listens pauses: outside the hours that the settings give."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..settings.hours import WeeklyHours, weekly_hours


class Pausing:
    """Says whether the sources are to be closed, by the clock on the wall: a step of
    the clock counts at once."""

    def __init__(
        self,
        hours: Sequence[str],
        wall: Callable[[], time.struct_time] = lambda: time.localtime(),
    ) -> None:
        """Begin.

        Parameters
        ----------
        hours : sequence of str
            When to listen, as `settings.hours` reads it; empty: always.
        wall : callable
            Gives the local time.
        """
        self._wall = wall
        self._hours: WeeklyHours | None = None
        self._reason = ""
        self.set_hours(hours)

    def set_hours(self, hours: Sequence[str]) -> None:
        """Listen at other hours from now on."""
        self._hours = weekly_hours(hours) if hours else None
        self._reason = ""

    def reason(self) -> str:
        """Why nothing is to be heard now, in words; empty if it is. The words stay the
        same while the pause lasts."""
        moment = self._wall()
        if self._hours is None or self._hours.contains(moment):
            self._reason = ""
        elif not self._reason:
            until = self._hours.next_change(moment)
            self._reason = f"by the hours of the settings, until {until}"
        return self._reason
