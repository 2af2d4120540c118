"""The places that records go to besides the screen, as the settings ask for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..health import Health, SinkHealth
from ..model.bundle_info import BundleInfo
from ..records import Record
from ..settings.settings import Settings
from ..sinks import kinds
from ..sinks.kind import PlannedSink, SinkContext
from ..sinks.sink import BoundedSink

_FILES_CLOSE_SECONDS, _LIVE_CLOSE_SECONDS = 120.0, 10.0
"""Time that a sink gets to finish, s: after the last file; and when listening ends or
the sink is replaced."""

Report = Callable[[str], None]


@dataclass(eq=False)
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
        self._leaving: dict[str, threading.Thread] = {}
        """Threads on which old sinks finish, the last of each name."""
        self.replace(settings)

    def write(self, record: Record) -> None:
        """Hand a record to each sink, in order."""
        for running in self._running:
            running.sink.write(record)

    def close(self) -> None:
        """Close all sinks at once, and wait for them."""
        for thread in self._leaving.values():
            thread.join()
        within = _LIVE_CLOSE_SECONDS if self._live else _FILES_CLOSE_SECONDS
        _close_all(self._running, within)

    def replace(self, settings: Settings) -> None:
        """Do what other settings say from now on.

        Sinks that they leave unchanged go on undisturbed. New ones take records at
        once. Old ones finish on threads of their own, so that nobody waits for them. A
        new sink begins to work when the old ones of its name have finished: they may
        use the same file.

        Raises
        ------
        UsageError
            If a sink cannot be made. Then all is as it was, after any other exception
            too.
        """
        old, new = list(self._running), list[_Running]()
        running: list[_Running] = []
        try:
            for one in list(_planned(settings)):
                kept = next((other for other in old if other.planned == one), None)
                if kept is None:
                    running.append(self._make(one))
                    new.append(running[-1])
                else:
                    running.append(kept)
                    old.remove(kept)
        except BaseException:
            for made in new:
                made.sink.close(0.0)
            raise
        self._running = running
        self._health.sinks = [one.entry for one in running]
        self._hand_over(old, new)

    def _make(self, planned: PlannedSink) -> _Running:
        entry = SinkHealth(planned.name)
        return _Running(planned, entry, planned.make(self._context(entry)))

    def _context(self, entry: SinkHealth) -> SinkContext:
        return SinkContext(
            entry=entry,
            health=self._health,
            labels=self._info.labels,
            model=self._info.name,
            report=self._report,
            wait=not self._live,
        )

    def _hand_over(self, old: list[_Running], new: list[_Running]) -> None:
        """Let the old sinks finish, and start the new ones."""
        names = {running.planned.name for running in old}
        for name in names:
            leaving = [running for running in old if running.planned.name == name]
            coming = [running for running in new if running.planned.name == name]
            before = self._leaving.get(name)
            thread = threading.Thread(
                target=self._succeed,
                args=(before, leaving, coming),
                name=f"leave {name}",
                daemon=True,
            )
            thread.start()
            self._leaving[name] = thread
        for running in new:
            if running.planned.name not in names:
                running.sink.start()

    def _succeed(
        self, before: threading.Thread | None, leaving: list[_Running], coming: list[_Running]
    ) -> None:
        """Start sinks once those before them have finished, or used up their time."""
        if before is not None:
            before.join()  # it starts those that are to leave now
        try:
            _close_all(leaving, _LIVE_CLOSE_SECONDS)
            for running in leaving:
                if running.entry.dropped:
                    name, dropped = running.planned.name, running.entry.dropped
                    self._report(f"{name}: was replaced; {dropped} records dropped")
        finally:
            for running in coming:
                running.sink.start()


def _close_all(sinks: list[_Running], within: float) -> None:
    """Close sinks, each on a thread of its own: one that hangs takes no time from the
    others."""
    threads = [
        threading.Thread(target=running.sink.close, args=(within,), daemon=True)
        for running in sinks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _planned(settings: Settings) -> Iterator[PlannedSink]:
    """In the order in which they get records. UsageError."""
    for kind in kinds.KINDS:
        for options in settings.all_of(kind.section):
            planned = kind.plan(options)
            if planned is not None:
                yield planned
