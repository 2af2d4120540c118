"""A radio station: an HTTP server that sends MP3 without end, and can fail."""

from __future__ import annotations

import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_RATE = 16_000
"""Bytes of MP3 in a second: 128 kbit/s."""
_BURST_SECONDS = 2
"""What a listener gets at once."""
_STEP_SECONDS = 0.1


def mp3_of(clip: Path) -> bytes:
    """A clip as MP3 of 128 kbit/s, without any header before its frames."""
    command = ["ffmpeg", "-v", "error", "-i", str(clip), "-b:a", "128k", "-write_xing", "0"]
    options = ["-ar", "44100", "-id3v2_version", "0", "-f", "mp3", "-"]
    return subprocess.run([*command, *options], check=True, capture_output=True).stdout


class Radio:
    """Sends `content` again and again in real time, after a burst."""

    def __init__(self, content: bytes, kind: str = "audio/mpeg") -> None:
        self.content, self.kind = content, kind
        self.refuses = False
        """Whether it answers 503."""
        self.asks_for_password = False
        """Whether it answers 401 to those who send none."""
        self.endless = True
        """Whether the content is repeated, in real time; else it is sent once, at
        once."""
        self.silent = threading.Event()
        """While it is set, no listener gets anything."""
        self.asked: list[dict[str, str]] = []
        """The headers of each request."""
        self._listeners: list[socket.socket] = []
        self._closing = threading.Event()
        radio = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                radio._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def drop(self) -> None:
        """Disconnect every listener."""
        for listener in self._listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has gone
        self._listeners.clear()

    def close(self) -> None:
        """End."""
        self._closing.set()
        self.drop()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(dict(request.headers))
        if self.refuses:
            request.send_error(503)
            return
        if self.asks_for_password and "Authorization" not in request.headers:
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="radio"')
            request.end_headers()
            return
        request.send_response(200)
        request.send_header("Content-Type", self.kind)
        request.end_headers()
        if not self.endless:
            request.wfile.write(self.content)
            return
        self._listeners.append(request.connection)
        try:
            self._send(request)
        except OSError:
            return  # the listener has gone

    def _send(self, request: BaseHTTPRequestHandler) -> None:
        at, size = 0, _BURST_SECONDS * _RATE
        while not self._closing.wait(_STEP_SECONDS):
            if self.silent.is_set():
                continue
            piece = (self.content * 2)[at : at + size]
            request.wfile.write(piece)
            at = (at + size) % len(self.content)
            size = round(_STEP_SECONDS * _RATE)
