"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .errors import Fault, UsageError

_NAME_BYTES = 230
"""So many of a name's bytes are in the name of the temporary file. Linux has room for
255."""


@dataclass(frozen=True)
class Rights:
    """Whose a file is, and who may use it."""

    mode: int
    """Permissions, such as 0o600."""
    owner: int = -1
    """User id; -1: as it comes."""
    group: int = -1
    """Group id; -1: as it comes."""

    @classmethod
    def of(cls, path: Path) -> Rights:
        """Those of a file. OSError."""
        found = path.stat()
        return cls(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)

    def give(self, descriptor: int) -> None:
        """Give them to an open file. An owner that this user may not give it to is
        left out."""
        with suppress(PermissionError):
            os.fchown(descriptor, self.owner, self.group)
        os.fchmod(descriptor, self.mode)


@contextmanager
def atomic_file(
    path: Path, durable: bool = False, rights: Rights | None = None
) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces `path` when the block ends.

    What is written goes to a temporary file beside `path`. A reader therefore sees the
    old content or the new one, never a part of it. When the block raises, `path` stays
    as it was and the temporary file is removed.

    Parameters
    ----------
    path : Path
        The file to make or to replace. Its folder must exist.
    durable : bool
        Whether the content is forced to the disk before it replaces the old (fsync), so
        that a power cut leaves one of the two. Without it a power cut right afterwards
        may lose both.
    rights : Rights or None
        Whose it will be and who may use it; None: this user's, as others are made.

    Yields
    ------
    IO[bytes]
        The temporary file, open for writing bytes.

    Raises
    ------
    OSError
        If the file cannot be written or replaced. A device or a pipe never is.

    Examples
    --------
    >>> with atomic_file(folder / "features.npy") as file:
    ...     np.save(file, features)
    """
    _check_replaceable(path)
    temporary = _temporary(path)
    try:
        with temporary.open("wb") as file:
            if rights is not None:
                rights.give(file.fileno())
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(
    path: Path, content: bytes | str, durable: bool = False, rights: Rights | None = None
) -> None:
    """Write a whole file, as `atomic_file` does; text is written as UTF-8.

    Parameters
    ----------
    path : Path
        The file to make or to replace. Its folder must exist.
    content : bytes or str
        Everything that it will hold.
    durable : bool
        As for `atomic_file`.
    rights : Rights or None
        As for `atomic_file`.

    Raises
    ------
    OSError
        If the file cannot be written or replaced.
    """
    with atomic_file(path, durable, rights) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def ready_folder(path: Path) -> Path:
    """Make a folder, if it is not there, and see that files can be made in it.

    To be called before long work whose results go there.

    Raises
    ------
    UsageError
        If they cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        reason = f"no files can be made in it ({error.strerror or error})"
        raise UsageError(Fault("output", path, reason)) from None
    return path


def ready_file(path: Path, parameter: str) -> Path:
    """See that `atomic_file` can write a file, before long work whose results go there;
    what is in it stays.

    Raises
    ------
    UsageError
        If it cannot. The message names the parameter.
    """
    try:
        _check_replaceable(path)
        temporary = _temporary(path)
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise UsageError(Fault(parameter, path, error.strerror or str(error))) from None
    return path


def _temporary(path: Path) -> Path:
    """Where the new content of a file is written. The name of a file may have as many
    bytes as a name can have."""
    name = os.fsdecode(os.fsencode(path.name)[:_NAME_BYTES])
    return path.with_name(f".{name}.{os.getpid()}.tmp")


def _check_replaceable(path: Path) -> None:
    """OSError for what is there and is no ordinary file. A user with the right to could
    replace /dev/null by a file, and harm every other program."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "is no file that can be replaced", str(path))
