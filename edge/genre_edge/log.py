"""What a service says about itself: to systemd's journal with fields, elsewhere as
lines on standard error.

Made for an SD card: the same text is written once an hour, further ones are counted.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from .console import harmless
from .quiet import STDERR

INFO, NOTICE, WARNING, ERROR = 6, 5, 4, 3
"""Priorities as syslog numbers them."""
HOUR = 3600.0
JOURNAL = Path("/run/systemd/journal/socket")
"""Where systemd's journal takes entries."""
_MOST_TEXTS = 200
"""Different texts remembered for counting."""


class Log:
    """Writes entries, from any thread. Fields are named GENRE_EDGE_... in the
    journal."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        journal: Path = JOURNAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The journal is used when systemd has connected standard error to it."""
        self._journal = journal if environment.get("JOURNAL_STREAM") and journal.exists() else None
        self._clock, self._lock = clock, threading.Lock()
        self._seen: dict[
            str, list[float]
        ] = {}  # text -> [when it was written, how often it came since]

    def say(self, text: str, priority: int = WARNING, **fields: object) -> None:
        """Write an entry, unless the same text was written within the hour; then count
        it."""
        now = self._clock()
        with self._lock:
            seen = self._seen.get(text)
            if seen is not None and now - seen[0] < HOUR:
                seen[1] += 1
                return
            more = int(seen[1]) if seen else 0
            if len(self._seen) >= _MOST_TEXTS:
                self._seen.pop(next(iter(self._seen)))
            self._seen.pop(text, None)
            self._seen[text] = [now, 0]
        self._write(f"{text} (and {more} times before)" if more else text, priority, fields)

    def _write(self, text: str, priority: int, fields: Mapping[str, object]) -> None:
        text = "\n".join(harmless(line) for line in text.splitlines())
        if self._journal is not None and self._to_journal(self._journal, text, priority, fields):
            return
        with STDERR:
            for line in text.splitlines():
                print(f"genre-edge: {line}", file=sys.stderr, flush=True)

    @staticmethod
    def _to_journal(journal: Path, text: str, priority: int, fields: Mapping[str, object]) -> bool:
        """The journal's native protocol: KEY=VALUE a line; newlines would need its
        binary form."""
        entry = {
            "MESSAGE": text.replace("\n", "; "),
            "PRIORITY": priority,
            "SYSLOG_IDENTIFIER": "genre-edge",
        }
        entry |= {f"GENRE_EDGE_{name.upper()}": value for name, value in fields.items()}
        lines = "".join(f"{key}={harmless(str(value))}\n" for key, value in entry.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.connect(str(journal))
                out.send(lines.encode())
        except OSError:
            return False
        return True
