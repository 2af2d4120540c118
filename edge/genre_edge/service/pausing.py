"""When a program that listens pauses: outside the hours that the settings give, and
while people want it to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ..listening_switch import ListeningSwitch
from ..settings.hours import WeeklyHours, weekly_hours

SWITCHED_OFF = "listening-off"
"""Name of the file that remembers that people have switched listening off."""
_WHY_OFF = 'by the switch "listening", until it is on again'


class Pausable(Protocol):
    """What can pause."""

    def pause(self, reason: str) -> None:
        """Close the source, so that nothing is heard until `resume`."""

    def resume(self) -> None:
        """Open it again."""


class Pausing:
    """Says whether the sources are to be closed, by the clock on the wall: a step of
    the clock counts at once."""

    def __init__(
        self,
        hours: Sequence[str],
        switch: ListeningSwitch | None = None,
        wall: Callable[[], time.struct_time] = lambda: time.localtime(),
    ) -> None:
        """Begin.

        Parameters
        ----------
        hours : sequence of str
            When to listen, as `settings.hours` reads it; empty: always.
        switch : ListeningSwitch or None
            Whether people let the program listen.
        wall : callable
            Gives the local time.
        """
        self._wall, self._switch = wall, switch
        self._hours: WeeklyHours | None = None
        self._reason = self._told = ""
        self.set_hours(hours)

    def set_hours(self, hours: Sequence[str]) -> None:
        """Listen at other hours from now on."""
        self._hours = weekly_hours(hours) if hours else None
        self._reason = ""

    def reason(self) -> str:
        """Why nothing is to be heard now, in words; empty if it is. The words stay the
        same while the pause lasts."""
        if self._switch is not None and not self._switch.is_on:
            return _WHY_OFF
        moment = self._wall()
        if self._hours is None or self._hours.contains(moment):
            self._reason = ""
        elif not self._reason:
            until = self._hours.next_change(moment)
            self._reason = f"by the hours of the settings, until {until}"
        return self._reason

    def look(self, pipelines: Iterable[Pausable]) -> None:
        """Have the sources closed, or opened again, when it is time."""
        reason = self.reason()
        if reason == self._told:
            return
        self._told = reason
        for pipeline in pipelines:
            if reason:
                pipeline.pause(reason)
            else:
                pipeline.resume()
