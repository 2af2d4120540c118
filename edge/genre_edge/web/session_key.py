"""The key behind session cookies, kept through restarts."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

_NAME = "web-session.key"
_BYTES = 32


def new_key() -> bytes:
    """A key that nobody can guess."""
    return secrets.token_bytes(_BYTES)


def session_key(folder: Path) -> bytes:
    """The key in a folder; it is made there, for its owner alone, if there is none.
    Where it cannot be kept, sessions end with the program."""
    path = folder / _NAME
    with suppress(OSError), path.open("rb") as file:
        found = file.read(_BYTES + 1)
        if len(found) == _BYTES:
            return found
    key = new_key()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags, 0o600), "wb") as file:
            file.write(key)
    return key
