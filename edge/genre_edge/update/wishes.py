"""What people wish of updates from another process: a file that the program finds."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import GenreEdgeError, os_reason

ROLLBACK = "rollback"
"""The wish to have the model before again."""
_LOCK = "lock"


class Wishes:
    """In a folder that only this user writes to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask(self, wish: str) -> None:
        """Leave a wish for the program. GenreEdgeError if none can be left."""
        try:
            (self._folder / wish).touch(mode=0o600)
        except OSError as error:
            raise GenreEdgeError(f"{self._folder}: {os_reason(error)}") from None

    def is_open(self, wish: str) -> bool:
        """Whether a wish was not heeded yet."""
        return os.path.exists(self._folder / wish)

    def done(self, wish: str) -> None:
        """Take a wish back, or note that it was heeded."""
        with suppress(OSError):
            (self._folder / wish).unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """While it lasts nobody else looks after the updates in this folder; False if
        somebody does.

        Raises
        ------
        GenreEdgeError
            If the folder cannot be used.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # For reading alone: root may have made it for a service of another user.
            descriptor = os.open(self._folder / _LOCK, os.O_RDONLY | os.O_CREAT, 0o644)
        except OSError as error:
            raise GenreEdgeError(f"{self._folder}: {os_reason(error)}") from None
        with open(descriptor, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                yield True
