"""The API: bytes of a request as they arrive, and requests to every route."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from flask import Flask
from genre_edge.settings.tables import EngineConfig, WebConfig
from genre_edge.web.admission import Admission
from genre_edge.web.app import create_app
from genre_edge.web.channel import Parser
from genre_edge.web.guard import Guard
from genre_edge.web.problems import Problem
from genre_edge.web.state import WebState
from waitress.adjustments import Adjustments

from ..damage import damaged
from ..target import Target, Unexpected

_PATHS = ["/", "/api/model", "/api/history?by=hour&since=7d", "/api/window?rate=48000&format=int16"]
_PATHS += [
    "/api/classify?stream=1",
    "/api/session",
    "/api/live",
    "/healthz",
    "/metrics",
    "/static/main.js",
]
_PATHS += ["/api/openapi.json", "/api/demo.flac", "/vendor/uPlot.css"]
_FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\nRIFF\r\n--x--\r\n"
)
_BODIES = (b'{"token":"\\ud800"}', b'{"token":"correct horse"}', bytes(64), _FORM)
_HEADERS = {
    "Host": b"localhost:8080",
    "Origin": b"http://localhost:8080",
    "Authorization": b"Bearer correct horse",
    "Cookie": b"genre_edge=0123456789abcdef",
    "Content-Type": b"multipart/form-data; boundary=x",
    "Sec-Fetch-Site": b"same-origin",
    "Range": b"bytes=0-10",
    "If-None-Match": b'"x"',
}
_REQUESTS = tuple(
    b"POST /api/classify HTTP/1.1\r\n"
    + b"".join(name.encode() + b": " + text + b"\r\n" for name, text in _HEADERS.items())
    + rest
    for rest in (
        b"Content-Length: 10\r\n\r\n0123456789",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n\r\n",
        b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n0123",
    )
)


class _NoUploads:
    """Classifies nothing: that has a target of its own."""

    done = refused = 0

    def classify(self, body: Any, name: str) -> Any:
        body.read(100) if hasattr(body, "read") else None
        raise Problem(422, name)


@cache
def _service() -> tuple[Flask, Admission]:
    folder = Path(mkdtemp(prefix="fuzz-api-"))
    (folder / "token").write_text("correct horse")
    config = WebConfig(token_file=folder / "token")
    state = WebState(config, EngineConfig(), folder / "none.db")
    state.uploads = _NoUploads()  # type: ignore[assignment]
    return create_app(state), Admission(Guard(config), config)


def attempt(chance: random.Random, folder: Path) -> None:
    """Parse one request, or answer one."""
    if chance.random() < 0.5:
        _parse(chance)
    else:
        _ask(chance)


def _parse(chance: random.Random) -> None:
    _, admission = _service()
    content = damaged(chance, _REQUESTS)
    parser = Parser(Adjustments(), admission, "127.0.0.1")
    at = 0
    while at < len(content) and not parser.completed:
        piece = content[at : at + chance.choice((1, 7, 8192))]
        taken = parser.received(piece)
        if taken <= 0:
            raise Unexpected("nothing was taken")
        at += taken
    if parser.error is not None:
        parser.error.to_response()
    parser.close()
    if admission.taken_bytes:
        raise Unexpected("room was not given back")


def _ask(chance: random.Random) -> None:
    app, _ = _service()
    path = damaged(chance, [one.encode() for one in _PATHS]).decode("latin-1")
    headers: Mapping[str, str] = {
        name: _one_line(damaged(chance, [text]) if chance.random() < 0.3 else text)
        for name, text in _HEADERS.items()
        if chance.random() < 0.6
    }
    method = chance.choice(("GET", "GET", "POST", "HEAD", "OPTIONS", "PUT", "X"))
    with app.test_client() as client:
        try:
            answer = client.open(
                "/" + path.lstrip("/"),
                method=method,
                headers=headers,
                data=damaged(chance, _BODIES),
                buffered=True,
            )
        except (UnicodeError, ValueError) as error:
            if "genre_edge" in repr(error.__traceback__):
                raise
            return  # the test's client cannot send this
    if answer.status_code >= 500 and answer.status_code != 503:
        raise Unexpected(f"{method} {path!r} {headers}: {answer.status_code} {answer.data[:200]!r}")


def _one_line(text: bytes) -> str:
    return text.replace(b"\r", b"").replace(b"\n", b"").decode("latin-1")


TARGET = Target("api", attempt)
