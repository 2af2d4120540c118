"""HTTP POST of records: on a change of label, or for every window."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import GenreEdgeError, UsageError
from ..settings.options import check, from_pairs, option
from ..settings.section import Section
from ..text_files import read_text
from ..version import __version__
from .changes import ChangeFilter, label_of
from .kind import PlannedSink, SinkKind

if TYPE_CHECKING:
    from urllib.request import Request

    from ..records import Record

_FIRST_PAUSE = 0.5
"""Pause before the first retry, s; doubled for each further one, with jitter."""
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses worth another try."""


@dataclass(frozen=True)
class WebhookConfig:
    """Where and how to POST."""

    url: str = option("", "http:// or https://")
    every: str = option(
        "change", "POST at each change of the label, or each window", choices=("change", "window")
    )
    timeout: float = option(5.0, "longest wait for an answer, s", low=0.001)
    retries: int = option(3, "further attempts, with growing pauses", low=0, high=100)
    secret_file: Path | None = option(
        None, "file with the key of the HMAC-SHA256 in the header X-Signature-256"
    )
    token_file: Path | None = option(None, "file with a bearer token")
    headers: dict[str, str] = option({}, "further headers")
    template: str = option(
        "", "body, with the record's fields in braces, such as {label}; empty: the record as JSON"
    )

    def __post_init__(self) -> None:
        from urllib.parse import urlsplit

        check(self)
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"url {self.url}: must begin with http:// or https:// and name a host")
        _check_template(self.template)
        for path in (self.secret_file, self.token_file):
            secret_in(path)

    @property
    def host(self) -> str:
        """The host's name, for messages."""
        from urllib.parse import urlsplit

        return urlsplit(self.url).hostname or self.url


def secret_in(path: Path | None) -> str:
    """The secret in a file; empty without a file. UsageError if it cannot be read."""
    return read_text(path).strip() if path else ""


def _check_template(template: str) -> None:
    """Allow field names only: attributes and indices would reach into the program."""
    from string import Formatter

    try:
        names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise UsageError(f"template: {error}") from None
    for name in names:
        if not name.isidentifier():
            raise UsageError(f"template: {{{name}}} must be the name of a field, such as {{label}}")


def parse_webhook(text: str) -> WebhookConfig:
    """Read "URL,key=value,...", the form of --webhook. `template` takes the rest of the
    text, commas included. UsageError."""
    try:
        return WebhookConfig(**from_pairs(WebhookConfig, "url", text, last="template"))
    except UsageError as error:
        raise UsageError(f"--webhook: {error}") from None


class WebhookSink:
    """POSTs records; run it behind a BackgroundSink, whose queue holds what comes
    meanwhile."""

    def __init__(self, config: WebhookConfig, sleep: Callable[[float], None] = time.sleep) -> None:
        self._config, self._sleep = config, sleep
        self._secret = secret_in(config.secret_file).encode()
        self._token = secret_in(config.token_file)
        self._changes = ChangeFilter()

    def write(self, record: Record) -> None:
        """POST the record if it is one that is asked for. GenreEdgeError when all
        attempts failed."""
        is_change = self._changes.is_change(record)
        every_window = self._config.every == "window"
        if (label_of(record) is not None) if every_window else is_change:
            self._deliver(self._body(record))

    def close(self) -> None:
        """Nothing is held back."""

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

    def _deliver(self, body: bytes) -> None:
        import random
        import urllib.error
        import urllib.request

        trouble = ""
        for attempt in range(self._config.retries + 1):
            if attempt:
                self._sleep(_FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
            try:
                with urllib.request.urlopen(self._request(body), timeout=self._config.timeout):
                    return
            except urllib.error.HTTPError as error:
                trouble = f"HTTP {error.code}"
                error.close()
                if error.code not in _TEMPORARY:
                    break
            except (OSError, ValueError) as error:  # URLError and timeouts are OSErrors
                trouble = str(getattr(error, "reason", "") or error)
        raise GenreEdgeError(f"webhook {self._config.host}: {trouble}")

    def _request(self, body: bytes) -> Request:
        import hashlib
        import hmac
        import urllib.request

        kind = "text/plain; charset=utf-8" if self._config.template else "application/json"
        headers = {
            "Content-Type": kind,
            "User-Agent": f"genre-edge/{__version__}",
            **self._config.headers,
        }
        if self._secret:
            headers["X-Signature-256"] = (
                "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            )
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return urllib.request.Request(self._config.url, body, headers, method="POST")


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
    secrets = (secret_in(config.secret_file), secret_in(config.token_file))
    return PlannedSink(
        f"webhook {config.host}",
        (config, secrets),
        lambda context: context.in_background(WebhookSink(config)),
    )


KIND = SinkKind(SECTION, _add_flags, _read_flags, _plan)
