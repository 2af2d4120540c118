"""What rules remember through reloads and restarts of the program."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ...errors import UsageError
from ...files import write_atomically
from ...text_files import read_text
from .heard import Heard
from .rule import Sent

_HANDOVER_SECONDS = 30.0
"""What a rule heard that ended before that is out of date, s."""


class Memory:
    """Of all rules of a program. When each has sent last is kept in a file, too."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Read the file.

        Parameters
        ----------
        path : Path
            The file. One that cannot be read, or makes no sense, says nothing.
        clock : callable
            Gives a time that only increases, s.
        wall : callable
            Gives the time, UTC, s since 1970.
        """
        self._path, self._clock, self._wall = path, clock, wall
        self._sent: dict[str, Sent] = {}
        self.heard: dict[str, Heard] = {}
        """{title of a rule: what it has heard}."""
        self.turn = threading.Lock()
        """One message at a time: a small board has memory for one child."""
        self._lock = threading.Lock()
        self._read()

    def _read(self) -> None:
        with suppress(UsageError, ValueError, TypeError, AttributeError):
            for title, one in json.loads(read_text(self._path)).items():
                ago = max(0.0, self._wall() - float(one["time"]))
                self._sent[str(title)] = Sent(self._clock() - ago, str(one["day"]))

    def of(self, title: str) -> Sent:
        """What the rule of this title has sent."""
        return self._sent.setdefault(title, Sent())

    def heard_by(self, title: str) -> Heard | None:
        """What the rule of this title has heard; for a new one, what another has."""
        own = [self.heard[title]] if title in self.heard else []
        for heard in (*own, *self.heard.values()):
            if heard.ended is None or self._clock() - heard.ended < _HANDOVER_SECONDS:
                return heard
        return None

    def keep(self) -> None:
        """Write the file. OSError."""
        now, wall = self._clock(), self._wall()
        with self._lock:
            table = {
                title: {"time": round(wall - (now - one.at), 1), "day": one.day}
                for title, one in self._sent.items()
                if one.at is not None
            }
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(table, indent=1) + "\n")
