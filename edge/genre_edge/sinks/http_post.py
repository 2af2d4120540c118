"""One HTTP POST: no longer than its time, and to that address alone."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..console import harmless
from ..errors import GenreEdgeError

_MOST_QUOTED = 200
"""Letters of what others say that a message quotes."""


class PostError(GenreEdgeError):
    """There was no answer."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    """HTTP status."""
    moved_to: str
    """The other address that it names, with `***` for the path, which is often as
    secret as that of the first; empty if it names none."""


def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
    """Send a body and wait for the status of the answer.

    A redirect is an answer as any other: what is sent may be secret, and is for this
    address.

    Parameters
    ----------
    url : str
        http:// or https://. A proxy of the environment is used, as elsewhere.
    body : bytes
        What is sent.
    headers : mapping
        Further headers.
    seconds : float
        Time for all of it, from asking the name server to the last byte of the headers,
        s.

    Raises
    ------
    PostError
        If there is no whole answer in time.
    """
    handlers = (_NoRedirect(), _Http(), _Https())
    opener = urllib.request.build_opener(*handlers)

    def is_late() -> bool:
        return any(handler.is_late for handler in handlers[1:])

    request = urllib.request.Request(url, body, dict(headers), method="POST")
    try:
        with opener.open(request, timeout=seconds) as answer:
            found = Answer(answer.status, "")
    except urllib.error.HTTPError as error:
        with error:
            found = Answer(error.code, _moved_to(url, error.headers.get("Location") or ""))
    except (OSError, ValueError, http.client.HTTPException) as error:
        trouble = getattr(error, "reason", "") or error
        if is_late() or isinstance(trouble, TimeoutError):
            raise PostError(f"no answer within {seconds:g} s") from None
        raise PostError(_told(trouble)) from None
    if is_late():  # headers that end because the connection was closed look whole
        raise PostError(f"no answer within {seconds:g} s")
    return found


def _told(trouble: object) -> str:
    """What went wrong, in one short line. Errors of Python's library quote the address,
    which may be secret, and the answer, which may be anything."""
    kind = type(trouble).__name__
    if isinstance(trouble, OSError | str):
        return harmless(str(trouble) or kind)[:_MOST_QUOTED]
    if isinstance(trouble, ValueError | http.client.InvalidURL):
        return f"the request cannot be made ({kind})"
    return f"the answer is no HTTP ({kind})"


def _moved_to(url: str, location: str) -> str:
    """The server that a redirect names; its path is left out."""
    if not location:
        return ""
    try:
        new = urllib.parse.urlsplit(urllib.parse.urljoin(url, location))
    except ValueError:
        return "none that can be read"
    host = new.netloc.rpartition("@")[2]
    return f"{harmless(f'{new.scheme}://{host}')[:_MOST_QUOTED]}/***"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    is_late = False

    def _as_any_other(self, *_: Any) -> None:
        """Leave it to what makes an HTTPError of every status."""

    http_error_301: Any = _as_any_other
    http_error_302: Any = _as_any_other
    http_error_303: Any = _as_any_other
    http_error_307: Any = _as_any_other
    http_error_308: Any = _as_any_other


def _resolved(host: str, port: int, seconds: float) -> list[Any]:
    """The addresses of a host, as socket.getaddrinfo gives them; TimeoutError. That
    call has no timeout of its own, so a thread waits for it, which may be left."""
    found: list[Any] = []
    failed: list[Exception] = []

    def resolve() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            # A label of 64 letters is none, a wrong one that says so in many words.
            failed.append(error if isinstance(error, OSError) else OSError("no such name"))

    thread = threading.Thread(target=resolve, name=f"resolve {host}", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError
    return found


class _Deadline:
    """Closes a connection when its time is over, whatever it waits for then. A timeout
    of a socket counts from each byte anew, and for each address of a host."""

    sock: socket.socket | None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._handler: Any = named.pop("handler")
        super().__init__(*arguments, **named)
        self._end_time = time.monotonic() + named["timeout"]
        self._create_connection = self._connected  # what http.client calls to connect
        self._timer = threading.Timer(named["timeout"], self._end)
        self._timer.daemon = True
        self._timer.start()

    def _end(self) -> None:
        self._handler.is_late = True
        with suppress(OSError):
            if self.sock is not None:
                # Not SSLSocket's own, which takes the session from under a handshake.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def _connected(self, address: tuple[str, int], *_: Any) -> socket.socket:
        """A connection to the first address of the host that answers. OSError."""
        trouble = OSError("no address")
        for family, kind, protocol, _name, place in _resolved(*address, self._left()):
            wire = socket.socket(family, kind, protocol)
            try:
                wire.settimeout(self._left())
                wire.connect(place)
                return wire
            except OSError as error:
                wire.close()
                trouble = error
        raise trouble

    def _left(self) -> float:
        """Time that is left, s, more than nothing. TimeoutError."""
        left: float = self._end_time - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def getresponse(self) -> http.client.HTTPResponse:
        try:
            answer: http.client.HTTPResponse = super().getresponse()  # type: ignore[misc]
            return answer
        finally:
            self._timer.cancel()

    def close(self) -> None:
        self._timer.cancel()
        super().close()  # type: ignore[misc]


class _HttpConnection(_Deadline, http.client.HTTPConnection):
    pass


class _HttpsConnection(_Deadline, http.client.HTTPSConnection):
    def connect(self) -> None:
        # The socket is known before the handshake, so that its time can end too.
        http.client.HTTPConnection.connect(self)
        host = getattr(self, "_tunnel_host", None) or self.host
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        assert self.sock is not None
        self.sock = context.wrap_socket(
            self.sock, server_hostname=host, do_handshake_on_connect=False
        )
        self.sock.do_handshake()


class _Http(urllib.request.HTTPHandler):
    is_late = False

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(_HttpConnection, request, handler=self)


class _Https(urllib.request.HTTPSHandler):
    is_late = False

    def https_open(self, request: urllib.request.Request) -> Any:
        context = self._context  # type: ignore[attr-defined]
        return self.do_open(_HttpsConnection, request, context=context, handler=self)
