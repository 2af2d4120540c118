"""SQLite files on an SD card that may lose power at any moment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def open_database(path: Path, schema: str) -> sqlite3.Connection:
    """Open a database or make it; one that is corrupt is set aside and begun anew.

    It is in WAL mode with synchronous=NORMAL: a power cut costs the last commits at
    most, never the file. A corrupt file is renamed to "NAME.corrupt-TIME" with the time
    in UTC, so that somebody can look at it and a second one does not replace the first.

    Parameters
    ----------
    path : Path
        The file. Its folder must exist.
    schema : str
        SQL statements that make the tables where they are missing.

    Returns
    -------
    sqlite3.Connection
        Any one thread at a time may use it.

    Raises
    ------
    sqlite3.Error, OSError
        If the file cannot be opened, or cannot be set aside.
    """
    import sqlite3

    try:
        return _opened(path, schema)
    except sqlite3.OperationalError:
        raise  # locked, full or not allowed: the file itself may be fine
    except sqlite3.DatabaseError:
        from datetime import UTC, datetime

        path.rename(path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S}"))
        for rest in ("-wal", "-shm"):  # they belong to the corrupt file
            path.with_name(path.name + rest).unlink(missing_ok=True)
        return _opened(path, schema)


def _opened(path: Path, schema: str) -> sqlite3.Connection:
    import sqlite3

    file = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        if file.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("its check fails")
        file.executescript(schema)
    except BaseException:
        file.close()
        raise
    return file
