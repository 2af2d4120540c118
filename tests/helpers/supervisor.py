"""A stand-in for systemd: a notify socket, a watchdog that kills, and a restart."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.helpers.waiting import BACKSTOP_SECONDS


def service_command(config: Path) -> list[str]:
    """What the systemd unit starts, with this configuration file."""
    return [sys.executable, "-m", "genre_edge", "service", "run", "--config", str(config)]


class Supervisor:
    """Runs a command as Type=notify, WatchdogSec= and Restart=always would."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        watchdog: float,
        restart_pause: float = 0.5,
    ) -> None:
        self._command, self._environment = list(command), dict(environment)
        self._watchdog, self._pause = watchdog, restart_pause
        address = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self._socket.settimeout(0.2)
        self._environment["NOTIFY_SOCKET"] = str(address)
        self.log = folder / "service.log"
        self.heard: list[tuple[float, str]] = []
        """(monotonic time, message) in order."""
        self.restarts = 0
        """Times the watchdog killed it."""
        self._ending = threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self._command, env=self._environment, stderr=out)
        self._last: float | None = None  # of the watchdog, once it is ready

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                message = self._socket.recv(4096).decode()
            except TimeoutError:
                message = ""
            now = time.monotonic()
            if message:
                self.heard.append((now, message))
            if "WATCHDOG=1" in message or ("READY=1" in message and self._last is None):
                self._last = now
            if self._last is not None and now - self._last > self._watchdog:
                self.restarts += 1
                self.heard.append((now, "-- killed by the watchdog"))
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
                time.sleep(self._pause)
                self._start()

    def said(self, part: str) -> list[float]:
        """When each message with this part came."""
        return [when for when, message in self.heard if part in message]

    def wait_for(self, part: str, count: int = 1, seconds: float = BACKSTOP_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while len(self.said(part)) < count:
            assert time.monotonic() < deadline, (part, self.heard[-5:], self.log.read_text())
            time.sleep(0.05)

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> int:
        self._ending.set()
        self._thread.join()
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        status = self.process.wait(timeout=BACKSTOP_SECONDS)
        self._socket.close()
        return status

    def status(self) -> dict[str, int]:
        """Threads, open files and resident memory (KB) now."""
        return resources_of(self.process.pid)


def resources_of(pid: int) -> dict[str, int]:
    """Threads, open files and resident memory (KB) of a process now."""
    folder = Path(f"/proc/{pid}")
    lines = (folder / "status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return {
        "threads": int(fields["Threads"]),
        "files": len(os.listdir(folder / "fd")),
        "kilobytes": int(fields["VmRSS"].split()[0]),
    }
