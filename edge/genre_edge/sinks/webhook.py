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

from ..errors import GenreEdgeError
from ..records import Record
from ..version import __version__
from .changes import ChangeFilter, label_of
from .webhook_settings import WebhookConfig, content_of

_FIRST_PAUSE = 0.5
"""Seconds before the first retry; doubled for each further one, with jitter."""
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses worth another try."""


class WebhookSink:
    """POSTs records; run it behind a BackgroundSink, whose queue holds what comes
    meanwhile."""

    def __init__(self, config: WebhookConfig, sleep: Callable[[float], None] = time.sleep) -> None:
        self._config, self._sleep = config, sleep
        self._secret, self._token = (
            content_of(config.secret_file).encode(),
            content_of(config.token_file),
        )
        self._news = ChangeFilter()

    def write(self, record: Record) -> None:
        """POST it if it is one that is asked for. GenreEdgeError when all attempts
        failed."""
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
            return self._config.template.format(
                **{"label": label, "source": source, **fields}
            ).encode()
        except (KeyError, ValueError, TypeError) as error:
            raise GenreEdgeError(
                f"webhook template: no such field, or a wrong format ({error})"
            ) from None

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
            **self._config.headers,
        }
        if self._secret:
            headers["X-Signature-256"] = (
                "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            )
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return urllib.request.Request(self._config.url, body, headers, method="POST")
