"""genre-edge that listens, in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from queue import Queue
from typing import Any

from tests.helpers.supervisor import resources_of
from tests.helpers.waiting import BACKSTOP_SECONDS

PATIENCE = 120
"""Longest wait for anything, s: a test that hangs ends, one on a busy machine does
not."""


class Listening:
    """genre-edge --format json in a process of its own, its records read as they
    come."""

    def __init__(self, environment: Mapping[str, str], *arguments: object) -> None:
        command = [sys.executable, "-m", "genre_edge", "--format", "json", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.seen: list[dict[str, Any]] = []
        """Every record that was taken so far."""
        self._records: Queue[dict[str, Any] | None] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._records.put(json.loads(line))
        self._records.put(None)

    def _next(self) -> dict[str, Any] | None:
        """The next record, or None at the end of the output."""
        record = self._records.get(timeout=PATIENCE)
        if record is not None:
            self.seen.append(record)
        return record

    def wait_for(self, **fields: object) -> dict[str, Any]:
        """The next record with these fields; earlier ones are skipped."""

        def has_them(record: dict[str, Any]) -> bool:
            return all(record.get(name) == value for name, value in fields.items())

        return self.wait_until(has_them, f"a record with {fields}")

    def wait_until(self, is_it: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The next record that it is; earlier ones are skipped, though not for ever."""
        end = time.monotonic() + BACKSTOP_SECONDS
        while (record := self._next()) is not None:
            if is_it(record):
                return record
            assert time.monotonic() < end, f"waited in vain: {what}"
        raise AssertionError(f"no {what}; it ended with {self.errors()}")

    def stop(self, number: int = signal.SIGTERM) -> str:
        """Ask it to stop and take its last records; returns its standard error."""
        self.process.send_signal(number)
        self.process.wait(timeout=PATIENCE)
        while self._next() is not None:
            pass
        return self.errors()

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def status(self) -> dict[str, int]:
        """Threads, open files and resident memory (KB) now."""
        return resources_of(self.process.pid)

    def close(self) -> None:
        """Leave nothing running and nothing open."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
