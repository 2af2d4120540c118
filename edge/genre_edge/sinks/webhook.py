"""HTTP POST of records: on a change of label, or for every window."""

from __future__ import annotations

import argparse
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..settings.section import Section
from .background import BackgroundSink
from .changes import ChangeFilter, label_of
from .kind import PlannedSink, SinkContext, SinkKind
from .sink import StillWaiting
from .webhook_settings import WebhookConfig, parse_webhook, secret_in, token_in

if TYPE_CHECKING:
    from ..health import SinkHealth
    from ..records import Record
    from .webhook_delivery import Message

_FIRST_REST, _LONGEST_REST = 30.0, 900.0
"""Pause after all attempts failed, s; doubled each time."""


class WebhookSink:
    """POSTs records; run it behind a BackgroundSink, whose queue holds what comes
    meanwhile. The latest that could not be delivered is tried again later."""

    def __init__(
        self,
        config: WebhookConfig,
        sleep: Callable[[float], None] = time.sleep,
        health: SinkHealth | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the secrets.

        Parameters
        ----------
        config : WebhookConfig
            Where and how to POST.
        sleep : callable
            Waits between two attempts, s.
        health : SinkHealth or None
            Counts what a newer record has replaced before it could be delivered.
        clock : callable
            Gives a time that only increases, s.
        """
        from .webhook_delivery import Delivery

        self._config, self._health, self._clock = config, health, clock
        self._delivery = Delivery(config, sleep)
        self._changes = ChangeFilter()
        self._waiting: Message | None = None
        self._next_attempt, self._pause = 0.0, _FIRST_REST

    def write(self, record: Record) -> int:
        """POST the record if it is one that is asked for, or one that waits.
        StillWaiting when all attempts failed."""
        from .webhook_delivery import Message

        is_change = self._changes.is_change(record)
        every_window = self._config.every == "window"
        if (label_of(record) is not None) if every_window else is_change:
            message = Message(f"msg_{uuid.uuid4().hex}", self._body(record))
            if self._waiting is not None and self._health is not None:
                self._health.dropped += 1  # what is newer counts
            self._waiting = message
            return self._deliver()
        return self.tend()

    @property
    def held(self) -> int:
        """1 while a message waits or is on its way."""
        return int(self._waiting is not None)

    def tend(self) -> int:
        """Try again what waits, when it is time."""
        if self._waiting is None or self._clock() < self._next_attempt:
            return 0
        return self._deliver()

    def close(self) -> int:
        """Try once more what waits."""
        if self._waiting is None:
            return 0
        try:
            return self._deliver()
        except StillWaiting:
            self._waiting = None
            if self._health is not None:
                self._health.dropped += 1
            raise

    def _body(self, record: Record) -> bytes:
        source, label = label_of(record) or ("", "")
        return self._delivery.body(record.to_json(), label=label, source=source)

    def _deliver(self) -> int:
        """Send what waits; returns 1."""
        assert self._waiting is not None
        trouble, _ = self._delivery.deliver(self._waiting)
        if not trouble:
            self._waiting, self._pause = None, _FIRST_REST
            return 1
        self._next_attempt = self._clock() + self._pause
        self._pause = min(_LONGEST_REST, 2 * self._pause)
        raise StillWaiting(f"webhook {self._config.host}: {trouble}")


SECTION = Section(
    "webhook",
    WebhookConfig,
    "HTTP POST",
    repeated=True,
    examples={
        "url": "https://example.org/now-playing",
        "secret_file": "~/.config/genre-edge/secret",
        "token_file": "~/.config/genre-edge/token",
        "headers": {"X-Room": "kitchen"},
        "template": "now: {label} ({confidence:.0%})",
    },
    flag="--webhook",
)


def _add_flags(group: Any) -> None:
    group.add_argument(
        "--webhook",
        action="append",
        default=[],
        metavar="URL[,KEY=VALUE]",
        help="POST there when the label changes; may be repeated. Keys: every=change|window, "
        "timeout=, retries=, secret-file= (HMAC-SHA256), token-file= (bearer), header=NAME:VALUE, "
        "template=TEXT",
    )


def _read_flags(args: argparse.Namespace) -> list[dict[str, Any]]:
    return [asdict(parse_webhook(text)) for text in args.webhook]


def _plan(config: WebhookConfig) -> PlannedSink:
    secrets = (secret_in(config.secret_file), token_in(config.token_file))

    def make(context: SinkContext) -> BackgroundSink:
        return context.in_background(WebhookSink(config, health=context.entry))

    return PlannedSink(f"webhook {config.host}", (config, secrets), make)


KIND = SinkKind(SECTION, _add_flags, _read_flags, _plan)
