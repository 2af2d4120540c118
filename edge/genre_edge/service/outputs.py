"""The places that records go to besides the screen, as the settings ask for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..health import Health, SinkHealth
from ..listening_switch import ListeningSwitch
from ..model.bundle_info import BundleInfo
from ..records import Record
from ..settings.settings import Settings
from ..sinks import kinds
from ..sinks.kind import PlannedSink, SinkContext
from ..sinks.sink import BoundedSink
from ..update_board import UpdateBoard

_FILES_CLOSE_SECONDS, _LIVE_CLOSE_SECONDS = 120.0, 10.0
"""Time that a sink gets to finish, s: after the last file; and when listening ends or
the sink is replaced."""
_HURRY_SECONDS = 1.0
"""Time that a replaced sink gets once the program ends, if it had to wait for another,
s."""
_START_AGAIN_SECONDS = 1.0
"""Pause before a sink's thread is started again, where the system had no room for
it, s."""

Report = Callable[[str], None]


@dataclass(eq=False)
class _Running:
    """A sink at work."""

    planned: PlannedSink
    entry: SinkHealth
    sink: BoundedSink


@dataclass(eq=False)
class Change:
    """Another set of sinks, made but not yet used."""

    running: list[_Running]
    """All of them, in the order in which they get records."""
    new: list[_Running]
    """Those that did not run before."""
    old: list[_Running]
    """Those that run now and will not."""
    info: BundleInfo
    """The model whose records they will get."""
    decided: threading.Event = field(default_factory=threading.Event)
    """Set once it is known whether the change takes place."""
    takes_place: bool = False

    def give_up(self) -> None:
        """Close what was made."""
        self.decided.set()
        for made in self.new:
            made.sink.close(0.0)


class Outputs:
    """A sink that hands each record to all sinks that the settings ask for.

    Each of them works behind a queue and a thread of its own.
    """

    def __init__(
        self,
        settings: Settings,
        health: Health,
        info: BundleInfo,
        live: bool,
        report: Report,
        switch: ListeningSwitch | None = None,
        updates: UpdateBoard | None = None,
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
        switch : ListeningSwitch or None
            Whether people let the program listen; None for files.
        updates : UpdateBoard or None
            What is known of updates; None where there are none.

        Raises
        ------
        UsageError
            If a sink cannot be made.
        """
        self._health, self._info, self._live, self._report = health, info, live, report
        self._close_seconds = _LIVE_CLOSE_SECONDS if live else _FILES_CLOSE_SECONDS
        self._running: list[_Running] = []
        self._leaving: dict[str, threading.Thread] = {}
        """Threads on which old sinks finish, the last of each name."""
        self._is_closing = threading.Event()
        self._kept: dict[str, Any] = {}
        self._switch, self._updates = switch, updates
        self.replace(settings)

    def write(self, record: Record) -> None:
        """Hand a record to each sink, in order."""
        for running in self._running:
            running.sink.write(record)

    def close(self) -> None:
        """Close all sinks at once, and wait for them. One that waits for another of its
        name to finish waits no longer than that one has."""
        self._is_closing.set()

        def close(running: _Running) -> None:
            before = self._leaving.get(running.planned.name)
            if before is not None:
                before.join(_LIVE_CLOSE_SECONDS)
            running.sink.close(self._close_seconds)

        end = time.monotonic() + _LIVE_CLOSE_SECONDS
        _at_once([partial(close, running) for running in self._running])
        for thread in self._leaving.values():
            thread.join(max(0.0, end - time.monotonic()))

    def hurry(self) -> None:
        """Have `close` wait for a short time only."""
        self._close_seconds = _LIVE_CLOSE_SECONDS

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
        self.apply(self.prepare(settings))

    def prepare(self, settings: Settings, info: BundleInfo | None = None) -> Change:
        """Make what other settings ask for, or another model, and does not run yet.
        This may take a while, and disturbs nobody.

        Parameters
        ----------
        settings : Settings
            What is asked for.
        info : BundleInfo or None
            The model whose records will come; None: the one whose do now.

        Raises
        ------
        UsageError
            If a sink cannot be made.
        """
        if self._is_closing.is_set():
            return Change(list(self._running), [], [], info or self._info)
        change = Change([], [], list(self._running), info or self._info)
        try:
            for one in list(_planned(settings, change.info)):
                kept = next((other for other in change.old if other.planned == one), None)
                if kept is None:
                    change.running.append(self._make(one, settings, change.info))
                    change.new.append(change.running[-1])
                else:
                    change.running.append(kept)
                    change.old.remove(kept)
        except BaseException:
            change.give_up()
            raise
        return change

    def apply(self, change: Change) -> None:
        """Use those sinks from now on. Takes no time. If it cannot be done, all is as
        it was."""
        try:
            leaving = self._hand_over(change)
        except BaseException:
            change.give_up()
            raise
        self._leaving |= leaving
        self._running, self._info = change.running, change.info
        self._health.sinks = [one.entry for one in change.running]
        change.takes_place = True
        change.decided.set()

    def _make(self, planned: PlannedSink, settings: Settings, info: BundleInfo) -> _Running:
        entry = SinkHealth(planned.name)
        return _Running(planned, entry, planned.make(self._context(entry, settings, info)))

    def _context(self, entry: SinkHealth, settings: Settings, info: BundleInfo) -> SinkContext:
        web = settings.web
        return SinkContext(
            entry=entry,
            health=self._health,
            labels=info.labels,
            model=info.name,
            report=self._report,
            wait=not self._live,
            window_seconds=_window_seconds(settings, info),
            sensors=settings.listen.sensors,
            page=f"http://{_in_address(web.host)}:{web.port}" if web.enabled and web.port else "",
            switch=self._switch,
            updates=self._updates,
            kept=self._kept,
        )

    def _hand_over(self, change: Change) -> dict[str, threading.Thread]:
        """Start the new sinks, and a thread for each name on which old ones will
        finish."""
        names = {running.planned.name for running in change.old}
        threads: dict[str, threading.Thread] = {}
        for name in names:
            threads[name] = threading.Thread(
                target=self._succeed,
                args=(change, name, self._leaving.get(name)),
                name=f"leave {name}",
                daemon=True,
            )
            threads[name].start()
        for running in change.new:
            if running.planned.name not in names:
                running.sink.start()
        return threads

    def _succeed(self, change: Change, name: str, before: threading.Thread | None) -> None:
        """Start sinks once those of their name before them have finished, or used up
        their time."""
        change.decided.wait()
        if not change.takes_place:
            return
        leaving = [running for running in change.old if running.planned.name == name]
        coming = [running for running in change.new if running.planned.name == name]
        if before is not None:
            before.join()  # it starts those that are to leave now
        is_late = before is not None and self._is_closing.is_set()
        within = _HURRY_SECONDS if is_late else _LIVE_CLOSE_SECONDS
        try:
            _at_once([partial(one.sink.close, within) for one in leaving])
            for running in leaving:
                if running.entry.dropped:
                    dropped = running.entry.dropped
                    self._report(f"{name}: was replaced; {dropped} records dropped")
        finally:
            for running in coming:
                _start(running)


