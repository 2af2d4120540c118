"""What was playing and for how long: SQLite, a row for each stretch of one label.

Made for an SD card that may lose power at any moment. A stretch grows in memory and is
written at each commit, every 30 s by default. A power cut costs the time since the last
commit.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clock_sync import is_clock_synchronised
from ..errors import UsageError
from ..settings.options import add_flags, check, given, option
from ..settings.places import default_folder
from ..settings.section import Section
from .background import BackgroundSink
from .history_file import HistoryError, HistoryFile, refuse_newer
from .history_rows import WindowRow, delete_aged, delete_beyond
from .kind import PlannedSink, SinkContext, SinkKind
from .stretches import Stretch, Stretches

if TYPE_CHECKING:
    import sqlite3

    from ..health import SinkHealth
    from ..records import Record

_RETRY_SECONDS = 30.0
"""Pause after a failed commit, s."""
_CLEANING_SECONDS = 60.0
"""Time between two deletions of what is too old or too much, s."""
_MOST_PENDING = 20_000
"""Rows kept in memory while the file cannot be written; beyond, the oldest are
dropped."""


@dataclass(frozen=True)
class HistoryConfig:
    """Where the history is, and how much of it is kept."""

    path: Path = option(Path("history.db"), "the SQLite file")
    enabled: bool = option(False, "keep a history of what was heard")
    windows: bool = option(False, "keep every window in the history too", "--history-windows")
    commit_seconds: float = option(30.0, "time between two writes to the file, s", low=0, high=3600)
    keep_days: float = option(400.0, "age beyond which rows are deleted, days", low=0.01, high=1e6)
    most_megabytes: float = option(
        200.0, "size beyond which the oldest rows are deleted, MB", low=0.01
    )

    def __post_init__(self) -> None:
        check(self)


def default_history(environment: Mapping[str, str] = os.environ) -> Path:
    """The history's file if no other is named."""
    return default_folder(environment) / "history.db"


def _nobody_listens(line: str) -> None:
    """What happens to the file is of no interest."""


class HistorySink:
    """Writes stretches; run it behind a BackgroundSink."""

    def __init__(
        self,
        config: HistoryConfig,
        health: SinkHealth,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        is_clock_right: Callable[[], bool | None] = is_clock_synchronised,
        report: Callable[[str], None] = _nobody_listens,
    ) -> None:
        """Prepare; the file is opened with the first commit.

        Parameters
        ----------
        config : HistoryConfig
            Where the history is, and how much of it is kept.
        health : SinkHealth
            Counts what is dropped.
        clock : callable
            Gives the time, UTC, s since 1970. It may be wrong, and step.
        monotonic : callable
            Gives a time that only increases, s: commits go by it.
        is_clock_right : callable
            Whether `clock` can be trusted; only then rows are deleted for their age.
        report : callable
            Takes a line when the file was damaged, removed or replaced.
        """
        self._config, self._health, self._clock = config, health, clock
        self._monotonic = monotonic
        self._file = HistoryFile(config.path, health, report, self._clean)
        self._is_clock_right = is_clock_right
        self._stretches = Stretches(clock)
        self._done: list[Stretch] = []
        self._windows: list[WindowRow] = []
        self._pending = 0
        """Windows that are not yet in the file."""
        self._shed_with_stretches = self._shed_alone = 0
        """Windows dropped since the last commit: by their stretches, by their rows."""
        self._next_commit = self._next_cleaning = -math.inf

    def write(self, record: Record) -> int:
        """Take a window, a gap or a state, and commit when it is time. Returns how many
        windows that wrote. HistoryError when it fails."""
        from ..records import LiveRecord, WindowRecord

        if isinstance(record, LiveRecord | WindowRecord):
            self._pending += 1
            window = self._stretches.window_of(record) if self._config.windows else None
            if window is not None:
                self._windows.append(
                    (window.source, window.start, window.end, record.genre, record.confidence)
                )
        finished = self._stretches.add(record)
        if finished is not None:
            self._done.append(finished)
        return self.commit() if self._monotonic() >= self._next_commit else 0

    @property
    def held(self) -> int:
        """Windows that are not yet in the file."""
        return self._pending

    def tend(self) -> int:
        """Commit windows that wait, when it is time."""
        is_time = self._pending and self._monotonic() >= self._next_commit
        return self.commit() if is_time else 0

    def close(self) -> int:
        """Write what is left. Returns how many windows that wrote."""
        self._done += self._stretches.finish().values()
        try:
            return self.commit()
        finally:
            self._health.dropped += self._pending
            self._pending = 0
            self._file.close()

    def commit(self) -> int:
        """Write everything pending in one transaction. Returns how many windows that
        wrote. HistoryError if it fails, and all stays pending."""
        now = self._monotonic()
        growing = self._stretches.growing
        stretches = [*self._done, *growing.values()]
        if not stretches and not self._windows:
            return 0  # so the first window is written as soon as it comes
        self._next_commit = now + self._config.commit_seconds
        try:
            broken, lost = self._file.write(stretches, self._windows)
        except HistoryError:
            self._next_commit = now + _RETRY_SECONDS
            self._shed()
            raise
        self._stretches.growing = {k: one for k, one in growing.items() if one not in broken}
        self._done.clear()
        self._windows.clear()
        self._shed_with_stretches = self._shed_alone = 0
        self._health.dropped += lost
        written, self._pending = max(0, self._pending - lost), 0
        return written

    def _clean(self, file: sqlite3.Connection) -> None:
        """Delete what is too old or too much, now and then."""
        now = self._monotonic()
        if now < self._next_cleaning:
            return
        self._next_cleaning = now + _CLEANING_SECONDS
        if self._is_clock_right():
            delete_aged(file, self._clock() - self._config.keep_days * 86_400)
        delete_beyond(file, self._config.most_megabytes * 1e6)

    def _shed(self) -> None:
        """Keep memory bounded while nothing can be written. A window counts once: both
        its stretch and its row may be dropped."""
        before = max(self._shed_with_stretches, self._shed_alone)
        excess = max(0, len(self._done) - _MOST_PENDING)
        self._shed_with_stretches += sum(stretch.windows for stretch in self._done[:excess])
        del self._done[:excess]
        excess = max(0, len(self._windows) - _MOST_PENDING)
        self._shed_alone += excess
        del self._windows[:excess]
        lost = max(self._shed_with_stretches, self._shed_alone) - before
        self._health.dropped += lost
        self._pending = max(0, self._pending - lost)


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
        refuse_newer(config.path)
        return context.in_background(HistorySink(config, context.entry, report=context.report))

    return PlannedSink("history", config, make)


KIND = SinkKind(SECTION, _add_flags, _read_flags, _plan, _check_flags)
