"""Messages to people about what is heard, each when its rule says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import GenreEdgeError
from ..sink import StillWaiting
from .heard import Heard, Occasion
from .memory import Memory
from .message import Message, message_about
from .rule import Rule
from .send import Outcome, send
from .settings import NotifyConfig

if TYPE_CHECKING:
    from ...health import SinkHealth
    from ...records import Record

_FIRST_REST, _LONGEST_REST = 30.0, 300.0
"""Pause before a message is tried again, s; doubled each time."""
_KEEP_SECONDS = 900.0
"""A message that could not be sent for so long is old news, s."""

Send = Callable[[Sequence[str], Message, float], list[Outcome]]


@dataclass
class _Waiting:
    """A message that could not be sent yet."""

    message: Message
    urls: tuple[str, ...]
    """The addresses that have not got it."""
    since: float
    """By a clock that only increases, s."""


class NotifySink:
    """One rule at work; run it behind a BackgroundSink. A message that a server does
    not take for now is tried again, for a while and not in quiet hours."""

    def __init__(
        self,
        config: NotifyConfig,
        health: SinkHealth,
        memory: Memory,
        device: str,
        send: Send = send,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], time.struct_time] = time.localtime,
    ) -> None:
        """Go on from what is remembered.

        Parameters
        ----------
        config : NotifyConfig
            The rule.
        health : SinkHealth
            Counts messages that were given up.
        memory : Memory
            What the rules of this program remember.
        device : str
            What this device is called.
        send : callable
            Sends a message to addresses within a time, s.
        clock : callable
            Gives a time that only increases, s.
        wall : callable
            Gives the local time.
        """
        self._config, self._health, self._memory, self._device = config, health, memory, device
        self._send, self._clock, self._wall = send, clock, wall
        self._rule, self._urls = Rule(config), config.addresses()
        self._sent = memory.of(config.title)
        self._heard: Heard | None = None
        self._waiting: _Waiting | None = None
        self._next_attempt, self._rest = 0.0, _FIRST_REST

    def write(self, record: Record) -> int:
        """Take one record, and send what it is time for. StillWaiting if it failed."""
        found = self._listened().write(record, self._clock())
        return self._look([found] if found is not None else [])

    @property
    def held(self) -> int:
        """1 while a message waits or is on its way."""
        return int(self._waiting is not None)

    def tend(self) -> int:
        """Send what it is time for: a state may have lasted long enough."""
        return self._look([])

    def close(self) -> int:
        """Try once more what waits."""
        if self._heard is not None:
            self._heard.ended = self._clock()
        if self._waiting is None:
            return 0
        try:
            return self._deliver(is_last=True)
        finally:
            self._give_up()

    def _look(self, labels: Sequence[Occasion]) -> int:
        now, moment = self._clock(), self._wall()
        for occasion in (*labels, *self._listened().states(now)):
            if self._rule.wants(occasion, self._sent, now, moment):
                self._sent.note(occasion, now, moment)  # before it is sent: never twice
                self._remember()
                self._give_up()  # what is newer counts
                message = message_about(occasion, self._config.template, self._device)
                self._waiting = _Waiting(message, self._urls, now)
                return self._deliver()
        return self._deliver() if self._waiting is not None and now >= self._next_attempt else 0

    def _listened(self) -> Heard:
        """What is heard. It begins with what this rule, or another, has heard until
        now."""
        if self._heard is None:
            before = self._memory.heard_by(self._config.title)
            self._heard = Heard(self._config.pause_seconds, before)
            self._memory.heard[self._config.title] = self._heard
        return self._heard

    def _remember(self) -> None:
        try:
            self._memory.keep()
        except OSError as error:  # it is sent all the same
            told = f"{self._health.name}: cannot remember it ({error.strerror})"
            self._health.failed(told, time.time())

    def _deliver(self, is_last: bool = False) -> int:
        """Send what waits; returns 1. StillWaiting."""
        waiting, now = self._waiting, self._clock()
        assert waiting is not None
        if self._rule.is_quiet(self._wall()):
            self._give_up()
            raise StillWaiting(f"{self._health.name}: not sent before the quiet hours")
        try:
            with self._memory.turn:
                outcomes = self._send(waiting.urls, waiting.message, self._config.timeout_seconds)
        except GenreEdgeError as error:
            outcomes = [Outcome(url, str(error), False) for url in waiting.urls]
        failed = [one for one in outcomes if one.trouble]
        if not failed:
            self._waiting, self._rest = None, _FIRST_REST
            return 1
        waiting.urls = tuple(one.url for one in failed if not one.is_final)
        is_old = now - waiting.since + self._rest > _KEEP_SECONDS
        trouble = "; ".join(dict.fromkeys(f"{one.service}: {one.trouble}" for one in failed))
        if not waiting.urls or is_old or is_last:
            self._give_up()
            raise StillWaiting(f"{self._health.name}: {trouble}; given up")
        self._next_attempt = self._clock() + self._rest
        self._rest = min(_LONGEST_REST, 2 * self._rest)
        raise StillWaiting(f"{self._health.name}: {trouble}; it is tried again")

    def _give_up(self) -> None:
        """Count what waits as lost."""
        if self._waiting is not None:
            self._waiting, self._rest = None, _FIRST_REST
            self._health.dropped += 1
