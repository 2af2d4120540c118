"""One connection of waitress: a body is admitted on its headers, refusals are
problem+json, and a refused client can read its answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from waitress.utilities import Error

from . import problems
from .problems import Problem

_LINGER_SECONDS = 5.0
"""How long to read, and to ignore, what a refused client still sends."""
_BOTHER = 16
"""Lingering clients at once; more are disconnected at once."""
_REASONS = {401: "Unauthorized", 403: "Forbidden", 413: "Request Entity Too Large"}
_REASONS |= {429: "Too Many Requests", 503: "Service Unavailable"}


class Bodies(Protocol):
    """Decides on bodies; `admission.Admission` is one."""

    def admit(self, environ: Mapping[str, object], path: str, length: int | None) -> int:
        """Take the room for a body. Problem."""
        ...

    def grow(self, path: str, taken: int, length: int) -> int:
        """Take the room for what has arrived of a chunked body. Problem."""
        ...

    def release(self, taken: int) -> None:
        """Give that room back."""
        ...


class Refusal(Error):  # type: ignore[misc]
    """A refusal by the server itself, in the form that the API has."""

    def __init__(self, error: Error | Problem) -> None:
        if isinstance(error, Problem):
            super().__init__(error.detail)
            self.code, self.reason = error.status, _REASONS.get(error.status, "Refused")
            self._headers = problems.headers(error)
        else:
            super().__init__(error.body)
            self.code, self.reason = error.code, error.reason
            self._headers = []

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status line, headers and body."""
        headers = [
            ("Content-Type", "application/problem+json"),
            ("Connection", "close"),
            *self._headers,
        ]
        return f"{self.code} {self.reason}", headers, problems.body(self.code, self.body).encode()


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """One request while it arrives."""

    error: Error | None

    def __init__(self, adj: Any, bodies: Bodies, address: str) -> None:
        super().__init__(adj)
        self._bodies, self._address = bodies, address
        self._taken = 0
        self._is_looked_at = False

    def received(self, data: bytes) -> int:
        """Take what has arrived; returns how much of it belongs to this request."""
        try:
            taken: int = super().received(data)
            if self.headers_finished and not self._is_looked_at:
                self._is_looked_at = True
                self._look_at_headers()
            elif self.error is None and self.chunked and self.body_rcv is not None:
                self._taken = self._bodies.grow(self.path, self._taken, len(self.body_rcv))
        except Problem as problem:
            self.error = Refusal(problem)
        except OSError as error:  # a full disk, or no descriptor left for the body
            self.error = Refusal(Problem(503, f"cannot keep the upload: {error.strerror}"))
        if self.error is None:
            return taken
        if not isinstance(self.error, Refusal):
            self.error = Refusal(self.error)
        self.completed, self.expect_continue = True, False
        return len(data)  # what follows is no request

    def _look_at_headers(self) -> None:
        if self.error is not None or self.body_rcv is None:
            return
        length = None if self.chunked else self.content_length
        self._taken = self._bodies.admit(self._environ(), self.path, length)

    def _environ(self) -> dict[str, object]:
        environ: dict[str, object] = {f"HTTP_{name}": text for name, text in self.headers.items()}
        return {
            **environ,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": self.path,
            "REMOTE_ADDR": self._address,
            "wsgi.url_scheme": "http",
        }

    def close(self) -> None:
        """Let the body and its room go."""
        super().close()
        taken, self._taken = self._taken, 0
        if taken:
            self._bodies.release(taken)


class _RefusalTask(ErrorTask):  # type: ignore[misc]
    def execute(self) -> None:
        self.channel.lingers = True
        super().execute()


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection."""

    error_task_class = _RefusalTask
    lingers = False
    request: Parser | None

    def parser_class(self, adj: Any) -> Parser:
        """What takes the next request."""
        address = self.addr[0] if isinstance(self.addr, tuple) else ""
        return Parser(adj, self.server.bodies, address)

    def handle_close(self) -> None:
        """Close the connection, but let a refused client read the answer first.

        Closing while the client still sends would reset the connection.
        """
        if self.lingers and self.connected and _LINGERING.acquire(blocking=False):
            threading.Thread(target=_drain, args=(self.socket.dup(),), daemon=True).start()
        super().handle_close()
        with self.requests_lock:
            unfinished, self.request = self.request, None
        if unfinished is not None:
            unfinished.close()


_LINGERING = threading.Semaphore(_BOTHER)


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
