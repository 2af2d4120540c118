"""Devices of a fleet and their collector, as the tests run them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genre_edge.fleet.batch import Incoming
from genre_edge.records import compact_json, iso8601

from tests.helpers.waiting import wait_for


def stretch_payload(number: int, at: float, **more: Any) -> bytes:
    """The stretch of 30 s of a device that begins at a time."""
    values = {
        "type": "stretch",
        "source": "usb:1",
        "label": "jazz",
        "start": iso8601(at),
        "end": iso8601(at + 30),
        "windows": 10,
        "confidence": 0.8,
        "id": f"abc-s{number}",
    }
    return compact_json(values | more).encode()


def health_payload(at: float, **more: Any) -> bytes:
    """A device's health."""
    values = {
        "state": "listening",
        "windows": 7,
        "dropped_seconds": 0.0,
        "sinks": [],
        "model": "gtzan-edge.int8",
        "waiting": 0,
        "version": "0.2.0",
        "time": iso8601(at),
    }
    return compact_json(values | more).encode()


def incoming(topic: str, payload: bytes, received: float, retained: bool = False) -> Incoming:
    """A message that has come on a device's topic."""
    return Incoming(f"music/{topic}", payload, received, retained)


class Collecting:
    """genre-edge collect, or another command, in a process of its own, and what it
    says."""

    def __init__(self, *arguments: object, command: str = "collect") -> None:
        words = [sys.executable, "-m", "genre_edge", command, *map(str, arguments)]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.said.extend(iter(self.process.stdout.readline, ""))

    def wait_to_say(self, words: str) -> None:
        wait_for(lambda: any(words in line for line in self.said), f"{words!r} in {self.said}")

    def end(self) -> int:
        """Ask it to stop; returns its exit status."""
        self.process.terminate()
        return self.wait()

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        status = self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@contextmanager
def collecting(*arguments: object, command: str = "collect") -> Iterator[Collecting]:
    """While it lasts, such a process; it is killed in the end if it still runs."""
    found = Collecting(*arguments, command=command)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.kill()


def subscribed(log: Path, session: str, times: int = 1) -> bool:
    """Whether a broker's log has the subscription of a collector."""
    found = (log / "log").read_text(errors="replace")
    return found.count(f"Sending SUBACK to genre-edge-collect-{session}") >= times
