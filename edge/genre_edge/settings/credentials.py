"""Secrets: left out of what is shown, and given by systemd."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..text_files import MOST_SECRET_BYTES, read_text

if TYPE_CHECKING:
    from urllib.parse import SplitResult

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
"""Where systemd puts the secrets that a unit loads (LoadCredential=)."""

NO_CREDENTIAL = "-"
"""What the unit hands over in place of a file that is not there."""
_USER = re.compile(r"(?<=://)(?:[^/?#\s]*:[^\s]*|[^/?#\s]*)@")
"""Up to the last "@" where a password may begin: some have a "/" in them."""
_QUERY = re.compile(r"(?<=\?)[^\s'\"]+")
_NAMED = re.compile(
    r"(://[^\s'\"]*?)\b(?:user(?:name)?|login|pass(?:word|wd)?|pwd|token|secret|key|auth)=[^\s'\"]+",
    re.IGNORECASE,
)
"""An address whose path tells a user or a password, as those of some cameras do."""


def without_credentials(url: str) -> str:
    """An address with `***` for its user and password, and for what follows a "?" or a
    name such as "password=".

    Examples
    --------
    >>> without_credentials("rtsp://admin:secret@camera.local/live?token=1")
    'rtsp://***@camera.local/live?***'
    >>> without_credentials("rtsp://camera.local/user=admin&password=secret&channel=1")
    'rtsp://camera.local/***'
    >>> without_credentials("https://example.org/radio.mp3")
    'https://example.org/radio.mp3'
    """
    if "://" not in url:
        return url
    return _NAMED.sub(r"\1***", _QUERY.sub("***", _USER.sub("***@", url)))


def without_path(url: str) -> str:
    """An address with `***` for all that follows the host, which is often the secret
    of a webhook.

    Examples
    --------
    >>> without_path("https://hooks.example.org/T0/B1/xyz")
    'https://hooks.example.org/***'
    >>> without_path("hooks.example.org/T0/B1/xyz")
    'hooks.example.org/***'
    """
    shown = without_credentials(url)
    scheme, mark, rest = shown.partition("://") if "://" in shown else ("", "", shown)
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host}{slash}{'***' if path else ''}"


def split_address(url: str) -> SplitResult:
    """The parts of an address.

    Raises
    ------
    UsageError
        If it is none, or its port is no number; the message has no secrets.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (it is read only now)
    except ValueError:
        raise UsageError(
            f"url {without_path(url)}: cannot be read as an address; a port must be a number from "
            "1 to 65535"
        ) from None
    return parts


def hidden_values(table: Mapping[str, str]) -> dict[str, str]:
    """A table with `***` for each value."""
    return dict.fromkeys(table, "***")


def system_credential(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """A secret that systemd has loaded for this service; None if there is none.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    folder = environment.get(CREDENTIALS_VARIABLE)
    if not folder or not (Path(folder) / name).is_file():
        return None
    try:
        found = read_text(Path(folder) / name, most=MOST_SECRET_BYTES).strip()
    except UsageError as error:
        raise UsageError(f"credential {error}") from None
    return None if found in ("", NO_CREDENTIAL) else found


def password_of(path: Path | None, variable: str, credential: str, what: str) -> str | None:
    """A password from a file; without one from the environment, or from systemd.

    Parameters
    ----------
    path
        The file.
    variable
        The environment variable.
    credential
        The name of systemd's credential.
    what
        What a message calls the file, such as "password file".

    Returns
    -------
    str or None
        The password; None if it is in none of these places.

    Raises
    ------
    UsageError
        If the file, or the credential, cannot be read.
    """
    if path is None:
        return os.environ.get(variable) or system_credential(credential)
    try:
        return read_text(path, most=MOST_SECRET_BYTES).rstrip("\r\n")
    except UsageError as error:
        raise UsageError(f"{what} {error}") from None


def has_credentials(url: str) -> bool:
    """Whether `without_credentials` hides something."""
    return without_credentials(url) != url
