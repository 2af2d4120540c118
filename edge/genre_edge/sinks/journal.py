"""A service's records in its log: each change of state, and a summary of the windows
once an hour."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from ..health import Health
from ..log import HOUR, INFO, NOTICE, WARNING, Log
from ..records import LiveRecord, Record, StateRecord
from ..states import PAUSED

_MOST_LABELS = 4
"""Labels named in a summary."""


class LogSink:
    """Writes changes of state to a Log; windows are only counted."""

    def __init__(
        self, log: Log, health: Health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin to count.

        Parameters
        ----------
        log : Log
            Where entries go.
        health : Health
            The program's counters, a part of each summary.
        clock : callable
            Gives a time that only increases, s.
        """
        self._log, self._health, self._clock = log, health, clock
        self._labels: Counter[str] = Counter()
        self._since = clock()

    def write(self, record: Record) -> None:
        """Take one record."""
        if isinstance(record, StateRecord):
            is_normal = record.state in ("listening", "starting", PAUSED)
            priority = NOTICE if is_normal else WARNING
            fields: dict[str, Any] = {"source": record.source_name} if record.source_name else {}
            self._log.say(record.described, priority, state=record.state, **fields)
        elif isinstance(record, LiveRecord):
            name = f"{record.source_name}: " if record.source_name else ""
            self._labels[f"{name}{record.label}"] += 1
        if self._clock() - self._since >= HOUR:
            self.summarise()

    def summarise(self) -> None:
        """Write an entry about the windows since the last such entry."""
        windows = sum(self._labels.values())
        minutes = round((self._clock() - self._since) / 60)
        common = ", ".join(
            f"{n / windows:.0%} {label}" for label, n in self._labels.most_common(_MOST_LABELS)
        )
        self._log.say(
            f"{windows} windows in {minutes} min" + (f": {common}" if common else ""),
            INFO,
            windows=windows,
            gaps=self._health.gaps,
            losses=self._health.losses,
            dropped_seconds=round(self._health.dropped_seconds, 1),
            sink_failures=sum(entry.failures for entry in self._health.sinks),
        )
        self._labels.clear()
        self._since = self._clock()

    def close(self) -> None:
        """Summarise the rest."""
        self.summarise()
