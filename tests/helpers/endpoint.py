"""An HTTP server that webhooks POST to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Endpoint:
    """An HTTP server that remembers what it was sent and answers as told."""

    def __init__(self, port: int = 0) -> None:
        """A port that is not 0 may have been another's before."""
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.location = ""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.requests.append((dict(self.headers), body))
                status = endpoint.answers.pop(0) if endpoint.answers else 204
                try:
                    self.send_response(status)
                    if endpoint.location:
                        self.send_header("Location", endpoint.location)
                    self.end_headers()
                except OSError:
                    pass  # the client gave up

            def do_GET(self) -> None:
                endpoint.requests.append((dict(self.headers), b"GET"))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
