"""A program that looks at a fleet again and again, and tells what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Protocol

from ..errors import GenreEdgeError
from .alert import Alert
from .alert_memory import AlertMemory
from .alert_watch import Watch
from .device_rows import DeviceRow
from .open_store import check_version
from .reading import all_devices
from .store import Store


class Teller(Protocol):
    """Tells somebody of alerts, on a thread of its own."""

    name: str
    """By which it is known after a restart."""
    trouble: str
    """Why alerts are not taken; empty while they are."""

    def start(self, memory: AlertMemory) -> None:
        """Start the thread, which tells what waits in `memory`."""

    def show(self, on: list[Alert]) -> None:
        """Set all that is wrong now."""

    def stop(self) -> None:
        """End the thread."""


class Reader:
    """Reads all devices, and opens the database again when it has been away."""

    def __init__(self, store: Store) -> None:
        """Prepare; nothing is opened yet."""
        self._store, self._is_open = store, False
        self.trouble = ""
        """Why the database cannot be read; empty while it can."""

    def rows(self) -> list[DeviceRow] | None:
        """All devices; None if they cannot be read."""
        try:
            return self.read()
        except GenreEdgeError as error:
            self.trouble = str(error)
            self.close()
            return None

    def read(self) -> list[DeviceRow]:
        """All devices. GenreEdgeError if they cannot be read."""
        if not self._is_open:
            self._store.open()
            self._is_open = True
            check_version(self._store)
        found = all_devices(self._store)
        self.trouble = ""
        return found

    def close(self) -> None:
        """Close the database."""
        self._store.close()
        self._is_open = False


class AlertProgram:
    """Looks, remembers and has others told."""

    def __init__(
        self,
        reader: Reader,
        watch: Watch,
        memory: AlertMemory,
        tellers: Sequence[Teller],
        say: Callable[[Alert], None],
        report: Callable[[str], None],
    ) -> None:
        """Put it together.

        Parameters
        ----------
        reader : Reader
            Of the database.
        watch : Watch
            That of what `memory` knows.
        memory : AlertMemory
            The file.
        tellers : sequence of Teller
            Those that `memory` has been made for.
        say : callable
            Takes each alert, too.
        report : callable
            Takes a line when the database is lost, and when it is back.
        """
        self._reader, self._watch, self._memory = reader, watch, memory
        self._tellers, self._say, self._report = tellers, say, report
        self._reported, self._has_looked = "", False

    @property
    def status(self) -> str:
        """How many alerts are on, and wait to be told, in one line."""
        waiting = sum(len(self._memory.waiting(one.name)) for one in self._tellers)
        return f"{len(self._watch.known.on)} alerts, {waiting} to be told"

    @property
    def trouble(self) -> str:
        """What does not work, in one line; empty if all does."""
        found = [self._reader.trouble, *(one.trouble for one in self._tellers)]
        return "; ".join(one for one in found if one)

    def run(self, stop: Event, every: float, beat: Callable[[AlertProgram], None]) -> None:
        """Look until it is told to stop.

        Parameters
        ----------
        stop : Event
            Ends it; what nobody has taken yet waits in the file.
        every : float
            Time between two looks, s.
        beat : callable
            Called at least once a second.
        """
        for teller in self._tellers:
            teller.start(self._memory)
        try:
            while not stop.is_set():
                self._look()
                end = time.monotonic() + every
                while not stop.is_set() and (left := end - time.monotonic()) > 0:
                    beat(self)
                    stop.wait(min(left, 1.0))
        finally:
            for teller in self._tellers:
                teller.stop()
            self._memory.close()
            self._reader.close()

    def _look(self) -> None:
        rows = self._reader.rows()
        if self._reader.trouble != self._reported:
            self._report(
                f"{self._reader.trouble}; trying again"
                if self._reader.trouble
                else "the database can be read again"
            )
            self._reported = self._reader.trouble
        if rows is not None and not self._has_looked:
            self._report(f"watching {len(rows)} devices")
            self._has_looked = True
        alerts = self._watch.look(rows, time.time(), self._reader.trouble)
        self._memory.keep(alerts)
        for alert in alerts:
            self._say(alert)
        on = list(self._watch.known.on.values())
        for teller in self._tellers:
            teller.show(on)
