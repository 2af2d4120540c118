"""The collector: from the broker into the database, each row once.

A message is acknowledged after its row is committed. What goes wrong in between is sent
again by the broker, and the database refuses a second row of the same id.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

from ..clock_sync import is_clock_synchronised
from ..errors import GenreEdgeError
from .batch import Batch, DeadLetter, Incoming, sort_out
from .months import AHEAD_SECONDS, Believed, month_of, months_before
from .receiver import Receiver
from .store import Away, Refused, Store
from .writing import Written, forget_old, write

MOST_ROWS = 2000
"""Messages of one transaction."""
GATHER_SECONDS = 0.5
"""How long a transaction waits for more of them, s."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Pause before a new attempt to reach the database, s: doubled each time."""
_QUIET_SECONDS = 2.0
"""After so long without a message nothing waits at the broker any more, s."""
_TEND_SECONDS = 3600.0
"""Time between two looks at partitions and at what is too old, s."""
_CLOCK_SECONDS = 600.0
"""So long after the start this machine's clock may not be set yet, s."""
_HUSH_SECONDS = 60.0
"""A broker that has sent nothing for so long after the start may never do, s: it does
not say what a user may not read."""
_DRAIN_SECONDS = 30.0
"""Longest time for the last rows when it is told to stop, s."""


def _kind(trouble: str) -> str:
    """What is wrong, without the numbers of files and processes."""
    return re.sub(r"[0-9]+", "", trouble)


@dataclass
class Tally:
    """What has happened since the start, and since the last status line."""

    written: Written = field(default_factory=Written)
    """In all."""
    ignored: int = 0
    """Messages that are fine and of no interest, in all."""
    rows: int = 0
    """New rows since the last line."""
    lag: float | None = None
    """Longest time from what a message tells until its commit since then, s: of the
    latest message of each transaction."""
    since: float = field(default_factory=time.monotonic)
    """When the last line was made (monotonic)."""

    def line(self, waiting: int) -> str:
        """The status line; begins a new interval."""
        now = time.monotonic()
        rate = self.rows / max(now - self.since, 1e-6)
        lag = "no rows" if self.lag is None else f"lag {self.lag:.1f} s"
        done = self.written
        self.rows, self.lag, self.since = 0, None, now
        return (
            f"{rate:.1f} rows/s, {lag}, {waiting} waiting, {done.stretches} stretches, "
            f"{done.windows} windows, {done.duplicates} seen before, {done.quarantined} in "
            f"quarantine, {done.letters} dead letters"
        )


