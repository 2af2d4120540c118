"""A service's records in its log: each change of state, and once an hour what the
windows were."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from ..health import Health
from ..log import HOUR, INFO, NOTICE, WARNING, Log
from ..records import LiveRecord, Record, StateRecord

_MOST_LABELS = 4


class LogSink:
    """Writes to a Log; windows are counted, never written."""

    def __init__(
        self, log: Log, health: Health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log, self._health, self._clock = log, health, clock
        self._labels: Counter[str] = Counter()
        self._since = clock()

    def write(self, record: Record) -> None:
        """Take one record."""
        if isinstance(record, StateRecord):
            well = record.state in ("listening", "starting")
            self._log.say(
                f"{record.state}: {record.reason}", NOTICE if well else WARNING, state=record.state
            )
        elif isinstance(record, LiveRecord):
            self._labels[record.label] += 1
        if self._clock() - self._since >= HOUR:
            self.summarise()

    def summarise(self) -> None:
        """One entry about the windows since the last one."""
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
        """Sum up what has not been."""
        self.summarise()
