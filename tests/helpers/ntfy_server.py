"""A server that speaks as ntfy does, and takes JSON from anybody else.

Source: https://docs.ntfy.sh/publish/ ("Publish as JSON", "Authentication"), and its
errors, such as {"code":40101,"http":401,"error":"unauthorized"}.
"""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USER, PASSWORD, TOPIC = "me", "open-sesame", "music-7f3a"


class NtfyServer:
    """Keeps the messages that it was sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.needs_password = False
        self.answers: list[int] = []
        """Statuses of the next answers; 200 after that."""
        self.free = threading.Event()
        """Until it is set, a server that `hangs` answers nobody."""
        self.hangs = False
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if server.hangs:
                    server.free.wait()
                status = server.answers.pop(0) if server.answers else 200
                if server.needs_password and not self.is_known():
                    status = 401
                answer = {"code": status * 100 + 1, "http": status, "error": "unauthorized"}
                if status == 200:
                    server.headers.append(dict(self.headers))
                    server.messages.append(content)
                    answer = {"id": "hwQ2YpKdmg", "time": 1772362920, "event": "message"}
                body = json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # the client gave up

            def is_known(self) -> bool:
                word = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                return self.headers.get("Authorization") == f"Basic {word}"

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"ntfy://{self.host}/{TOPIC}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
