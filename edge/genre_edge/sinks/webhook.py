"""HTTP POST of records: on a change of label, or for every window."""

from __future__ import annotations

import argparse
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import GenreEdgeError
from ..settings.section import Section
from ..version import __version__
from .background import BackgroundSink
from .changes import ChangeFilter, label_of
from .kind import PlannedSink, SinkContext, SinkKind
from .sink import StillWaiting
from .webhook_settings import WebhookConfig, key_of, parse_webhook, secret_in, token_in

if TYPE_CHECKING:
    from ..health import SinkHealth
    from ..records import Record

_FIRST_PAUSE = 0.5
"""Pause before the first retry, s; doubled for each further one, with jitter."""
_FIRST_REST, _LONGEST_REST = 30.0, 900.0
"""Pause after all attempts failed, s; doubled each time."""
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses worth another try."""


@dataclass(frozen=True)
class _Message:
    """What is sent, the same in every attempt."""

    id: str
    """Lets the endpoint know it again."""
    body: bytes


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
        self._config, self._sleep, self._health, self._clock = config, sleep, health, clock
        self._secret = key_of(secret_in(config.secret_file))
        self._token = token_in(config.token_file)
        self._changes = ChangeFilter()
        self._waiting: _Message | None = None
        self._next_attempt, self._pause = 0.0, _FIRST_REST

    def write(self, record: Record) -> int:
        """POST the record if it is one that is asked for, or one that waits.
        StillWaiting when all attempts failed."""
        is_change = self._changes.is_change(record)
        every_window = self._config.every == "window"
        if (label_of(record) is not None) if every_window else is_change:
            message = _Message(f"msg_{uuid.uuid4().hex}", self._body(record))
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
        from ..records import valid_utf8

        fields = record.to_json()
        if not self._config.template:
            return valid_utf8(json.dumps(fields, ensure_ascii=False)).encode()
        source, label = label_of(record) or ("", "")
        try:
            return valid_utf8(
                self._config.template.format(**{"label": label, "source": source, **fields})
            ).encode()
        except (KeyError, ValueError, TypeError) as error:
            raise GenreEdgeError(
                f"webhook template: no such field, or a wrong format ({error})"
            ) from None

    def _deliver(self) -> int:
        """Send what waits; returns 1."""
        import random

        assert self._waiting is not None
        trouble = ""
        for attempt in range(self._config.retries + 1):
            if attempt:
                self._sleep(_FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
            trouble, is_final = self._attempt(self._waiting)
            if not trouble:
                self._waiting, self._pause = None, _FIRST_REST
                return 1
            if is_final:
                break
        self._next_attempt = self._clock() + self._pause
        self._pause = min(_LONGEST_REST, 2 * self._pause)
        raise StillWaiting(f"webhook {self._config.host}: {trouble}")

    def _attempt(self, message: _Message) -> tuple[str, bool]:
        """What went wrong, "" if nothing did, and whether another attempt is
        useless."""
        from .http_post import PostError, post

        try:
            headers = self._headers(message)
            answer = post(self._config.url, message.body, headers, self._config.timeout)
        except PostError as error:
            return str(error), False
        if 200 <= answer.status < 300:
            return "", True
        if answer.moved_to:
            new = answer.moved_to
            return f"HTTP {answer.status}: the address is now {new}; nothing was sent there", True
        return f"HTTP {answer.status}", answer.status not in _TEMPORARY

    def _headers(self, message: _Message) -> dict[str, str]:
        """Source: https://www.standardwebhooks.com, "webhook-id" and so on."""
        import base64
        import hashlib
        import hmac

        kind = "text/plain; charset=utf-8" if self._config.template else "application/json"
        now = str(int(time.time()))
        headers = {
            "Content-Type": kind,
            "User-Agent": f"genre-edge/{__version__}",
            **self._config.headers,
            "webhook-id": message.id,
            "webhook-timestamp": now,
        }
        if self._secret:
            signed = f"{message.id}.{now}.".encode() + message.body
            signature = hmac.new(self._secret, signed, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(signature).decode()}"
            # The header of 0.1, for one version more.
            old = hmac.new(self._secret, message.body, hashlib.sha256).hexdigest()
            headers["X-Signature-256"] = f"sha256={old}"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers


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
