"""What an injected fault has cost, and the windows that are handed over meanwhile."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from genre_edge.records import LiveRecord, iso8601

START = 1_790_000_000.0


@dataclass
class Outcome:
    """What one kind of fault has cost."""

    tries: int = 0
    """Faults injected."""
    survived: int = 0
    """Times that everything went on as promised."""
    records: int = 0
    """Records that were handed over."""
    counted: int = 0
    """Those that were lost, and that the program counted."""
    lost: int = 0
    """Those that were lost without a word."""

    def add(self, handed: int, kept: int, counted: int) -> None:
        """Take note of one try."""
        missing = handed - kept - counted
        self.tries += 1
        self.records += handed
        self.counted += counted
        self.lost += max(0, missing)
        self.survived += missing <= 0


def live(number: int, at: float | None = None, label: str = "jazz") -> LiveRecord:
    """The window of 3 s with this number."""
    start = 3.0 * number
    when = iso8601(START + start if at is None else at)
    return LiveRecord(
        *(start, start + 3, label, 0.8, {label: 0.8}, when, "usb:1", -20.0, "listening", 5.0),
        *(label, label, 0.8),
    )


def windows_in(path: Path) -> int:
    """How many windows a history has."""
    with closing(sqlite3.connect(path)) as file:
        return int(file.execute("SELECT coalesce(sum(windows), 0) FROM stretches").fetchone()[0])


@contextmanager
def few_files() -> Iterator[None]:
    """Meanwhile this process can open no file and no socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
