"""The HTTP server: waitress, which disconnects stalled clients and holds off crowds."""

from __future__ import annotations

import errno
import resource
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from ..errors import GenreEdgeError
from ..settings.tables import WebConfig
from .admission import ENVELOPE_BYTES
from .channel import Bodies, Channel
from .stalls import StallDetector

_SPARE_THREADS = 24
"""Threads for short requests, besides those for viewers and uploads."""
_IDLE_SECONDS = 30
"""A connection without a request for this long is closed."""
_SEND_SECONDS = 20.0
"""A client is disconnected when it takes nothing of its answer for this long."""
_RECEIVE_SECONDS = 300.0
"""Longest time for sending a request."""
_HEADER_SECONDS = 15.0
"""Longest time for sending the headers of a request."""
_SPARE_CONNECTIONS = 100
"""Connections besides the viewers' that are left alone. Of more, those that have waited
longest for the end of a request are closed."""
_MOST_CONNECTIONS = 600
"""Connections besides the viewers' that are open at once."""
_HIGH_WATER = 512 * 1024
"""Bytes that may wait for one client before its thread waits too."""
_STALL_CHECK_SECONDS = 1.0
"""Time between two looks at all connections."""
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_SECONDS = 1.0
"""No connection is accepted for this long after the system had no room for one."""
_SAY_AGAIN_SECONDS = 600.0
"""That a connection or a request has to wait is said once in this time."""


class _NowAndThen:
    """Passes on one line in a while, whatever it says."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report, self._said_at = report, float("-inf")

    def say(self, line: str) -> None:
        """Report a line, unless one was reported not long ago."""
        now = time.monotonic()
        if now - self._said_at > _SAY_AGAIN_SECONDS:
            self._said_at = now
            self._report(line)


class _Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Threads that answer requests. waitress has a line for each request that waits."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__()
        self.queue_logger = self
        self._busy = _NowAndThen(report)
        self.is_closing = False
        """Whether requests wait because nobody will answer them."""

    def warning(self, *_: object) -> None:
        """Say that a request has to wait, in place of waitress's line."""
        if self.is_closing:
            return
        self._busy.say(f"web: a request has to wait: {len(self.threads)} are answered at once")


class _Listener(TcpWSGIServer):  # type: ignore[misc]
    """One listening socket. Where the system has no room for a connection, it waits."""

    channel_class = Channel
    bodies: Bodies
    waits: _NowAndThen
    in_connection_overflow: bool
    is_closing = False
    _paused_until = 0.0

    def readable(self) -> bool:
        """Whether connections are accepted now."""
        if self.is_closing:
            return False
        is_full = len(self._map) >= self.adj.connection_limit
        if is_full and not self.in_connection_overflow:
            self._say(f"all {self.adj.connection_limit} are in use")
        self.in_connection_overflow = is_full  # so waitress does not write a line each time
        return bool(super().readable()) and time.monotonic() >= self._paused_until

    def handle_close(self) -> None:
        """Its socket was shut down, by `Server.close`, which goes on to close it."""
        self.del_channel()

    def accept(self) -> Any:
        """The next connection, or None."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            self._say(str(error.strerror))
            return None

    def _say(self, reason: str) -> None:
        self.waits.say(f"web: a connection has to wait: {reason}")


class Server:
    """Serves an application on a thread of its own until it is closed.

    Parameters
    ----------
    app
        The application.
    config
        Address, port and limits.
    bodies
        Decides which requests may send a body.
    report
        Gets one line if the server fails.
    send_seconds, receive_seconds, header_seconds
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
        bodies: Bodies,
        report: Callable[[str], None],
        send_seconds: float = _SEND_SECONDS,
        receive_seconds: float = _RECEIVE_SECONDS,
        header_seconds: float = _HEADER_SECONDS,
    ) -> None:
        self._report = report
        most = _connection_limit(config.viewers)
        # Fewer than the most, so that there is room for those that come next.
        crowd = min(config.viewers + _SPARE_CONNECTIONS, most // 2)
        self._stalls = StallDetector(send_seconds, receive_seconds, header_seconds, crowd)
        self._map: dict[int, Any] = {}
        self._dispatcher = _Dispatcher(report)
        self._listeners: list[_Listener] = []
        try:
            adjustments = Adjustments(
                host=config.host,
                port=config.port,
                threads=config.viewers + config.uploads + _SPARE_THREADS,
                connection_limit=most,
                max_request_body_size=round(config.upload_mb * 1e6) + ENVELOPE_BYTES + 1,
                max_request_header_size=16_384,
                channel_timeout=_IDLE_SECONDS,
                cleanup_interval=5,
                outbuf_high_watermark=_HIGH_WATER,
                asyncore_use_poll=True,
                clear_untrusted_proxy_headers=False,  # `proxies` decides whom to believe
                ident="genre-edge",
            )
            # A name may stand for several addresses; "any free port" is one port.
            for place in adjustments.listen[: None if config.port else 1]:
                listener = _Listener(
                    app, self._map, dispatcher=self._dispatcher, adj=adjustments, sockinfo=place
                )
                listener.bodies, listener.waits = bodies, _NowAndThen(report)
                self._listeners.append(listener)
        except (OSError, ValueError) as error:
            wasyncore.close_all(self._map)
            reason = getattr(error, "strerror", None) or "is no address of this machine"
            raise GenreEdgeError(
                f"{config.host}:{config.port}: {reason}; choose another port with --port N"
            ) from None
        self._dispatcher.set_thread_count(adjustments.threads)
        self.port = int(self._listeners[0].effective_port)
        """Port of the page."""
        self.url = f"http://{_in_url(config.host)}:{self.port}"
        """Address of the page."""
        self._closing = threading.Event()
        for name, work in (("web", self._serve), ("web stalls", self._watch_for_stalls)):
            threading.Thread(target=work, name=name, daemon=True).start()

    def close(self) -> None:
        """Stop serving, and close all connections."""
        self._closing.set()
        self._dispatcher.is_closing = True
        for listener in self._listeners:
            # The loop may be waiting for it, and would keep its port in use.
            listener.is_closing = True
            _shut(listener.socket)
        self._dispatcher.shutdown(cancel_pending=False, timeout=2)
        for listener in self._listeners:
            for channel in list(listener.active_channels.values()):
                _shut(channel.socket)
            listener.close()

    def _serve(self) -> None:
        try:
            wasyncore.loop(timeout=1, map=self._map, use_poll=True)
        except OSError as error:
            if not self._closing.is_set():
                self._report(f"web: the server stopped: {error}")

    def _watch_for_stalls(self) -> None:
        while not self._closing.wait(_STALL_CHECK_SECONDS):
            channels = [
                channel
                for listener in self._listeners
                for channel in list(listener.active_channels.values())
            ]
            for channel in self._stalls.stalled(channels, time.monotonic()):
                # Not waitress's own close: it waits until the client takes something.
                _shut(channel.socket)


def _shut(one: socket.socket | None) -> None:
    """End a connection, or what listens for them, at once; None is closed already."""
    if one is not None:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _connection_limit(viewers: int) -> int:
    """Connections at once: fewer than this process may have open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = viewers + _MOST_CONNECTIONS
    return wanted if files == resource.RLIM_INFINITY else max(64, min(wanted, files - 200))


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