def _in_address(host: str) -> str:
    """A host as an address has it."""
    return f"[{host}]" if ":" in host else host


def _start(running: _Running) -> None:
    """Start a sink, again until there is room for its thread."""
    while True:
        try:
            running.sink.start()
            break
        except RuntimeError as error:  # can't start new thread
            running.entry.stopped = f"{running.planned.name}: cannot be started: {error}"
            time.sleep(_START_AGAIN_SECONDS)
    running.entry.stopped = ""


def _at_once(calls: list[Callable[[], None]]) -> None:
    """Make calls, each on a thread of its own: one that hangs takes no time from the
    others. Where no thread can be started, a call is made on this one."""
    threads = []
    for call in calls:
        thread = threading.Thread(target=call, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # can't start new thread
            call()
        else:
            threads.append(thread)
    for thread in threads:
        thread.join()


def _window_seconds(settings: Settings, info: BundleInfo) -> float:
    """Time between two windows, or the length of one where that is longer, s."""
    window = info.frontend.window_seconds
    return max(window, settings.model.hop_seconds or window)


def _planned(settings: Settings, info: BundleInfo) -> Iterator[PlannedSink]:
    """In the order in which they get records. UsageError."""
    for kind in kinds.KINDS:
        for options in settings.all_of(kind.section):
            planned = kind.plan(options)
            if planned is None:
                continue
            if planned.tells_sensors:
                made_from = (planned.made_from, settings.listen.sensors)
                planned = replace(planned, made_from=made_from)
            if planned.tells_model:
                told = (info.name, info.labels, _window_seconds(settings, info))
                planned = replace(planned, made_from=(planned.made_from, told))
            yield planned
