"""What alerts remember in a file: what is wrong, and what is still to be told to whom.

What has begun or is over is in the file before anybody is told, and leaves it once that
one has acknowledged it: nobody is told less than once.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import Fault, UsageError, os_reason
from ..files import Rights, ready_file, write_atomically
from ..text_files import read_text
from .alert import Alert
from .alert_watch import Remembered

MOST_WAITING = 10_000
"""Alerts that wait for one who does not take them, the latest."""
_MOST_BYTES = 1 << 26
"""Most that the file may have."""
_VERSION = 1
_LATEST = 1e11
"""Greatest time, s since 1970: in the year 5138."""
_WRITE_SECONDS = 1.0
"""While many are told, the file is written this often, s."""


class AlertMemory:
    """The file. Any thread may ask."""

    def __init__(self, path: Path, receivers: Sequence[str], report: Callable[[str], None]) -> None:
        """Read the file and keep other programs out of it. A new receiver is told of
        all that is wrong.

        Parameters
        ----------
        path : Path
            The file; its folder is made.
        receivers : sequence of str
            Names of those who are told.
        report : callable
            Takes a line about what goes wrong with the file, and about what is lost.

        Raises
        ------
        UsageError
            If it cannot be used, or another program uses it.
        """
        self._path, self._report = path, report
        self._trouble, self._is_changed, self._written = "", True, 0.0
        self._news = threading.Condition()
        self.known = Remembered()
        """What is wrong; for the thread that watches."""
        self._kept = Remembered()
        """The same, as the file has it."""
        self._waiting: dict[str, list[Alert]] = {}
        self._lock = _locked(path)
        try:
            self._ready(self._read(), receivers)
        except UsageError:
            os.close(self._lock)
            raise

    def _ready(self, waiting: dict[str, list[Alert]], receivers: Sequence[str]) -> None:
        for name in receivers:
            self._waiting[name] = waiting.get(name, list(self.known.on.values()))
        for name in waiting.keys() - self._waiting.keys():
            if waiting[name]:
                self._report(f"{name}: is told no longer; {len(waiting[name])} alerts are lost")
        self._write()

    def _read(self) -> dict[str, list[Alert]]:
        """Take up what the file says; returns what waits. A damaged one says nothing,
        and what is wrong is told again."""
        if not self._path.exists():
            return {}
        try:
            values = json.loads(read_text(self._path, most=_MOST_BYTES))
            if values["version"] > _VERSION:
                raise UsageError(
                    Fault("state", self._path, "was written by a newer genre-edge: update it")
                )
            told = [_alert(one) for one in values["on"]]
            quiet = {int(part): _time(at) for part, at in values["quiet_from"].items()}
            waiting = {
                str(name): [_alert(one) for one in alerts]
                for name, alerts in values["waiting"].items()
            }
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._report(f"{self._path}: is damaged: what is wrong is told again")
            return {}
        self.known = Remembered({one.key: one for one in told}, quiet)
        self._kept = self.known.copy()
        return waiting

    def keep(self, alerts: Sequence[Alert]) -> None:
        """Keep what is known now, and alerts that everybody is to be told of. Called
        after each look."""
        with self._news:
            for name, waiting in self._waiting.items():
                waiting += alerts
                lost = len(waiting) - MOST_WAITING
                if lost > 0:
                    del waiting[:lost]
                    self._report(f"{name}: takes no alerts: the oldest {lost} are lost")
            if self._kept != self.known:
                self._kept, self._is_changed = self.known.copy(), True
            self._is_changed |= bool(alerts)
            self._write()
            self._news.notify_all()

    def waiting(self, name: str) -> list[Alert]:
        """What a receiver is still to be told, the oldest first."""
        with self._news:
            return list(self._waiting[name])

    def told(self, name: str, alert: Alert) -> None:
        """A receiver has acknowledged an alert."""
        with self._news:
            if alert in self._waiting[name]:
                self._waiting[name].remove(alert)
            self._is_changed = True
            if not self._waiting[name] or time.monotonic() - self._written > _WRITE_SECONDS:
                self._write()

    def wait(self, name: str, seconds: float) -> None:
        """Wait until something is to be told to a receiver, or `wake` is called.

        Parameters
        ----------
        name : str
            The receiver.
        seconds : float
            Longest wait, s.
        """
        with self._news:
            if not self._waiting[name]:
                self._news.wait(seconds)

    def wake(self) -> None:
        """End all waits."""
        with self._news:
            self._news.notify_all()

    def close(self) -> None:
        """Write what is not yet written, and let other programs use the file."""
        with self._news:
            self._write()
        os.close(self._lock)

    def _write(self) -> None:
        """Write the file if it is out of date. That it cannot be written is told once:
        alerts are told all the same, and some of them again after a restart."""
        if not self._is_changed:
            return
        values = {
            "version": _VERSION,
            "on": [asdict(one) for one in self._kept.on.values()],
            "quiet_from": self._kept.quiet_from,
            "waiting": {name: [asdict(one) for one in w] for name, w in self._waiting.items()},
        }
        trouble = ""
        try:
            write_atomically(self._path, json.dumps(values) + "\n", True, Rights(0o600))
            self._is_changed, self._written = False, time.monotonic()
        except OSError as error:
            trouble = f"cannot be written ({os_reason(error)})"
        if trouble != self._trouble:
            self._report(f"{self._path}: {trouble or 'can be written again'}")
        self._trouble = trouble


def _alert(values: dict[str, Any]) -> Alert:
    """An alert from the file. TypeError, KeyError."""
    until = values["until"]
    return Alert(
        None if values["device"] is None else str(values["device"]),
        str(values["kind"]),
        str(values["text"]),
        None if values["since"] is None else _time(values["since"]),
        None if until is None else _time(until),
    )


def _time(value: Any) -> float:
    """A time from the file, one that a calendar has. ValueError, TypeError."""
    time = float(value)
    if not abs(time) < _LATEST:
        raise ValueError(value)
    return time


def _locked(path: Path) -> int:
    """A file beside the state, locked: the state itself is replaced. UsageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ready_file(path, "state")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(path.with_name(f"{path.name}.lock"), flags, 0o600)
    except OSError as error:
        raise UsageError(Fault("state", path, os_reason(error))) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise UsageError(
            Fault("state", path, "another genre-edge alerts uses it: give each a file of its own")
        ) from None
    return lock
