"""What the address and the headers of an HTTP request may be. They may be secrets, so
no message quotes one."""

from __future__ import annotations

import re

from ..errors import UsageError
from ..settings.credentials import split_address, without_path

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


def check_address(url: str) -> None:
    """UsageError if no request can be made to an address."""
    parts = split_address(url)
    shown = f"url {without_path(url)}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{shown}: must begin with http:// or https:// and name a host")
    if "@" in parts.netloc:
        raise UsageError(
            f"{shown}: a user and password in the address are not sent; give a token file or a "
            "header"
        )
    if not url.isprintable() or " " in url or not (parts.path + parts.query).isascii():
        raise UsageError(
            f"{shown}: blanks and letters beyond ASCII must be written as %20 and the like"
        )


def check_header(name: str, value: str) -> None:
    """UsageError if a header cannot have this name or value.

    Source: RFC 9110, section 5 (fields).
    """
    if not _NAME.fullmatch(name):
        raise UsageError("a header's name has letters, digits and '-' only, as in X-Room:kitchen")
    if not _VALUE.fullmatch(value):
        raise UsageError(f"header {name}: its value must be one line of Latin-1 letters")


def check_token(where: object, token: str) -> None:
    """UsageError if a token of a file cannot be sent in a header."""
    if not _VALUE.fullmatch(token):
        raise UsageError(f"{where}: a token is one line of letters, digits and signs")
