"""What --webhook and the configuration's [[webhook]] set: where and how to POST."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..settings.credentials import hidden_values, without_path
from ..settings.options import check, from_pairs, option
from ..text_files import MOST_SECRET_BYTES, read_text
from .http_limits import check_address, check_header, check_token

_KEY_PREFIX = "whsec_"


@dataclass(frozen=True)
class WebhookConfig:
    """Where and how to POST."""

    url: str = option("", "http:// or https://", shown=without_path)
    every: str = option(
        "change", "POST at each change of the label, or each window", choices=("change", "window")
    )
    timeout: float = option(
        5.0, "time for the whole exchange with the server, s", low=0.001, high=600
    )
    retries: int = option(3, "further attempts, with growing pauses", low=0, high=100)
    secret_file: Path | None = option(
        None, "file with the key that signs, as Standard Webhooks define it (HMAC-SHA256)"
    )
    token_file: Path | None = option(None, "file with a bearer token")
    headers: dict[str, str] = option({}, "further headers", shown=hidden_values)
    template: str = option(
        "", "body, with the record's fields in braces, such as {label}; empty: the record as JSON"
    )

    def __post_init__(self) -> None:
        check(self)
        check_address(self.url)
        for name, value in self.headers.items():
            check_header(name, value)
        _check_template(self.template)
        key_of(secret_in(self.secret_file))
        token_in(self.token_file)

    @property
    def host(self) -> str:
        """The host's name, for messages."""
        from urllib.parse import urlsplit

        return urlsplit(self.url).hostname or ""


def secret_in(path: Path | None) -> str:
    """The secret in a file; empty without a file. UsageError if it cannot be read."""
    return read_text(path, most=MOST_SECRET_BYTES).strip() if path else ""


def token_in(path: Path | None) -> str:
    """The token in a file, which fits into a header; empty without a file.
    UsageError."""
    token = secret_in(path)
    check_token(path, token)
    return token


def _check_template(template: str) -> None:
    """Allow field names only: attributes and indices would reach into the program."""
    from string import Formatter

    try:
        fields = [(n, spec or "") for _, n, spec, _ in Formatter().parse(template) if n is not None]
    except ValueError as error:
        raise UsageError(f"template: {error}") from None
    for name, form in fields:
        if not name.isidentifier():
            raise UsageError(f"template: {{{name}}} must be the name of a field, such as {{label}}")
        if "{" in form or re.search(r"\d{4}", form):
            raise UsageError(
                f"template: {{{name}:{form}}}: a format has no field in it and no number above 999"
            )


def parse_webhook(text: str) -> WebhookConfig:
    """Read "URL,key=value,...", the form of --webhook. `template` takes the rest of the
    text, commas included. UsageError."""
    try:
        return WebhookConfig(**from_pairs(WebhookConfig, "url", text, last="template"))
    except UsageError as error:
        raise UsageError(f"--webhook: {error}") from None


def key_of(secret: str) -> bytes:
    """The key in a secret: the text itself, or what follows "whsec_", in base64."""
    if not secret.startswith(_KEY_PREFIX):
        return secret.encode()
    import base64
    import binascii

    try:
        return base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except binascii.Error:
        raise UsageError(f"the secret is not base64 after {_KEY_PREFIX}") from None
