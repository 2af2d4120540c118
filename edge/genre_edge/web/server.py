"""waitress with this program's limits: slow clients are cut, and its own refusals are
problem+json too."""

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

_SPARE_THREADS = 8
"""For short requests, beside viewers and uploads."""
_IDLE_SECONDS = 30
"""A connection without a request for this long is closed."""
_SEND_SECONDS = 20.0
"""A client that takes nothing of what waits for it for this long is cut."""
_RECEIVE_SECONDS = 300.0
"""Longest time for sending a request."""
_LINGER_SECONDS = 5.0
"""How long what a refused client still sends is read and thrown away."""
_HIGH_WATER = 512 * 1024
"""Bytes that wait for one client before its thread waits too."""


class _Refusal(Error):  # type: ignore[misc]
    """waitress's own refusals, as the API has them."""

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
        """Closing while a refused client still sends would reset the connection before
        it has read why."""
        if self.lingers and self.connected and _LINGERING.acquire(blocking=False):
            threading.Thread(target=_drain, args=(self.socket.dup(),), daemon=True).start()
        super().handle_close()


_LINGERING = threading.Semaphore(8)


def _drain(connection: socket.socket) -> None:
    """Read what comes, for a short while, and keep nothing."""
    end = time.monotonic() + _LINGER_SECONDS
    try:
        with connection:
            connection.settimeout(1.0)
            connection.shutdown(socket.SHUT_WR)
            while time.monotonic() < end and connection.recv(1 << 16):
                pass
    except OSError:
        pass  # it has gone
    finally:
        _LINGERING.release()


class Server:
    """Serves an application on a thread of its own until it is closed."""

    def __init__(self, app: Flask, config: WebConfig, report: Callable[[str], None]) -> None:
        """GenreEdgeError if the address cannot be listened on."""
        self._report = report
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
                f"{config.host}:{config.port}: {error.strerror}; --port N takes another"
            ) from None
        self._server.channel_class = _Channel
        self.url = f"http://{_shown(config.host)}:{self._server.effective_port}"
        """Where it is."""
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=step, name=f"web {step.__name__}", daemon=True)
            for step in (self._serve, self._cut_slow)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop serving; open connections are closed."""
        self._closing.set()
        self._server.task_dispatcher.shutdown(timeout=2)
        self._server.close()

    def _serve(self) -> None:
        try:
            self._server.run()
        except OSError as error:
            if not self._closing.is_set():
                self._report(f"web: {error}")

    def _cut_slow(self) -> None:
        """Close the connections of clients that do not take what they asked for, or do
        not finish asking."""
        sizes: dict[int, tuple[int, float]] = {}
        while not self._closing.wait(1.0):
            now = time.monotonic()
            channels = list(self._server.active_channels.items())
            seen: dict[int, tuple[int, float]] = {}
            for number, channel in channels:
                waits = channel.total_outbufs_len
                before = sizes.get(number)
                moved = before is None or waits < before[0] or waits == 0
                seen[number] = (waits, now) if moved or before is None else (before[0], before[1])
                asking = (
                    channel.request is not None
                    and time.time() - channel.creation_time > _RECEIVE_SECONDS
                )
                if now - seen[number][1] > _SEND_SECONDS or asking:
                    with suppress(
                        OSError
                    ):  # waitress's own close waits until the client takes something
                        channel.socket.shutdown(socket.SHUT_RDWR)
            sizes = seen


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
