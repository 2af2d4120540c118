"""HTTP POST of records: on a change of label, or for every window."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import urlsplit

from ..errors import GenreEdgeError, UsageError
from ..records import Record
from ..version import __version__
from .change import ChangeFilter, label_of

_KEYS = ("every", "timeout", "retries", "secret-file", "token-file", "header", "template")
_FIRST_PAUSE = 0.5
"""Seconds before the first retry; doubled for each further one, with jitter."""
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses worth another try."""


@dataclass(frozen=True)
class WebhookConfig:
    """Where and how to POST."""

    url: str
    """http:// or https://"""
    every: str = "change"
    """"change" (of the label) or "window"."""
    timeout: float = 5.0
    """Seconds for one attempt."""
    retries: int = 3
    """Further attempts."""
    secret: bytes = b""
    """Key of the HMAC-SHA256 in the header X-Signature-256; empty: none."""
    token: str = ""
    """Bearer token; empty: none."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers."""
    template: str = ""
    """Body, with the record's fields in braces as str.format has them; empty: the record as JSON."""

    @property
    def host(self) -> str:
        """For people."""
        return urlsplit(self.url).hostname or self.url


def parse_webhook(text: str) -> WebhookConfig:
    """ "URL,key=value,..." as --webhook takes it. UsageError. `template` takes the rest of the text, commas included."""
    text, mark, template = text.partition(",template=")
    url, *pairs = text.split(",")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UsageError(f"--webhook {url}: must begin with http:// or https:// and name a host")
    values: dict[str, Any] = {"template": template} if mark else {}
    headers: list[tuple[str, str]] = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if key not in _KEYS or not equals:
            raise UsageError(f"--webhook: {pair} is none of {', '.join(f'{k}=' for k in _KEYS)}")
        if key == "header":
            name, _, content = value.partition(":")
            headers.append((name.strip(), content.strip()))
        else:
            values |= _value(key, value)
    _check_template(values.get("template", ""))
    return WebhookConfig(url, headers=tuple(headers), **values)


def _value(key: str, text: str) -> dict[str, Any]:
    if key == "every":
        if text not in ("change", "window"):
            raise UsageError(f"--webhook: every={text} must be change or window")
        return {"every": text}
    if key in ("timeout", "retries"):
        try:
            number = float(text) if key == "timeout" else int(text)
        except ValueError:
            number = -1
        if number < 0 or (key == "timeout" and number == 0):
            raise UsageError(f"--webhook: {key}={text} must be a number above 0")
        return {key: number}
    try:
        content = Path(text).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"--webhook: {key}={text}: {error.strerror}") from None
    return {"secret": content.encode()} if key == "secret-file" else {"token": content}


def _check_template(template: str) -> None:
    """Field names only: no attributes and no indices, which would reach into the program."""
    try:
        names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise UsageError(f"--webhook: template: {error}") from None
    for name in names:
        if not name.isidentifier():
            raise UsageError(
                f"--webhook: template: {{{name}}} must be the name of a field, such as {{label}}"
            )


class WebhookSink:
    """POSTs records; run it behind a BackgroundSink, whose queue holds what comes meanwhile."""

    def __init__(self, config: WebhookConfig, sleep: Callable[[float], None] = time.sleep) -> None:
        self._config, self._sleep = config, sleep
        self._news = ChangeFilter()

    def write(self, record: Record) -> None:
        """POST it if it is one that is asked for. GenreEdgeError when all attempts failed."""
        news = self._news.is_change(record)
        wanted = label_of(record) is not None if self._config.every == "window" else news
        if wanted:
            self._deliver(self._body(record))

    def close(self) -> None:
        """Nothing is held back."""

    def _body(self, record: Record) -> bytes:
        fields = record.to_json()
        if not self._config.template:
            return json.dumps(fields, ensure_ascii=False).encode()
        source, label = label_of(record) or ("", "")
        try:
            return self._config.template.format(**{"label": label, "source": source, **fields}).encode()
        except (KeyError, ValueError, TypeError) as error:
            raise GenreEdgeError(f"webhook template: no such field, or a wrong format ({error})") from None

    def _deliver(self, body: bytes) -> None:
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

    def _request(self, body: bytes) -> urllib.request.Request:
        kind = "text/plain; charset=utf-8" if self._config.template else "application/json"
        headers = {
            "Content-Type": kind,
            "User-Agent": f"genre-edge/{__version__}",
            **dict(self._config.headers),
        }
        if self._config.secret:
            headers["X-Signature-256"] = (
                "sha256=" + hmac.new(self._config.secret, body, hashlib.sha256).hexdigest()
            )
        if self._config.token:
            headers["Authorization"] = f"Bearer {self._config.token}"
        return urllib.request.Request(self._config.url, body, headers, method="POST")
