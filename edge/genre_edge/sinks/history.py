"""What was playing and for how long: SQLite, a row for each stretch of one label.

Made for an SD card that may lose power at any moment. A stretch grows in memory and is
written at each commit, every 30 s by default. A power cut costs the time since the last
commit.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import GenreEdgeError, UsageError
from ..settings.options import add_flags, check, given, option
from ..settings.places import default_folder
from ..settings.section import Section
from .background import BackgroundSink
from .database import open_database
from .history_rows import (
    SCHEMA,
    Stretch,
    WindowRow,
    delete_old,
    write_stretch,
    write_windows,
)
from .kind import PlannedSink, SinkContext, SinkKind

if TYPE_CHECKING:
    import sqlite3

    from ..health import SinkHealth
    from ..records import Record

_JOIN_SECONDS = 1.0
"""Longest hole between two windows of one stretch, s."""
_RETRY_SECONDS = 30.0
"""Pause after a failed commit, s."""
_MOST_PENDING = 20_000
"""Rows kept in memory while the file cannot be written; beyond, the oldest are
dropped."""


@dataclass(frozen=True)
class HistoryConfig:
    """Where the history is, and how much of it is kept."""

    path: Path = option(Path("history.db"), "the SQLite file")
    enabled: bool = option(False, "keep a history of what was heard")
    windows: bool = option(False, "keep every window in the history too", "--history-windows")
    commit_seconds: float = option(30.0, "time between two writes to the file, s", low=0)
    keep_days: float = option(400.0, "age beyond which rows are deleted, days", low=0.01)
    most_megabytes: float = option(
        200.0, "size beyond which the oldest rows are deleted, MB", low=0.01
    )

    def __post_init__(self) -> None:
        check(self)


def default_history(environment: Mapping[str, str] = os.environ) -> Path:
    """The history's file if no other is named."""
    return default_folder(environment) / "history.db"


class HistoryError(GenreEdgeError):
    """The history's file cannot be used."""


