"""One message to a webhook: its body, its signature, and the attempts to deliver it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import GenreEdgeError
from ..records import valid_utf8
from ..version import __version__
from .webhook_settings import WebhookConfig, key_of, secret_in, token_in

_FIRST_PAUSE = 0.5
"""Pause before the first retry, s; doubled for each further one, with jitter."""
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses worth another try."""


@dataclass(frozen=True)
class Message:
    """What is sent, the same in every attempt."""

    id: str
    """Lets the endpoint know it again."""
    body: bytes
    """What is sent."""


class Delivery:
    """Sends messages to one webhook."""

    def __init__(self, config: WebhookConfig, sleep: Callable[[float], object]) -> None:
        """Read the secrets.

        Parameters
        ----------
        config : WebhookConfig
            Where and how to POST.
        sleep : callable
            Waits between two attempts, s.
        """
        self._config, self._sleep = config, sleep
        self._secret = key_of(secret_in(config.secret_file))
        self._token = token_in(config.token_file)

    def body(self, fields: Mapping[str, Any], **more: str) -> bytes:
        """The body that tells of something: JSON, or what the template makes of it.

        Parameters
        ----------
        fields : mapping
            What there is to tell, as JSON has it.
        **more
            Further fields for the template, if `fields` lacks them.

        Raises
        ------
        GenreEdgeError
            If the template asks for what is not there.
        """
        if not self._config.template:
            return valid_utf8(json.dumps(fields, ensure_ascii=False)).encode()
        try:
            return valid_utf8(self._config.template.format(**{**more, **fields})).encode()
        except (KeyError, ValueError, TypeError) as error:
            raise GenreEdgeError(
                f"webhook template: no such field, or a wrong format ({error})"
            ) from None

    def deliver(self, message: Message) -> tuple[str, bool]:
        """Send a message, in several attempts if need be.

        Returns
        -------
        trouble : str
            What went wrong; "" if the server has taken it.
        is_final : bool
            Whether the server has refused this message.
        """
        import random

        trouble = ""
        for attempt in range(self._config.retries + 1):
            if attempt:
                self._sleep(_FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
            trouble, is_final = self._attempt(message)
            if not trouble or is_final:
                return trouble, is_final
        return trouble, False

    def _attempt(self, message: Message) -> tuple[str, bool]:
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

    def _headers(self, message: Message) -> dict[str, str]:
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
