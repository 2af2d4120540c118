"""Bodies: nothing of one is kept before its headers have been looked at, and the sum of
all is bounded."""

from __future__ import annotations

import os
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from genre_edge.settings.tables import WebConfig
from genre_edge.web.admission import Admission
from genre_edge.web.guard import Guard
from genre_edge.web.problems import Problem
from genre_edge.web.server import Server

from tests.helpers.waiting import BACKSTOP_SECONDS, wait_for
from tests.helpers.webserver import problem
from tests.web.conftest import service_state
from tests.web.test_server import connected

TOKEN = "correct horse"
ALLOWED = {"HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}


@pytest.fixture
def config(tmp_path: Path) -> WebConfig:
    (tmp_path / "token").write_text(TOKEN)
    return WebConfig(port=0, token_file=tmp_path / "token", upload_mb=2, upload_total_mb=3)


@pytest.fixture
def admission(config: WebConfig) -> Admission:
    return Admission(Guard(config), config)


@pytest.fixture
def server(config: WebConfig, admission: Admission) -> Iterator[Server]:
    running = Server(Flask("empty"), config, admission, print)
    yield running
    running.close()


def refusal(admission: Admission, path: str, length: int | None, **headers: str) -> int:
    with pytest.raises(Problem) as found:
        admission.admit({**ALLOWED, **headers}, path, length)
    return found.value.status


def test_a_body_without_the_token_is_refused(admission: Admission) -> None:
    assert refusal(admission, "/api/classify", 1, HTTP_AUTHORIZATION="Bearer wrong") == 401
    assert refusal(admission, "/api/classify", 1, HTTP_ORIGIN="https://evil.example") == 403
    assert refusal(admission, "/api/classify", 1, HTTP_HOST="evil.example") == 403
    assert admission.taken_bytes == 0


def test_each_path_has_its_own_largest_body(admission: Admission) -> None:
    assert refusal(admission, "/api/classify", 2_100_001) == 413
    assert refusal(admission, "/api/window", 8_000_001) == 413
    assert refusal(admission, "/api/session", 10_001) == 413
    assert refusal(admission, "/", 10_001) == 413


def test_the_sum_of_bodies_is_bounded(admission: Admission) -> None:
    first = admission.admit(ALLOWED, "/api/classify", 2_000_000)
    assert refusal(admission, "/api/classify", 1_000_001) == 429
    admission.release(first)
    assert admission.taken_bytes == 0


def test_a_chunked_body_takes_room_as_it_arrives(admission: Admission) -> None:
    bodies = [admission.admit(ALLOWED, "/api/classify", None) for _ in range(4)]
    assert bodies == [0] * 4, "none of them shuts the others out"
    bodies = [admission.grow("/api/classify", body, 700_000) for body in bodies]
    assert admission.taken_bytes == 2_800_000
    with pytest.raises(Problem) as full:
        admission.grow("/api/classify", bodies[0], 900_001)
    assert full.value.status == 429
    with pytest.raises(Problem) as large:
        admission.grow("/api/session", bodies[0], 10_001)
    assert large.value.status == 413
    for body in bodies:
        admission.release(body)
    assert admission.taken_bytes == 0


HEAD = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_small_chunked_uploads_at_once_are_received(server: Server, admission: Admission) -> None:
    clients = [connected(server) for _ in range(4)]
    piece = b"186a0\r\n" + bytes(100_000) + b"\r\n"
    for client in clients:
        client.sendall(f"POST /api/classify HTTP/1.1\r\n{HEAD}".encode() + piece)
    wait_for(lambda: admission.taken_bytes == 400_000, "all four are kept")
    for client in clients:
        client.sendall(b"0\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 404 "), "this server has no such page"
        client.close()
    wait_for(lambda: admission.taken_bytes == 0, "their room is given back")


def test_a_chunked_body_that_grows_too_large_is_refused(
    server: Server, admission: Admission
) -> None:
    with connected(server) as client:
        piece = b"4000\r\n" + bytes(16_384) + b"\r\n"
        client.sendall(f"POST /api/session HTTP/1.1\r\n{HEAD}".encode() + piece)
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    wait_for(lambda: admission.taken_bytes == 0, "its room is given back")


def open_files() -> int:
    """Bytes of the files without a name that this process has open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            if "(deleted)" in os.readlink(entry):
                found += entry.stat().st_size
        except OSError:
            continue
    return found


def test_a_stranger_is_refused_before_the_body_is_sent(server: Server) -> None:
    before = open_files()
    with connected(server) as client:
        client.sendall(
            b"POST /api/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1999999\r\n\r\n"
        )
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"application/problem+json" in answer
    assert open_files() == before


def test_a_body_that_is_given_up_gives_its_room_back(server: Server, admission: Admission) -> None:
    head = (
        f"POST /api/classify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Length: 1999999\r\n\r\n"
    )
    with connected(server) as client:
        client.sendall(head.encode() + bytes(1_000_000))
        wait_for(lambda: admission.taken_bytes == 1_999_999, "its room is taken")
    wait_for(lambda: admission.taken_bytes == 0, "and given back")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.post(f"{server.url}/nowhere", data=b"x", headers=headers)
    assert answer.status_code == 404
    wait_for(lambda: admission.taken_bytes == 0, "the room of one that was answered")


def test_what_follows_a_refused_request_is_no_request(server: Server) -> None:
    with connected(server) as client:
        client.sendall(
            b"POST /api/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n"
            b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        client.settimeout(2.0)
        answer = b""
        try:
            while piece := client.recv(4096):
                answer += piece
        except OSError:
            pass
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("files", [1024, 256])
def test_a_crowd_of_dripping_clients_does_not_silence_the_service(monkeypatch, files: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (files, files))
    config = WebConfig(port=0, viewers=1, uploads=1)
    app = Flask("health")
    app.add_url_rule("/healthz", view_func=lambda: "ok")
    never = 600.0  # what room there is comes of the crowd alone
    running = Server(app, config, Admission(Guard(config), config), print, header_seconds=never)
    stop = threading.Event()
    clients = [connected(running) for _ in range(260)]

    def drip() -> None:
        while not stop.wait(0.5):
            for client in clients:
                try:
                    client.send(b"X")
                except OSError:
                    continue

    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nX-Drip: ")
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        for _ in range(3):
            assert requests.get(f"{running.url}/healthz", timeout=BACKSTOP_SECONDS).text == "ok"
        wait_for(
            lambda: sum(len(one.active_channels) for one in running._listeners) <= 110,
            "those that waited longest are gone",
        )
    finally:
        stop.set()
        thread.join()
        for client in clients:
            client.close()
        running.close()


def test_where_no_descriptor_is_left_one_line_says_so(tmp_path: Path) -> None:
    config = WebConfig(port=0, viewers=1, uploads=1)
    said: list[str] = []
    app = Flask("health")
    app.add_url_rule("/healthz", view_func=lambda: "ok")
    running = Server(app, config, Admission(Guard(config), config), said.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    address = urlsplit(running.url)
    clients = [socket.socket() for _ in range(5)]
    used = len(list(Path("/proc/self/fd").iterdir())) - 1
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
        for client in clients:
            client.connect((address.hostname, address.port))
        wait_for(lambda: said, "it is said")
        time.sleep(2.5)  # several pauses
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        assert said == ["web: a connection has to wait: Too many open files"]
        assert requests.get(f"{running.url}/healthz", timeout=BACKSTOP_SECONDS).text == "ok"
    finally:
        for client in clients:
            client.close()
        running.close()


def test_what_an_earlier_version_left_is_swept(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, new, other = (tmp_path / f"genre-edge-{name}" for name in ("old", "new", "other"))
    for folder in (old, new):
        folder.mkdir()
        (folder / "upload").write_bytes(b"audio")
    other.mkdir()
    (other / "mine").touch()
    for folder in (old, other):
        os.utime(folder, (0, 0))
    service_state(WebConfig(), tmp_path)
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)


def test_a_form_is_one_copy_and_the_file_in_it_is_whole(tmp_path: Path, demo_clip) -> None:
    """Whatever stands in the form before and behind the file."""
    from genre_edge.settings.load import load
    from genre_edge.sinks import kinds
    from genre_edge.web.prediction_service import PredictionService

    settings, _ = load(kinds.sections(), flags={"web": {"port": 0}}, environment={})
    service = PredictionService(settings, None, print)
    try:
        content = demo_clip.read_bytes() + bytes(700_000)  # more than waitress keeps in memory
        form = [
            ("note", ("a.txt", b"x" * 100_000)),
            ("file", ("song.flac", content)),
            ("more", ("b.txt", b"y" * 100_000)),
        ]
        answer = requests.post(f"{service.url}/api/classify", files=form, timeout=BACKSTOP_SECONDS)
        assert answer.status_code == 200, answer.text
        assert answer.json()["verdict"]["file"] == "song.flac"
        raw = requests.post(
            f"{service.url}/api/classify", data=content, timeout=BACKSTOP_SECONDS
        ).json()
        assert raw["verdict"]["scores"] == answer.json()["verdict"]["scores"]
        assert problem(requests.post(f"{service.url}/api/classify", data=b""), 422)
    finally:
        service.close()