class HistorySink:
    """Writes stretches; run it behind a BackgroundSink."""

    def __init__(
        self, config: HistoryConfig, health: SinkHealth, clock: Callable[[], float] = time.time
    ) -> None:
        """Prepare; the file is opened with the first record.

        Parameters
        ----------
        config : HistoryConfig
            Where the history is, and how much of it is kept.
        health : SinkHealth
            Counts what is dropped while the file cannot be written.
        clock : callable
            Gives the time, UTC, s since 1970.
        """
        self._config, self._health, self._clock = config, health, clock
        self._file: sqlite3.Connection | None = None
        self._current: dict[str | None, Stretch] = {}
        """The stretch that grows, of each source by its name; None: without one."""
        self._done: list[Stretch] = []
        self._windows: list[WindowRow] = []
        self._next_commit = 0.0
        self._file_began: float | None = None

    def write(self, record: Record) -> None:
        """Take a window, a gap or a state, and commit when it is time. HistoryError
        when that fails."""
        from datetime import datetime

        from ..records import (
            FileRecord,
            GapRecord,
            LiveRecord,
            WindowRecord,
            valid_utf8,
        )

        if isinstance(record, LiveRecord):
            start = datetime.fromisoformat(record.time).timestamp()
            end = start + record.end - record.start
            confidence = record.smoothed_confidence or 0.0
            stretch = Stretch(record.source, record.label, start, end)
            self._extend(record.source_name, stretch, confidence)
            self._keep((record.source, start, end, record.genre, record.confidence))
        elif isinstance(record, WindowRecord):
            if self._file_began is None:
                self._file_began = self._clock()
            start, end = self._file_began + record.start, self._file_began + record.end
            name = valid_utf8(record.file)
            stretch = Stretch(name, record.label, start, end)
            self._extend(None, stretch, record.confidence or 0.0)
            self._keep((name, start, end, record.genre, record.confidence))
        elif isinstance(record, FileRecord):
            self._finish(None)
            self._file_began = None
        elif isinstance(record, GapRecord) or record.state != "listening":
            self._finish(record.source_name)
        if self._clock() >= self._next_commit:
            self.commit()

    def close(self) -> None:
        """Write what is left."""
        for name in list(self._current):
            self._finish(name)
        try:
            self.commit()
        finally:
            if self._file is not None:
                self._file.close()

    def _extend(self, name: str | None, window: Stretch, confidence: float) -> None:
        """Add a window to the current stretch of the source with this name, or begin a
        new one with it."""
        current = self._current.get(name)
        if (
            current is None
            or (current.source, current.label) != (window.source, window.label)
            or window.start > current.end + _JOIN_SECONDS
        ):
            self._finish(name)
            current = self._current[name] = window
        # Windows overlap when the hop is shorter than a window: a stretch ends where
        # its last window does.
        current.end = max(current.end, window.end)
        current.windows += 1
        current.total += confidence

    def _keep(self, window: WindowRow) -> None:
        if self._config.windows:
            self._windows.append(window)

    def _finish(self, name: str | None) -> None:
        """Whatever comes next from the source with this name begins a new stretch."""
        current = self._current.pop(name, None)
        if current is not None:
            self._done.append(current)

    def commit(self) -> None:
        """Write everything pending in one transaction; HistoryError if that fails, and
        it stays pending."""
        import sqlite3

        now = self._clock()
        self._next_commit = now + self._config.commit_seconds
        stretches = [*self._done, *self._current.values()]
        if not stretches and not self._windows:
            return
        try:
            if self._file is None:
                self._file = self._opened()
            with self._file:
                rows = [write_stretch(self._file, stretch) for stretch in stretches]
                write_windows(self._file, self._windows)
                oldest = now - self._config.keep_days * 86_400
                delete_old(self._file, oldest, self._config.most_megabytes * 1e6)
        except sqlite3.Error as error:
            self._next_commit = now + _RETRY_SECONDS
            self._shed()
            raise HistoryError(
                f"{self._config.path}: cannot be written ({error}); trying again"
            ) from None
        for stretch, row in zip(stretches, rows, strict=True):
            stretch.row = row
        self._done.clear()
        self._windows.clear()

    def _shed(self) -> None:
        """Keep memory bounded while nothing can be written."""
        for rows in (self._done, self._windows):
            excess = len(rows) - _MOST_PENDING
            if excess > 0:
                del rows[:excess]
                self._health.dropped += excess

    def _opened(self) -> sqlite3.Connection:
        import sqlite3

        path = self._config.path
        try:
            return open_database(path, SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(f"{path}: cannot be opened ({error})") from None


SECTION = Section(
    "history",
    HistoryConfig,
    "The history (genre-edge history shows it)",
    examples={"path": "/var/lib/genre-edge/history.db"},
    flag="--history",
    defaults=lambda environment: {"path": default_history(environment)},
)


def _add_flags(group: Any) -> None:
    group.add_argument(
        "--history",
        type=Path,
        nargs="?",
        const=default_history(),
        metavar="PATH",
        help="SQLite file of what was heard, for genre-edge history (default: "
        f"{default_history()})",
    )
    add_flags(group, SECTION.name, HistoryConfig)


def _read_flags(args: argparse.Namespace) -> dict[str, Any]:
    table = given(args, SECTION.name)
    if args.history is not None:
        table |= {"path": args.history, "enabled": True}
    return table


def _check_flags(args: argparse.Namespace, tables: tuple[HistoryConfig, ...]) -> None:
    if given(args, SECTION.name).get("windows") and not tables[0].enabled:
        raise UsageError("--history-windows: goes with --history")


def _plan(config: HistoryConfig) -> PlannedSink | None:
    if not config.enabled:
        return None
    try:
        config.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"history {config.path}: {error.strerror}") from None

    def make(context: SinkContext) -> BackgroundSink:
        return context.in_background(HistorySink(config, context.entry))

    return PlannedSink("history", config, make)


KIND = SinkKind(SECTION, _add_flags, _read_flags, _plan, _check_flags)
