"""What a service says about itself: to systemd's journal with fields, elsewhere as
lines on standard error.

Made for an SD card: the same text is written once an hour, further ones are counted.
When they have ended, the last of each text is written, so that the log ends with what
is true.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .console import harmless
from .quiet import STDERR

INFO, NOTICE, WARNING, ERROR = 6, 5, 4, 3
"""Priorities as syslog numbers them."""
HOUR = 3600.0
_QUIET_SECONDS = 600.0
"""Repeats have ended when a text has not come for so long, s."""
JOURNAL = Path("/run/systemd/journal/socket")
"""Where systemd's journal takes entries."""
_MOST_TEXTS = 200
"""Different texts remembered for counting."""


@dataclass
class _Text:
    """A text that was written, and what came of it since."""

    written: float
    """When, by the log's clock, s."""
    last: float
    """When it came last, s."""
    priority: int
    fields: Mapping[str, object]
    repeats: int = 0
    """How often it came since it was written."""


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
        self._seen: dict[str, _Text] = {}
        self._timer: threading.Timer | None = None

    def say(
        self, text: str, priority: int = WARNING, always: bool = False, **fields: object
    ) -> None:
        """Write an entry, unless the same text was written within the hour; then count
        it. `always` is for an answer to somebody: it is never left out."""
        now = self._clock()
        with self._lock:
            seen = self._seen.get(text)
            if seen is not None and now - seen.written < HOUR and not always:
                seen.repeats, seen.last, seen.fields = seen.repeats + 1, now, fields
                self._look_again()
                return
            more = seen.repeats if seen else 0
            if len(self._seen) >= _MOST_TEXTS:
                self._seen.pop(next(iter(self._seen)))
            self._seen.pop(text, None)
            self._seen[text] = _Text(now, now, priority, fields)
        self._write(f"{text} (and {more} times before)" if more else text, priority, fields)

    def settle(self) -> None:
        """Write the texts that were counted and come no more, in the order in which
        they came last."""
        now = self._clock()
        with self._lock:
            self._timer = None
            counted = [(text, seen) for text, seen in self._seen.items() if seen.repeats]
            over = [one for one in counted if now - one[1].last >= _QUIET_SECONDS]
            over.sort(key=lambda one: one[1].last)
            for text, seen in over:
                more, seen.repeats, seen.written = seen.repeats, 0, now
                told = f"{text} (and {more - 1} times before)" if more > 1 else text
                self._write(told, seen.priority, seen.fields)
            if len(over) < len(counted):
                self._look_again()

    def _look_again(self) -> None:
        """Settle after a while, if nobody will yet."""
        if self._timer is None:
            self._timer = threading.Timer(_QUIET_SECONDS, self.settle)
            self._timer.daemon = True
            self._timer.start()

    def _write(self, text: str, priority: int, fields: Mapping[str, object]) -> None:
        text = "\n".join(harmless(line) for line in text.splitlines())
        if self._journal is not None and self._to_journal(self._journal, text, priority, fields):
            return
        # A log that cannot be written is no reason to stop listening.
        with STDERR, suppress(OSError, ValueError):
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
