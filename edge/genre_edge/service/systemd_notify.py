"""Telling systemd that the service is ready and running (sd_notify(3)), and leaving a
heartbeat for other health checks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

SERVICE_HEARTBEAT = Path("/run/genre-edge/genre-edge.alive")
"""The heartbeat of the service that systemd runs for the whole system."""
_HEARTBEAT_SECONDS = 1.0
"""Shortest time between two heartbeats that are sent."""
_START_EXTENSION_SECONDS = 60.0
"""How much longer each heartbeat lets the start take."""


def heartbeat_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Find the file whose modification time is the last heartbeat.

    Parameters
    ----------
    environment
        RUNTIME_DIRECTORY names the folder, which systemd keeps in memory.

    Returns
    -------
    Path or None
        None if RUNTIME_DIRECTORY is not set: then no file is written.
    """
    folder = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(folder) / "genre-edge.alive" if folder else None


class Notifier:
    """Sends the state of the service to systemd, and touches the heartbeat file.

    Without NOTIFY_SOCKET nothing is sent, and without RUNTIME_DIRECTORY no file is
    touched: a program that nobody supervises needs neither.

    Parameters
    ----------
    environment
        NOTIFY_SOCKET and RUNTIME_DIRECTORY, as systemd sets them.
    clock
        Seconds that only increase.
    """

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._file = heartbeat_file(environment)
        self._clock = clock
        self._is_ready = False
        self._next_heartbeat = 0.0
        self._trouble = ""

    def ready(self, status: str) -> None:
        """Say that the service works, with one line for `systemctl status`."""
        self._is_ready = True
        self._send(f"READY=1\nSTATUS={status}")

    def heartbeat(self, trouble: str = "") -> None:
        """Say that the service still runs; call it as often as you like.

        It feeds the watchdog. Before `ready` it asks for more time to start instead.

        Parameters
        ----------
        trouble
            What does not work although it should, in one line. The file holds it.
        """
        now = self._clock()
        if now < self._next_heartbeat:
            return
        self._next_heartbeat = now + _HEARTBEAT_SECONDS
        if self._file is not None:
            with suppress(OSError):
                if trouble != self._trouble:
                    self._file.write_text(trouble, encoding="utf-8", errors="replace")
                self._file.touch()
            self._trouble = trouble
        if self._is_ready:
            self._send("WATCHDOG=1")
        else:
            self._send(f"EXTEND_TIMEOUT_USEC={_START_EXTENSION_SECONDS * 1e6:.0f}")

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send(f"STATUS={text}")

    def reloading(self) -> None:
        """Say that the configuration is being read again; `ready` ends this."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the service is about to end."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        import socket

        # A supervisor that is gone must not stop the service.
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
        ):
            out.connect(self._address)
            out.send(message.encode())
