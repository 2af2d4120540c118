"""Telling systemd that the service is ready and alive (sd_notify(3)), and leaving a
sign of life for others."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

_LEAST_SECONDS = 1.0
"""Shortest time between two signs of life."""
_EXTEND_SECONDS = 60.0
"""How much longer each sign of life lets the start take."""


def alive_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The file whose time of change is the last sign of life: in $RUNTIME_DIRECTORY,
    which is memory, or nowhere."""
    folder = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(folder) / "genre-edge.alive" if folder else None


class Notifier:
    """Sends to the socket that systemd names in $NOTIFY_SOCKET, and touches
    `alive_file`; does neither without them."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._file = alive_file(environment)
        self._clock = clock
        self._is_ready = False
        self._next = 0.0

    def ready(self, status: str) -> None:
        """The service works."""
        self._is_ready = True
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self) -> None:
        """A sign of life: feeds the watchdog or, before `ready`, asks for more time to
        start."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + _LEAST_SECONDS
        if self._file is not None:
            with suppress(OSError):
                self._file.touch()
        self._send(
            "WATCHDOG=1" if self._is_ready else f"EXTEND_TIMEOUT_USEC={_EXTEND_SECONDS * 1e6:.0f}"
        )

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={text}")

    def reloading(self) -> None:
        """The configuration is being read again; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The service is about to end."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.connect(self._address)
                out.send(text.encode())
        except OSError:
            pass  # nobody to tell
