"""The HTTP server: waitress, which disconnects stalled clients and refuses bad requests
with problem+json."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask
from waitress.utilities import Error

from ..errors import GenreEdgeError
from ..settings.tables import WebConfig
from . import problems
from .stalls import StallDetector

_SPARE_THREADS = 8
"""Threads for short requests, besides those for viewers and uploads."""
_IDLE_SECONDS = 30
"""A connection without a request for this long is closed."""
_SEND_SECONDS = 20.0
"""A client is disconnected when it takes nothing of its answer for this long."""
_RECEIVE_SECONDS = 300.0
"""Longest time for sending a request."""
_LINGER_SECONDS = 5.0
"""How long to read, and to ignore, what a refused client still sends."""
_HIGH_WATER = 512 * 1024
"""Bytes that may wait for one client before its thread waits too."""
_STALL_CHECK_SECONDS = 1.0
"""Time between two looks at all connections."""


class _Refusal(Error):  # type: ignore[misc]
    """A refusal by waitress itself, in the form that the API has."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.body)
        self.code, self.reason = error.code, error.reason

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status line, headers and body."""
        headers = [("Content-Type", "application/problem+json"), ("Connection", "close")]
        return f"{self.code} {self.reason}", headers, problems.body(self.code, self.body).encode()


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    error: Error | None

    def received(self, data: bytes) -> int:
        taken: int = super().received(data)
        if self.error is not None and not isinstance(self.error, _Refusal):
            self.error = _Refusal(self.error)
        return taken


class _RefusalTask(ErrorTask):  # type: ignore[misc]
    def execute(self) -> None:
        self.channel.lingers = True
        super().execute()


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser
    error_task_class = _RefusalTask
    lingers = False

    def handle_close(self) -> None:
        """Close the connection, but let a refused client read the answer first.

        Closing while the client still sends would reset the connection.
        """
        if self.lingers and self.connected and _LINGERING.acquire(blocking=False):
            threading.Thread(target=_drain, args=(self.socket.dup(),), daemon=True).start()
        super().handle_close()


_LINGERING = threading.Semaphore(8)


def _drain(connection: socket.socket) -> None:
    """Read and ignore what comes, for a short while."""
    end = time.monotonic() + _LINGER_SECONDS
    try:
        with connection:
            connection.settimeout(1.0)
            connection.shutdown(socket.SHUT_WR)
            while time.monotonic() < end and connection.recv(1 << 16):
                pass
    except OSError:
        pass  # the client is gone
    finally:
        _LINGERING.release()


class Server:
    """Serves an application on a thread of its own until it is closed.

    Parameters
    ----------
    app
        The application.
    config
        Address, port and limits.
    report
        Gets one line if the server fails.
    send_seconds, receive_seconds
        Limits for stalled clients, as StallDetector takes them.

    Raises
    ------
    GenreEdgeError
        The address is in use, or is not an address of this machine.
    """

    def __init__(
        self,
        app: Flask,
        config: WebConfig,
        report: Callable[[str], None],
        send_seconds: float = _SEND_SECONDS,
        receive_seconds: float = _RECEIVE_SECONDS,
    ) -> None:
        self._report = report
        self._stalls = StallDetector(send_seconds, receive_seconds)
        try:
            self._server: Any = create_server(
                app,
                host=config.host,
                port=config.port,
                threads=config.viewers + config.uploads + _SPARE_THREADS,
                connection_limit=config.viewers + 200,
                max_request_body_size=round(config.upload_mb * 1e6) + 100_000,
                max_request_header_size=16_384,
                channel_timeout=_IDLE_SECONDS,
                cleanup_interval=5,
                outbuf_high_watermark=_HIGH_WATER,
                asyncore_use_poll=True,
                ident="genre-edge",
            )
        except OSError as error:
            raise GenreEdgeError(
                f"{config.host}:{config.port}: {error.strerror}; choose another port with --port N"
            ) from None
        self._server.channel_class = _Channel
        self.url = f"http://{_in_url(config.host)}:{self._server.effective_port}"
        """Address of the page."""
        self._closing = threading.Event()
        for name, work in (("web", self._serve), ("web stalls", self._watch_for_stalls)):
            threading.Thread(target=work, name=name, daemon=True).start()

    def close(self) -> None:
        """Stop serving, and close all connections."""
        self._closing.set()
        self._server.task_dispatcher.shutdown(timeout=2)
        self._server.close()

    def _serve(self) -> None:
        try:
            self._server.run()
        except OSError as error:
            if not self._closing.is_set():
                self._report(f"web: the server stopped: {error}")

    def _watch_for_stalls(self) -> None:
        while not self._closing.wait(_STALL_CHECK_SECONDS):
            channels = list(self._server.active_channels.values())
            for channel in self._stalls.stalled(channels, time.monotonic()):
                # Not waitress's own close: it waits until the client takes something.
                with suppress(OSError):
                    channel.socket.shutdown(socket.SHUT_RDWR)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
