"""SQLite files on an SD card that may lose power at any moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import GenreEdgeError

if TYPE_CHECKING:
    import sqlite3


class NewerFile(GenreEdgeError):
    """A later version of the program has written the file."""


def _nobody_asks(path: Path) -> None:
    """Nobody wants to know which file was set aside."""


def _nobody_doubts(file: sqlite3.Connection) -> bool:
    """The schema is as it is."""
    return True


def is_damage(error: Exception) -> bool:
    """Whether an error of SQLite says that a file, or the disk under it, is damaged.
    Else the file may be fine: it is locked, there is no room, it may not be used."""
    import sqlite3

    unreadable = (
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_SHORT_READ,
        sqlite3.SQLITE_IOERR_CORRUPTFS,
    )
    code = getattr(error, "sqlite_errorcode", None)
    return code in unreadable or not isinstance(error, sqlite3.OperationalError)


def open_database(
    path: Path,
    schema: str,
    set_aside: Callable[[Path], None] = _nobody_asks,
    version: int = 0,
    is_right: Callable[[sqlite3.Connection], bool] = _nobody_doubts,
) -> sqlite3.Connection:
    """Open a database or make it; one that is corrupt is set aside and begun anew.

    It is in WAL mode with synchronous=NORMAL: a power cut costs the last commits at
    most, never the file. A corrupt file is renamed to "NAME.corrupt-TIME" with the time
    in UTC, so that somebody can look at it and a second one does not replace the first.
    A new file is for its owner alone (0600).

    Parameters
    ----------
    path : Path
        The file. Its folder must exist.
    schema : str
        SQL statements that make the tables where they are missing.
    set_aside : callable
        Takes the path of a corrupt file that was set aside.
    version : int
        The newest schema that is understood (PRAGMA user_version).
    is_right : callable
        Whether the tables of a file are right; if not, it is corrupt.

    Returns
    -------
    sqlite3.Connection
        Any one thread at a time may use it.

    Raises
    ------
    sqlite3.Error, OSError
        If the file cannot be opened, or cannot be set aside.
    NewerFile
        If its schema is newer than `version`. It stays as it is.
    """
    import sqlite3

    try:
        return _opened(path, schema, version, is_right)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # it may quote damage
        if not is_damage(error):
            raise
        from datetime import UTC, datetime

        aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S}")
        path.rename(aside)
        for rest in ("-wal", "-shm"):  # they belong to the corrupt file
            path.with_name(path.name + rest).unlink(missing_ok=True)
        set_aside(aside)
        return _opened(path, schema, version, is_right)


def told(error: Exception) -> str:
    """What SQLite says of a file, in one line: it may quote what is in the file."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(error))


def check_version(file: sqlite3.Connection, path: Path, version: int) -> None:
    """NewerFile if a database has a schema newer than `version`."""
    found = file.execute("PRAGMA user_version").fetchone()[0]
    if found > version:
        raise NewerFile(
            f"{path}: was written by a newer genre-edge (schema {found}): update genre-edge, or "
            "use another file"
        )


def _opened(
    path: Path, schema: str, version: int, is_right: Callable[[sqlite3.Connection], bool]
) -> sqlite3.Connection:
    import sqlite3

    # SQLite gives its two other files the rights of this one. One that is there is not
    # opened: closing it would end the locks of other connections of this process.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    file = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        check_version(file, path, version)
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        if file.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("its check fails")
        file.executescript(schema)
        if not is_right(file):
            raise sqlite3.DatabaseError("its tables are not those that were made")
    except BaseException:
        file.close()
        raise
    return file
