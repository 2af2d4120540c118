"""The history's tables: stretches of one label, and single windows where they are
kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .stretches import Stretch

if TYPE_CHECKING:
    import sqlite3

SCHEMA_VERSION = 1
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS stretches (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    label TEXT NOT NULL,
    start REAL NOT NULL,
    end REAL NOT NULL,
    windows INTEGER NOT NULL,
    confidence REAL
);
CREATE INDEX IF NOT EXISTS stretches_start ON stretches (start);
CREATE TABLE IF NOT EXISTS windows (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    start REAL NOT NULL,
    end REAL NOT NULL,
    genre TEXT,
    confidence REAL
);
PRAGMA user_version = {SCHEMA_VERSION};
"""

_SHARE, _LEAST_SHARE = 1 / 2000, 20
"""Share of a table's rows that are deleted for their age at once, and how many may be
however short the table is."""
_MOST_LOOKED_AT = 20_000
"""Rows whose age is looked at, the oldest."""

WindowRow = tuple[str, float, float, str | None, float | None]
"""Source, start, end (UTC, s since 1970), genre and confidence of one window."""


def write_stretch(file: sqlite3.Connection, stretch: Stretch) -> int | None:
    """Write a stretch, over its earlier row if that is still there; returns the row's
    number."""
    values = (
        stretch.source,
        stretch.label,
        stretch.start,
        stretch.end,
        stretch.windows,
        stretch.confidence,
    )
    if stretch.row is not None:
        updated = file.execute(
            "UPDATE stretches SET source=?, label=?, start=?, end=?, windows=?, confidence=? "
            "WHERE id=?",
            (*values, stretch.row),
        )
        if updated.rowcount:  # a limit, another program or its user may have deleted it
            return stretch.row
    return file.execute(
        "INSERT INTO stretches (source, label, start, end, windows, confidence) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        values,
    ).lastrowid


def write_windows(file: sqlite3.Connection, windows: Sequence[WindowRow]) -> None:
    """Add single windows."""
    file.executemany(
        "INSERT INTO windows (source, start, end, genre, confidence) VALUES (?, ?, ?, ?, ?)",
        windows,
    )


def delete_aged(file: sqlite3.Connection, oldest: float) -> None:
    """Delete some of the rows that ended before `oldest` (UTC, s since 1970): a small
    share of each table, the oldest first. A clock that is wrong for an hour costs no
    more than an hour of such shares."""
    for table in ("stretches", "windows"):
        first, last = file.execute(f"SELECT min(id), max(id) FROM {table}").fetchone()
        if first is None:
            continue
        most = max(_LEAST_SHARE, round((last - first + 1) * _SHARE))
        # Rows are numbered as they were written. Looking at the oldest alone keeps this
        # short, however long the table is.
        file.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM (SELECT id, end FROM {table} "
            "ORDER BY id LIMIT ?) WHERE end < ? LIMIT ?)",
            (_MOST_LOOKED_AT, oldest, most),
        )


def delete_beyond(file: sqlite3.Connection, most_bytes: float) -> None:
    """If the rows take more than `most_bytes`, delete the oldest twentieth of each
    table. A few stretches beside many windows are not what takes the room."""
    if _used_bytes(file) <= most_bytes:
        return
    least = 1
    for table in ("windows", "stretches"):
        deleted = file.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id "
            f"LIMIT (SELECT count(*) / 20 + ? FROM {table}))",
            (least,),
        ).rowcount
        least = 0 if deleted else 1


def _used_bytes(file: sqlite3.Connection) -> int:
    """Size of the pages in use. Pages of deleted rows stay in the file and are used
    again, so the file's own size would never fall below the limit."""
    pages, free, size = (
        int(file.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
