"""The places that records go to besides the screen, as the settings ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..health import Health, SinkHealth
from ..model.bundle import BundleInfo
from ..records import Record
from ..settings.settings import Settings
from ..sinks import kinds
from ..sinks.kind import PlannedSink, SinkContext
from ..sinks.sink import BoundedSink

_FILES_CLOSE_SECONDS, _LIVE_CLOSE_SECONDS, _RELOAD_CLOSE_SECONDS = 120.0, 10.0, 3.0
"""Time that a sink gets to finish, s: after the last file, when listening ends, and
when it is replaced while audio comes (the microphone's queue holds that audio)."""

Report = Callable[[str], None]


@dataclass
class _Running:
    """A sink at work."""

    planned: PlannedSink
    entry: SinkHealth
    sink: BoundedSink


class Outputs:
    """A sink that hands each record to all sinks that the settings ask for.

    Each of them works behind a queue and a thread of its own.
    """

    def __init__(
        self, settings: Settings, health: Health, info: BundleInfo, live: bool, report: Report
    ) -> None:
        """Start the sinks.

        Parameters
        ----------
        settings : Settings
            What is asked for.
        health : Health
            Gets an entry for each sink.
        info : BundleInfo
            The model's.
        live : bool
            True for a microphone: no sink may hold it up. False for files: they wait
            for slow sinks, so that nothing is lost.
        report : callable
            Takes a line when a sink begins to fail and when it works again.

        Raises
        ------
        UsageError
            If a sink cannot be made.
        """
        self._health, self._info, self._live, self._report = health, info, live, report
        self._running: list[_Running] = []
        self.replace(settings)

    def write(self, record: Record) -> None:
        """Hand a record to each sink, in order."""
        for running in self._running:
            running.sink.write(record)

    def close(self) -> None:
        """Close each sink, the last first."""
        within = _LIVE_CLOSE_SECONDS if self._live else _FILES_CLOSE_SECONDS
        for running in reversed(self._running):
            running.sink.close(within)

    def replace(self, settings: Settings) -> None:
        """Do what other settings say from now on. Sinks that they leave unchanged go on
        undisturbed. UsageError."""
        planned = list(_planned(settings))
        kept = [running for running in self._running if running.planned in planned]
        for running in self._running:
            if running not in kept:
                running.sink.close(_RELOAD_CLOSE_SECONDS)
                self._health.sinks.remove(running.entry)
        self._running = kept
        for one in planned:
            if one not in [running.planned for running in kept]:
                self._start(one)

    def _start(self, planned: PlannedSink) -> None:
        entry = SinkHealth(planned.name)
        context = SinkContext(
            entry=entry,
            health=self._health,
            labels=self._info.labels,
            model=self._info.name,
            report=self._report,
            wait=not self._live,
        )
        self._running.append(_Running(planned, entry, planned.make(context)))
        self._health.sinks.append(entry)


def _planned(settings: Settings) -> Iterator[PlannedSink]:
    """In the order in which they get records. UsageError."""
    for kind in kinds.KINDS:
        for options in settings.all_of(kind.section):
            planned = kind.plan(options)
            if planned is not None:
                yield planned
