"""The configuration file as it is now and as it was before: replaced whole, by whoever
has seen what is in it."""

from __future__ import annotations

import glob
import hashlib
import os
from contextlib import suppress
from pathlib import Path

from ..errors import GenreEdgeError, UsageError
from ..files import Rights, write_atomically
from ..text_files import read_text

NO_FILE = "none"
"""Version of a file that is not there."""
_NEW = Rights(0o600)
"""A file that is new may come to hold a secret."""


class ChangedMeanwhile(GenreEdgeError):
    """Somebody else has changed the file."""


class VersionedFile:
    """One text file, which is replaced by whoever knows its version.

    What it held before lies beside it, under the version that replaced it. So a change
    that somebody makes by hand is never undone.

    Parameters
    ----------
    path
        The file; it need not be there. Where it is a symbolic link, what it leads to is
        replaced.
    """

    def __init__(self, path: Path) -> None:
        self.name = path
        """What the user calls it."""
        self._path = Path(os.path.realpath(path))

    @property
    def version(self) -> str:
        """A hash of what it holds. UsageError if it cannot be read."""
        return _version(self.text())

    def text(self) -> str | None:
        """What it holds; None if it is not there. UsageError if it cannot be read."""
        return read_text(self.name) if os.path.lexists(self.name) else None

    @property
    def trouble(self) -> str:
        """Why it cannot be replaced; empty if it can."""
        folder = self._path.parent
        while not folder.exists():
            folder = folder.parent
        if os.access(folder, os.W_OK):
            return ""
        return f"{self.name}: this program may not write into the folder {folder}"

    @property
    def can_undo(self) -> bool:
        """Whether what it held before is known, and nobody has changed it since."""
        return self._before(self.version).is_file()

    def replace(self, text: str, version: str) -> None:
        """Write another content, whole or not at all; owner and permissions stay.

        Parameters
        ----------
        text
            All that it will hold.
        version
            That of the content which whoever asks has seen.

        Raises
        ------
        ChangedMeanwhile
            If it holds something else by now.
        UsageError
            If it cannot be written.
        """
        old = self.text()
        if _version(old) != version:
            raise ChangedMeanwhile(f"{self.name}: was changed meanwhile; look at it again first")
        if text == old:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            rights = Rights.of(self._path) if old is not None else _NEW
            self._forget()
            if old is not None:
                write_atomically(self._before(_version(text)), old, rights=rights)
            write_atomically(self._path, text, durable=True, rights=rights)
        except OSError as error:
            raise UsageError(f"{self.name}: {error.strerror or error}") from None

    def before(self) -> str:
        """What it held before its last change. UsageError if that is not known."""
        if not self.can_undo:
            raise UsageError(f"{self.name}: there is nothing to undo")
        return read_text(self._before(self.version))

    def take_back(self, text: str | None) -> None:
        """Put back what it held before a change that came to nothing."""
        with suppress(OSError):
            if text is None:
                self._path.unlink()
            else:
                write_atomically(self._path, text, rights=Rights.of(self._path))
            self._forget()

    def beside(self, name: str) -> Path:
        """A file in the same folder."""
        return self._path.with_name(name)

    def _before(self, version: str) -> Path:
        return self.beside(f"{self._path.name}.before-{version}")

    def _forget(self) -> None:
        for path in self._path.parent.glob(f"{glob.escape(self._path.name)}.before-*"):
            path.unlink()


def _version(text: str | None) -> str:
    return NO_FILE if text is None else hashlib.sha256(text.encode()).hexdigest()[:16]
