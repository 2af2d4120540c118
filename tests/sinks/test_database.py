"""Which errors of SQLite are damage, for which a file is set aside."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from genre_edge.sinks.database import is_damage


def locked(path: Path) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        closing(sqlite3.connect(path, timeout=0.0)) as file,
    ):
        other.execute("BEGIN EXCLUSIVE")
        file.execute("CREATE TABLE t (x)")


def read_only(path: Path) -> None:
    sqlite3.connect(path).close()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        file.execute("CREATE TABLE t (x)")


def full(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA max_page_count = 1")
        file.execute("CREATE TABLE t (x)")


def no_database(path: Path) -> None:
    path.write_bytes(b"no database" * 200)
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE t (x)")


def unreadable(path: Path) -> None:
    """What SQLite says of a sector that the disk cannot read."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
    raise error


@pytest.mark.parametrize(
    ("fault", "is_damaged"),
    [
        (locked, False),
        (read_only, False),
        (full, False),
        (no_database, True),
        (unreadable, True),
    ],
)
def test_only_damage_is_damage(
    tmp_path: Path, fault: Callable[[Path], None], is_damaged: bool
) -> None:
    with pytest.raises(sqlite3.DatabaseError) as error:
        fault(tmp_path / "file")
    assert is_damage(error.value) == is_damaged
