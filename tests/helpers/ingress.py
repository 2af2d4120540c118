"""Reverse proxies in front of the page: one that does what Home Assistant and its
Supervisor do with an add-on's page, and a real nginx."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.broker import free_port
from tests.helpers.waiting import wait_for

_DROPPED = {"content-length", "content-encoding", "transfer-encoding", "accept-encoding"}
_NOT_BACK = {"transfer-encoding", "content-length", "connection", "date", "server"}
FRAME = b"<!doctype html><title>Home</title><iframe src='%s' width=880 height=1000></iframe>"


def own_address() -> str:
    """An address of this machine that is not the loopback; skips where there is
    none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        pytest.skip("needs an address in a network")
    return address


class Ingress:
    """Home Assistant with one add-on: the house's own page at the top shows the
    add-on's in a frame, as the sidebar does."""

    PREFIX = "/api/hassio_ingress/t0k_en-1"

    def __init__(self, target: str) -> None:
        """Pass requests on to `target`, from the address that it is served at."""
        self.seen: list[tuple[str, str]] = []
        """Method and path of each request of the page."""
        self.open: set[http.client.HTTPConnection] = set()
        """Connections to the service that have not ended."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, target))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://localhost:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for one in list(self.open):
            if one.sock is not None:
                one.sock.shutdown(socket.SHUT_RDWR)
        wait_for(lambda: not self.open, "requests have ended")


def _handler(ingress: Ingress, target: str) -> type[BaseHTTPRequestHandler]:
    parts = urlsplit(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            if not self.path.startswith(f"{ingress.PREFIX}/"):
                return self._house()
            if "ingress_session=open" not in self.headers.get("Cookie", ""):
                return self._answer(401, {}, b"")
            ingress.seen.append((self.command, self.path))
            there = http.client.HTTPConnection(
                str(parts.hostname), parts.port, source_address=(str(parts.hostname), 0)
            )
            ingress.open.add(there)
            try:
                self._pass_on(there)
            except (OSError, http.client.HTTPException):
                self.close_connection = True
            finally:
                there.close()
                ingress.open.discard(there)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 (the base class's names)

        def _house(self) -> None:
            cookie = {"Set-Cookie": "ingress_session=open; Path=/api/hassio_ingress/; HttpOnly"}
            page = FRAME % f"{ingress.PREFIX}/".encode() if self.path == "/" else b""
            self._answer(200, {"Content-Type": "text/html", **cookie}, page)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _pass_on(self, there: http.client.HTTPConnection) -> None:
            """The prefix goes, and so does the length: bodies are streamed."""
            sent = {
                name: value for name, value in self.headers.items() if name.lower() not in _DROPPED
            }
            sent |= {
                "X-Hass-Source": "core.ingress",
                "X-Ingress-Path": ingress.PREFIX,
                "X-Forwarded-For": f"{self.client_address[0]}, 172.30.32.1",
                "X-Forwarded-Host": self.headers["Host"],
                "X-Forwarded-Proto": "http",
                "X-Remote-User-Name": "someone",
            }
            length = int(self.headers.get("Content-Length", 0))
            body = iter([self.rfile.read(length)]) if self.command != "GET" else None
            there.request(
                self.command,
                self.path.removeprefix(ingress.PREFIX),
                body,
                sent,
                encode_chunked=body is not None,
            )
            found = there.getresponse()
            self.send_response(found.status)
            for name, value in found.getheaders():
                if name.lower() not in _NOT_BACK:
                    self.send_header(name, value)
            if found.status in (204, 304):
                self.end_headers()
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while piece := found.read1(65536):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

    return Handler


class Nginx:
    """A real nginx with one location in front of the service."""

    def __init__(self, folder: Path, location: str) -> None:
        """Serve `location`, a block of nginx's configuration."""
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not Path(program).exists():
            pytest.skip("needs nginx (script/setup installs it)")
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        temporary = "\n".join(
            f"{name}_temp_path {folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"pid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log {folder}/access.log;\n"
            f"{temporary}\nserver {{\nlisten 127.0.0.1:{port};\n{location}\n}}\n}}\n"
        )
        files = ["-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        self._process = subprocess.Popen([program, *files, "-g", "daemon off; master_process off;"])
        self.url = f"http://localhost:{port}"
        wait_for(lambda: _is_open(port), f"nginx: {folder}/error.log")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
