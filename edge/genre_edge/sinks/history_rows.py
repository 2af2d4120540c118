"""The history's tables: stretches of one label, and single windows where they are
kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

WindowRow = tuple[str, float, float, str | None, float | None]
"""Source, start, end (UTC, s since 1970), genre and confidence of one window."""


@dataclass
class Stretch:
    """Consecutive windows with one label."""

    source: str
    """The device's token, or a file."""
    label: str
    """What a person is shown."""
    start: float
    """UTC, s since 1970."""
    end: float
    """UTC, s since 1970."""
    windows: int = 0
    """Windows in it."""
    total: float = 0.0
    """Sum of their confidences; silence adds nothing."""
    row: int | None = None
    """Its row once it has been written."""

    @property
    def confidence(self) -> float | None:
        """Mean confidence; None in silence."""
        return round(self.total / self.windows, 4) if self.total else None


def write_stretch(file: sqlite3.Connection, stretch: Stretch) -> int | None:
    """Write a stretch, over its earlier row if it has one; returns the row's number."""
    values = (
        stretch.source,
        stretch.label,
        stretch.start,
        stretch.end,
        stretch.windows,
        stretch.confidence,
    )
    if stretch.row is not None:
        file.execute(
            "UPDATE stretches SET source=?, label=?, start=?, end=?, windows=?, confidence=? "
            "WHERE id=?",
            (*values, stretch.row),
        )
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


def delete_old(file: sqlite3.Connection, oldest: float, most_bytes: float) -> None:
    """Delete what ended before `oldest` (UTC, s since 1970); then, if the rows take
    more than `most_bytes`, the oldest twentieth of each table."""
    for table in ("stretches", "windows"):
        file.execute(f"DELETE FROM {table} WHERE end < ?", (oldest,))
    if _used_bytes(file) > most_bytes:
        for table in ("windows", "stretches"):
            file.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id "
                f"LIMIT (SELECT count(*) / 20 + 1 FROM {table}))"
            )


def _used_bytes(file: sqlite3.Connection) -> int:
    """Size of the pages in use. Pages of deleted rows stay in the file and are used
    again, so the file's own size would never fall below the limit."""
    pages, free, size = (
        int(file.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