class Collector:
    """Writes what a receiver takes in."""

    def __init__(
        self,
        receiver: Receiver,
        store: Store,
        prefix: str,
        believed: Believed,
        report: Callable[[str], None],
    ) -> None:
        """Put it together.

        Parameters
        ----------
        receiver : Receiver
            A started one.
        store : Store
            The database, migrated; opened again when it has been away.
        prefix : str
            What all topics begin with.
        believed : Believed
            Which times of rows are, and what is kept.
        report : callable
            Takes a line when the database is lost, and when it is back.
        """
        self._receiver, self._store, self._prefix = receiver, store, prefix
        self._believed, self._report = believed, report
        self.tally = Tally()
        self.trouble = ""
        """Why the database cannot be used; empty while it can."""
        self._pending: list[Incoming] = []
        self._pause = _FIRST_PAUSE
        self._next_attempt = self._next_tending = 0.0
        self._clock_until = time.monotonic() + _CLOCK_SECONDS
        self._hush_until: float | None = time.monotonic() + _HUSH_SECONDS
        """When it is told that nothing has come; None: something has, or it is told."""

    @property
    def waiting(self) -> int:
        """Messages that are not yet in the database."""
        return len(self._pending) + self._receiver.waiting

    def run(self, stop: Event, once: bool, beat: Callable[[Collector], None]) -> None:
        """Collect until it is told to stop.

        Parameters
        ----------
        stop : Event
            Ends it; what has been received is still written.
        once : bool
            Whether it ends when nothing comes any more.
        beat : callable
            Called about twice a second.

        Raises
        ------
        GenreEdgeError
            If another collector has taken the session, or the database is not such as
            this version uses; with `once` also if broker or database cannot be reached.
        """
        while not stop.is_set():
            self._step(GATHER_SECONDS)
            beat(self)
            if self._receiver.taken_over:
                raise GenreEdgeError(
                    f"another collector is connected as {self._receiver.session}: give each "
                    "another name (mqtt://BROKER,name=...) or part (--part 1/2)"
                )
            if once and (self.trouble or self._receiver.trouble):
                raise GenreEdgeError(self.trouble or f"broker: {self._receiver.trouble}")
            if once and self._is_quiet():
                return
        end = time.monotonic() + _DRAIN_SECONDS
        while self.waiting and not self.trouble and time.monotonic() < end:
            self._step(0.0)

    def _is_quiet(self) -> bool:
        since = time.monotonic() - self._receiver.last_message
        return self._receiver.is_ready and not self.waiting and since > _QUIET_SECONDS

    def _step(self, wait: float) -> None:
        """Take messages and write them; those that could not be written are kept."""
        room = MOST_ROWS - len(self._pending)
        self._pending += self._receiver.take(room, wait) if room > 0 else []
        if room <= 0:
            time.sleep(wait)
        self._check_hush()
        if time.monotonic() < self._next_attempt:
            return
        try:
            if self.trouble:
                self._store.open()
                self._store.migrate()  # it may be another one now
            self._tend()
            while self._pending:
                self._write(self._pending[:MOST_ROWS])
        except Away as error:
            self._lost(str(error))
            return
        if self.trouble:
            self._report(f"{self._store.shown}: works again")
        self.trouble, self._pause = "", _FIRST_PAUSE

    def _check_hush(self) -> None:
        """Say once that nothing at all comes, though there is a broker."""
        if self._pending:
            self._hush_until = None
        elif self._hush_until is not None and (
            self._receiver.is_ready and time.monotonic() >= self._hush_until
        ):
            self._hush_until = None
            self._report(
                f"nothing has come from {self._prefix}/# yet: do devices publish there (the "
                "address ends with the same), and may this user read it?"
            )

    def _lost(self, trouble: str) -> None:
        if _kind(trouble) != _kind(self.trouble):
            self._report(f"{trouble}; trying again")
        self.trouble = trouble
        self._next_attempt = time.monotonic() + self._pause * random.uniform(0.5, 1.0)
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause)

    def _tend(self) -> None:
        """Make next month's partitions, and delete what is too old, now and then."""
        if time.monotonic() < self._next_tending:
            return
        now = time.time()
        month = month_of(now)
        self._store.ready_months([month, months_before(month, -1)])
        try:
            forget_old(self._store, self._believed, now)
        except Away as error:  # what is new matters more; a lost connection shows at once
            hint = "(the rights for --keep-months: genre-edge collect --roles)"
            self._report(f"{error}; what is too old stays for now {hint}")
        self._next_tending = time.monotonic() + _TEND_SECONDS

    def _write(self, messages: Sequence[Incoming]) -> None:
        """Write, acknowledge and forget the oldest. Where the database refuses rows,
        half of them are tried, down to the one that it refuses: that is a dead
        letter."""
        now = time.time()
        batch = sort_out(messages, self._prefix, self._believed, now)
        self._check_clock(batch, now)
        try:
            done = write(self._store, batch, now)
        except Refused as error:
            if len(messages) > 1:
                half = len(messages) // 2
                self._write(messages[:half])
                self._write(messages[half:])
                return
            (one,) = messages
            letter = DeadLetter(one.topic, one.payload, str(error), one.received)
            batch = Batch(letters=[letter])
            done = write(self._store, batch, now)
        # A packet's number means another message once it has been acknowledged.
        del self._pending[: len(messages)]
        self._receiver.acknowledge(messages)
        self._count(batch, done)

    def _check_clock(self, batch: Batch, now: float) -> None:
        """Away while rows seem to be of the future because the clock of this machine is
        not set yet: one without a battery starts where it stopped."""
        ahead = any(row.ended > now + AHEAD_SECONDS for row in batch.quarantined)
        if ahead and time.monotonic() < self._clock_until and is_clock_synchronised() is False:
            raise Away(
                "rows are of the future, and this machine's clock is not set by NTP yet: waiting "
                f"for it, {_CLOCK_SECONDS / 60:g} minutes at most"
            )

    def _count(self, batch: Batch, done: Written) -> None:
        self.tally.written.add(done)
        self.tally.ignored += batch.ignored
        self.tally.rows += done.stretches + done.windows
        if batch.latest is not None:
            self.tally.lag = max(self.tally.lag or 0.0, time.time() - batch.latest)
