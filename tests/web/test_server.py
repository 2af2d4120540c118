"""The HTTP server: clients that stall are disconnected, and its refusals are
problem+json."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask, Response
from genre_edge.settings.tables import WebConfig
from genre_edge.web import server as server_module
from genre_edge.web.admission import Admission
from genre_edge.web.guard import Guard
from genre_edge.web.server import Server

from tests.helpers.waiting import BACKSTOP_SECONDS, wait_for
from tests.helpers.webserver import problem

Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Serves an application with limits of its own."""
    running: list[Server] = []

    def serve(app: Flask, **limits: float) -> Server:
        config = WebConfig(port=0)
        bodies = Admission(Guard(config), config)
        running.append(Server(app, config, bodies, print, **limits))
        return running[-1]

    yield serve
    for server in running:
        server.close()


def connected(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    client = socket.socket()
    client.settimeout(BACKSTOP_SECONDS)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    return client


def is_disconnected(client: socket.socket) -> bool:
    """Whether the server ends the connection; waits until it does."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.fixture
def endless() -> tuple[Flask, threading.Event]:
    """An application whose answer has no end, and what is set when it is given up."""
    app = Flask("endless")
    given_up = threading.Event()

    @app.get("/")
    def answer() -> Response:
        def parts() -> Iterator[bytes]:
            try:
                while True:
                    yield bytes(1 << 16)
            finally:
                given_up.set()

        return Response(parts())

    return app, given_up


def test_a_client_that_takes_nothing_is_disconnected(start: Start, endless) -> None:
    app, given_up = endless
    with connected(start(app, send_seconds=0.5)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert given_up.wait(BACKSTOP_SECONDS), "the thread of its answer is free again"


def test_the_answer_of_a_client_that_leaves_is_given_up(start: Start, endless) -> None:
    app, given_up = endless
    with connected(start(app)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1)
    assert given_up.wait(BACKSTOP_SECONDS)


def test_a_client_that_never_ends_its_request_is_disconnected(start: Start) -> None:
    with connected(start(Flask("idle"), receive_seconds=0.5)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        assert is_disconnected(client)


def test_a_refusal_by_the_server_itself_is_problem_json(start: Start) -> None:
    server = start(Flask("small"))
    answer = requests.get(server.url, headers={"X-Long": "x" * 20_000})
    assert problem(answer, 431)


def test_a_port_that_is_in_use_is_one_line_with_the_remedy(server, cli) -> None:
    port = urlsplit(server.url).port
    done = cli("serve", "--port", port)
    expected = f"127.0.0.1:{port}: Address already in use; choose another port with --port N"
    assert (done.returncode, done.stderr) == (1, f"genre-edge: {expected}\n")


def test_that_all_connections_are_in_use_is_said_once(monkeypatch, caplog) -> None:
    monkeypatch.setattr(server_module, "_connection_limit", lambda viewers: 6)
    app, said = Flask("short"), list[str]()
    app.add_url_rule("/", view_func=lambda: "ok")
    config = WebConfig(port=0)
    server = Server(app, config, Admission(Guard(config), config), said.append)
    try:
        for _ in range(3):
            clients = [connected(server) for _ in range(10)]
            wait_for(lambda: server._listeners[0].in_connection_overflow, "no room is left")
            for client in clients:
                client.close()
            wait_for(lambda: not server._listeners[0].in_connection_overflow, "there is again")
        assert requests.get(server.url).text == "ok"
    finally:
        server.close()
    assert said == ["web: a connection has to wait: all 6 are in use"]
    assert not caplog.records, "nothing comes from waitress itself"


def test_that_requests_have_to_wait_is_said_once(caplog) -> None:
    app, said, go_on = Flask("busy"), list[str](), threading.Event()
    app.add_url_rule("/", view_func=lambda: str(go_on.wait(BACKSTOP_SECONDS)))
    config = WebConfig(port=0, viewers=1, uploads=1)
    server = Server(app, config, Admission(Guard(config), config), said.append)
    queue = server._dispatcher.queue
    clients = [connected(server) for _ in range(46)]
    try:
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_for(lambda: len(queue) >= 20, "they wait for a thread")
    finally:
        go_on.set()
        for client in clients:
            assert client.recv(12) == b"HTTP/1.1 200"
            client.close()
        server.close()
    assert said == ["web: a request has to wait: 26 are answered at once"]
    assert not caplog.records, "nothing comes from waitress itself"
