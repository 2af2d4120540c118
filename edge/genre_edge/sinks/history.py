"""What was playing and for how long: SQLite, a row for each stretch of one label.

Made for an SD card that may lose power at any moment: WAL, synchronous=NORMAL, a commit
every 30 s at most. A stretch grows in memory and is written at each commit; what a
power loss costs is the time since the last.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import GenreEdgeError
from ..health import SinkHealth
from ..records import FileRecord, GapRecord, LiveRecord, Record, StateRecord, WindowRecord
from ..settings.tables import HistoryConfig

SCHEMA_VERSION = 1
_SCHEMA = f"""
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
_JOIN_SECONDS = 1.0
"""Longest hole inside one stretch, s."""
_RETRY_SECONDS = 30.0
"""Pause after a failed commit, s."""
_MOST_PENDING = 20_000
"""Rows kept in memory while the file cannot be written; beyond, the oldest are
dropped."""


class HistoryError(GenreEdgeError):
    """The history's file cannot be used."""


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


class HistorySink:
    """Writes stretches; run it behind a BackgroundSink."""

    def __init__(
        self, config: HistoryConfig, health: SinkHealth, clock: Callable[[], float] = time.time
    ) -> None:
        """The file is opened with the first record, so that trouble with it is told at
        once and stops nobody."""
        self._config, self._health, self._clock = config, health, clock
        self._file: sqlite3.Connection | None = None
        self._open: Stretch | None = None
        self._done: list[Stretch] = []
        self._raw: list[tuple[str, float, float, str | None, float | None]] = []
        self._next_commit = 0.0
        self._file_began: float | None = None

    def write(self, record: Record) -> None:
        """Take a window, a gap or a state; commit when it is time. Raises HistoryError
        when that fails."""
        if isinstance(record, LiveRecord):
            start = datetime.fromisoformat(record.time).timestamp()
            length = record.end - record.start
            sure = record.smoothed_confidence or 0.0
            self._add(record.source, record.label, start, start + length, sure)
            self._keep(record.source, start, start + length, record.genre, record.confidence)
        elif isinstance(record, WindowRecord):
            if self._file_began is None:
                self._file_began = self._clock()
            start, end = self._file_began + record.start, self._file_began + record.end
            self._add(record.file, record.genre, start, end, record.confidence)
            self._keep(record.file, start, end, record.genre, record.confidence)
        elif isinstance(record, FileRecord | GapRecord) or (
            isinstance(record, StateRecord) and record.state != "listening"
        ):
            self._finish()
            self._file_began = None
        if self._clock() >= self._next_commit:
            self.commit()

    def close(self) -> None:
        """Write what is left."""
        self._finish()
        try:
            self.commit()
        finally:
            if self._file is not None:
                self._file.close()

    def _add(self, source: str, label: str, start: float, end: float, sure: float) -> None:
        now = self._open
        if (
            now is None
            or (now.source, now.label) != (source, label)
            or (not -_JOIN_SECONDS <= start - now.end <= _JOIN_SECONDS and start > now.end)
        ):
            self._finish()
            now = self._open = Stretch(source, label, start, end)
        # A smaller hop makes windows overlap: a stretch ends where its last window
        # does.
        now.end = max(now.end, end)
        now.windows += 1
        now.total += sure

    def _keep(
        self, source: str, start: float, end: float, genre: str | None, confidence: float | None
    ) -> None:
        if self._config.windows:
            self._raw.append((source, start, end, genre, confidence))

    def _finish(self) -> None:
        if self._open is not None:
            self._done.append(self._open)
            self._open = None

    def commit(self) -> None:
        """Write everything pending in one transaction; HistoryError if that fails, and
        it stays pending."""
        self._next_commit = self._clock() + self._config.commit_seconds
        pending = [*self._done, *([self._open] if self._open else [])]
        if not pending and not self._raw:
            return
        try:
            if self._file is None:
                self._connect()
            assert self._file is not None
            with self._file:
                rows = [self._store(self._file, stretch) for stretch in pending]
                self._file.executemany(
                    "INSERT INTO windows (source, start, end, genre, confidence) VALUES (?, ?, ?, "
                    "?, ?)",
                    self._raw,
                )
                self._retain(self._file)
        except sqlite3.Error as error:
            self._next_commit = self._clock() + _RETRY_SECONDS
            self._shed()
            raise HistoryError(
                f"{self._config.path}: cannot be written ({error}); trying again"
            ) from None
        for stretch, row in zip(pending, rows, strict=True):
            stretch.row = row
        self._done.clear()
        self._raw.clear()

    def _store(self, file: sqlite3.Connection, stretch: Stretch) -> int | None:
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
            "INSERT INTO stretches (source, label, start, end, windows, confidence) VALUES (?, ?, "
            "?, ?, ?, ?)",
            values,
        ).lastrowid

    def _retain(self, file: sqlite3.Connection) -> None:
        """Delete what is too old, and the oldest twentieth while the file is too
        large."""
        oldest = self._clock() - self._config.keep_days * 86_400
        for table in ("stretches", "windows"):
            file.execute(f"DELETE FROM {table} WHERE end < ?", (oldest,))
        pages, free, size = (
            file.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        if (pages - free) * size > self._config.most_megabytes * 1e6:
            for table in ("windows", "stretches"):
                file.execute(
                    f"DELETE FROM {table} WHERE id IN "
                    f"(SELECT id FROM {table} ORDER BY id LIMIT (SELECT count(*) / 20 + 1 FROM "
                    f"{table}))"
                )

    def _shed(self) -> None:
        """Keep memory bounded while nothing can be written."""
        for rows in (self._done, self._raw):
            excess = len(rows) - _MOST_PENDING
            if excess > 0:
                del rows[:excess]
                self._health.dropped += excess

    def _connect(self) -> None:
        """Open the file; one that is corrupt is set aside. HistoryError if it cannot be
        opened."""
        path = self._config.path
        try:
            try:
                self._file = open_history(path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S}")
                os.replace(path, aside)
                for rest in ("-wal", "-shm"):
                    path.with_name(path.name + rest).unlink(missing_ok=True)
                self._file = open_history(path)
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(f"{path}: cannot be opened ({error})") from None


def open_history(path: Path) -> sqlite3.Connection:
    """Open or make a history; sqlite3.DatabaseError if it is corrupt. One connection
    serves one thread at a time."""
    file = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        if file.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("its check fails")
        file.executescript(_SCHEMA)
    except BaseException:
        file.close()
        raise
    return file
