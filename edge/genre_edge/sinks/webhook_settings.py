"""What --webhook and the configuration's [[webhook]] say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit

from ..errors import UsageError
from ..settings.options import check, from_pairs, option


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
        check(self)
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise UsageError(f"url {self.url}: must begin with http:// or https:// and name a host")
        _check_template(self.template)
        for path in (self.secret_file, self.token_file):
            content_of(path)

    @property
    def host(self) -> str:
        """For people."""
        return urlsplit(self.url).hostname or self.url


def content_of(path: Path | None) -> str:
    """A secret's file; empty without one. UsageError."""
    try:
        return path.read_text(encoding="utf-8").strip() if path else ""
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def parse_webhook(text: str) -> WebhookConfig:
    """ "URL,key=value,..." as --webhook takes it. UsageError. `template` takes the rest
    of the text, commas included."""
    try:
        return WebhookConfig(**from_pairs(WebhookConfig, "url", text, last="template"))
    except UsageError as error:
        raise UsageError(f"--webhook: {error}") from None


def _check_template(template: str) -> None:
    """Field names only: no attributes and no indices, which would reach into the
    program."""
    try:
        names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise UsageError(f"template: {error}") from None
    for name in names:
        if not name.isidentifier():
            raise UsageError(f"template: {{{name}}} must be the name of a field, such as {{label}}")
