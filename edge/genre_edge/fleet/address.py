"""Which database: its address taken apart, its password kept out of sight."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from ..errors import UsageError
from ..settings.credentials import password_of, split_address, without_credentials

PASSWORD_VARIABLE = "GENRE_EDGE_DATABASE_PASSWORD"
"""Environment variable with the database's password."""
_PASSWORD_CREDENTIAL = "database-password"
"""Where systemd puts it, if a unit loads it."""
_SECRET_KEY = re.compile(r"pass|pwd", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """A database."""

    shown: str
    """For messages: without secrets."""
    path: Path | None = None
    """The file of SQLite; None: it is PostgreSQL."""
    conninfo: str = ""
    """What libpq is given, without a password."""
    password: str | None = field(default=None, repr=False)
    """For PostgreSQL; None: libpq looks for it in ~/.pgpass."""


def parse_address(url: str, password_file: Path | None = None) -> Address:
    """Read "postgresql://USER@HOST/NAME" or "sqlite:///FILE".

    Raises
    ------
    UsageError
        If it is neither, or has a password in it.

    Examples
    --------
    >>> parse_address("sqlite:///fleet.db").path
    PosixPath('fleet.db')
    """
    parts, shown = split_address(url), without_credentials(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        return Address(shown, Path(url.removeprefix("sqlite:///")).expanduser())
    if parts.scheme not in ("postgresql", "postgres"):
        raise UsageError(
            f"database {shown}: must be postgresql://USER@HOST/NAME or sqlite:///FILE "
            "(sqlite:////FILE for a path from the root)"
        )
    if parts.password is not None or any(
        _SECRET_KEY.search(key) for key, _ in parse_qsl(parts.query)
    ):
        raise UsageError(
            f"database {shown}: a password in the address is seen by every user of this machine: "
            f"give --database-password-file, or the environment variable {PASSWORD_VARIABLE}"
        )
    password = password_of(
        password_file, PASSWORD_VARIABLE, _PASSWORD_CREDENTIAL, "database password file"
    )
    return Address(shown, None, url, password)
