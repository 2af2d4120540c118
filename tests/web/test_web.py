"""The prediction service, asked over HTTP: what it answers, what it refuses, and what
cannot harm it."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
import soundfile
from flask import Flask, Response
from genre_edge.audio.files import read_mono
from genre_edge.health import Health
from genre_edge.records import StateRecord
from genre_edge.settings.tables import WebConfig
from genre_edge.web import server as serving
from genre_edge.web.hub import Hub
from genre_edge.web.problems import Problem

from tests.conftest import noise
from tests.helpers.webserver import WebServer


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[WebServer]:
    running = WebServer(tmp_path_factory.mktemp("web"))
    yield running
    assert running.stop() == 0


def problem(answer: requests.Response, status: int) -> str:
    """The detail of an error, which must be problem+json."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    return body["detail"]


# --- classification


def test_an_upload_gets_what_classify_prints(server, demo_clip, cli) -> None:
    printed = [
        json.loads(line)
        for line in cli("classify", demo_clip, "--format", "json").stdout.splitlines()
    ]
    expected = [{**record, "file": "my song.flac"} for record in printed]
    with demo_clip.open("rb") as file:
        form = requests.post(
            f"{server.url}/api/classify", files={"file": ("../../my song.flac", file)}
        )
    assert [*form.json()["windows"], form.json()["verdict"]] == expected
    streamed = requests.post(
        f"{server.url}/api/classify?stream=1&name=/etc/my song.flac", data=demo_clip.read_bytes()
    )
    assert streamed.headers["Content-Type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in streamed.text.splitlines()] == expected


@pytest.mark.parametrize(("kind", "scale"), [("float32", 1.0), ("int16", 32768.0)])
def test_a_window_of_pcm_gets_what_classify_says_of_it(
    server, demo_clip, cli, kind: str, scale: float
) -> None:
    samples = read_mono(demo_clip, 22050)[: 3 * 22050]
    data = (
        (samples if kind == "float32" else np.rint(samples * scale))
        .astype("<f4" if kind == "float32" else "<i2")
        .tobytes()
    )
    found = requests.post(f"{server.url}/api/window?rate=22050&format={kind}", data=data).json()
    (first, *_) = map(
        json.loads, cli("classify", demo_clip, "--format", "json").stdout.splitlines()
    )
    assert found["genre"] == first["genre"]
    assert (
        max(abs(found["scores"][label] - first["scores"][label]) for label in found["scores"])
        <= 1 / 256
    )
    resampled = requests.post(
        f"{server.url}/api/window?rate=48000", data=noise(3.0, 48000).tobytes()
    )
    assert sum(resampled.json()["scores"].values()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "says"),
    [
        ("classify", b"", {}, 422, "empty"),
        ("classify?name=notes.txt", b"no audio at all", {}, 422, "notes.txt: cannot be decoded"),
        (
            "classify",
            b"{}",
            {"Content-Type": "application/json"},
            415,
            "application/json: send audio",
        ),
        ("classify?stream=yes", b"x", {}, 422, "stream: must be 0 or 1"),
        ("window", b"", {}, 422, "rate: must be"),
        ("window?rate=7", b"", {}, 422, "rate: must be"),
        ("window?rate=22050&format=mp3", b"", {}, 422, "format: must be"),
        ("window?rate=22050", b"123", {}, 422, "no whole number"),
        ("window?rate=22050", bytes(4 * 22050), {}, 422, "1.00 s: must be 3 s"),
        ("window?rate=8000", bytes(4 * 8000 * 11), {}, 413, "more than 10 s"),
        ("window?rate=22050", np.full(66150, np.nan, "<f4").tobytes(), {}, 422, "finite"),
    ],
)
def test_bad_requests_are_told_what_is_wrong(server, path, body, headers, status, says) -> None:
    assert says in problem(
        requests.post(f"{server.url}/api/{path}", data=body, headers=headers), status
    )


def test_paths_and_methods_that_are_not_there(server) -> None:
    assert problem(requests.get(f"{server.url}/api/nothing"), 404)
    assert problem(requests.get(f"{server.url}/static/../app.py"), 404)
    assert problem(requests.get(f"{server.url}/static/%2e%2e/app.py"), 404)
    answer = requests.delete(f"{server.url}/api/model")
    assert problem(answer, 405)
    assert "GET" in answer.headers["Allow"]
    assert "serve --live" in problem(requests.get(f"{server.url}/api/live"), 409)
    assert "no history" in problem(requests.get(f"{server.url}/api/history"), 404)


def test_reports(server) -> None:
    model = requests.get(f"{server.url}/api/model").json()
    assert model["name"].startswith("gtzan-edge")
    assert len(model["labels"]) == 10
    assert requests.get(f"{server.url}/healthz").json() == {"status": "ok", "detail": ""}
    metrics = requests.get(f"{server.url}/metrics").text
    assert "genre_edge_up 1\n" in metrics
    assert "# TYPE genre_edge_uploads_total counter" in metrics


def test_the_page_may_load_nothing_from_elsewhere(server) -> None:
    page = requests.get(server.url)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "https://" not in page.text.replace("https://example", "")
    assert "Access-Control-Allow-Origin" not in page.headers


# --- limits


@pytest.fixture
def small(tmp_path: Path) -> Iterator[WebServer]:
    """A service with tight limits."""
    file = tmp_path / "c.toml"
    file.write_text(
        "[web]\nupload_mb = 0.5\nupload_minutes = 0.5\nupload_seconds = 20\nuploads = 1\n"
    )
    running = WebServer(tmp_path, "--config", file)
    yield running
    assert running.stop() == 0


def flac(samples: np.ndarray, rate: int = 8000) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="FLAC")
    return out.getvalue()


def test_too_much_is_refused_before_it_is_kept(small) -> None:
    assert "more than 0.5 MB" in problem(
        requests.post(f"{small.url}/api/classify", data=bytes(550_000)), 413
    )
    huge = requests.post(f"{small.url}/api/classify", data=bytes(3_000_000))
    assert problem(huge, 413)


def test_hours_in_a_small_file_cost_minutes_of_nobody(small) -> None:
    bomb = flac(np.zeros(8000 * 3600 * 4, dtype=np.float32))
    assert len(bomb) < 500_000, "four hours of silence"
    start = time.monotonic()
    assert "longer than 0.5 minutes" in problem(
        requests.post(f"{small.url}/api/classify", data=bomb), 413
    )
    print(f"four hours in {len(bomb)} bytes refused after {time.monotonic() - start:.1f} s")
    streamed = requests.post(f"{small.url}/api/classify?stream=1", data=bomb).text.splitlines()
    assert json.loads(streamed[-1])["type"] == "error"


def test_one_upload_at_a_time_where_that_is_the_limit(small) -> None:
    body = flac(noise(29.0, 8000) * 0.3)
    answers: list[int] = []

    def ask() -> None:
        answers.append(requests.post(f"{small.url}/api/classify", data=body).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(200) >= 1
    assert answers.count(429) >= 1
    assert len(answers) == answers.count(200) + answers.count(429)
    assert requests.post(f"{small.url}/api/classify", data=body).status_code == 200, (
        "the place is free again"
    )


def workers(server: WebServer) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == server.process.pid and fields[0] != "Z":
            found.append(int(process.name))
    return found


def test_a_crash_of_the_decoder_harms_one_answer(small) -> None:
    body = flac(noise(29.0, 8000))
    answers: list[requests.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(
            requests.post(f"{small.url}/api/classify?name=x.flac", data=body)
        )
    )
    asking.start()
    deadline = time.monotonic() + 10
    while not workers(small) and time.monotonic() < deadline:
        time.sleep(0.01)
    (worker,) = workers(small)
    os.kill(worker, 11)  # SIGSEGV
    asking.join()
    assert problem(answers[0], 422) == "x.flac: the decoder failed on it"
    assert requests.get(f"{small.url}/healthz").status_code == 200
    assert requests.post(f"{small.url}/api/classify", data=body).status_code == 200


def test_a_client_that_leaves_takes_its_work_with_it(small) -> None:
    address = urlsplit(small.url)
    body = flac(noise(29.0, 8000))
    with socket.create_connection((address.hostname, address.port)) as client:
        head = f"POST /api/classify?stream=1 HTTP/1.1\r\nHost: {address.netloc}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        deadline = time.monotonic() + 10
        while not workers(small) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert workers(small)
    deadline = time.monotonic() + 20
    while workers(small) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not workers(small)


# --- who may ask


def test_beyond_this_machine_it_wants_a_token(tmp_path: Path, cli) -> None:
    refused = cli("serve", "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "give --token-file FILE" in refused.stderr
    token = tmp_path / "token"
    token.write_text("short\n")
    assert "less than 8 characters" in cli("serve", "--token-file", token).stderr
    token.write_text("correct horse\n")
    running = WebServer(tmp_path, "--host", "0.0.0.0", "--token-file", token)
    url = running.url.replace("0.0.0.0", "127.0.0.1")
    try:
        for path in ("api/model", "api/live", "metrics", "api/history", "api/demo.flac"):
            assert "send the token" in problem(requests.get(f"{url}/{path}"), 401), path
        assert requests.get(url).status_code == 200, "the page itself asks for the token"
        assert requests.get(f"{url}/healthz").status_code == 200
        with_token = {"Authorization": "Bearer correct horse"}
        assert requests.get(f"{url}/api/model", headers=with_token).status_code == 200
        wrong = {"Authorization": "Bearer correct hors"}
        assert problem(requests.get(f"{url}/api/model", headers=wrong), 401)
        browser = requests.Session()
        assert problem(browser.post(f"{url}/api/session", json={"token": "guess"}), 401)
        answer = browser.post(f"{url}/api/session", json={"token": "correct horse"})
        assert answer.status_code == 204
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "correct" not in cookie
        assert browser.get(f"{url}/api/model").status_code == 200
    finally:
        running.stop()


def test_another_sites_page_may_not_ask(server) -> None:
    model = f"{server.url}/api/model"
    assert "localhost alone" in problem(requests.get(model, headers={"Host": "evil.example"}), 403)
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert problem(requests.get(model, headers=cross), 403)


def test_an_origin_that_is_named_may(tmp_path: Path) -> None:
    running = WebServer(tmp_path, "--allow-origin", "https://home.example")
    try:
        asked = {"Sec-Fetch-Site": "cross-site", "Origin": "https://home.example"}
        answer = requests.get(f"{running.url}/api/model", headers=asked)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://home.example"
        other = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
        assert problem(requests.get(f"{running.url}/api/model", headers=other), 403)
    finally:
        running.stop()


def test_a_port_that_is_taken_is_one_line(server, cli) -> None:
    port = urlsplit(server.url).port
    done = cli("serve", "--port", port)
    assert done.returncode == 1
    assert (
        done.stderr
        == f"genre-edge: 127.0.0.1:{port}: Address already in use; --port N takes another\n"
    )


# --- live viewers


def test_a_viewer_gets_what_is_known_and_then_what_comes() -> None:
    hub = Hub(Health(), 2)
    hub.write(StateRecord("2026-01-31T12:00:00.000Z", "listening", "a microphone"))
    viewer = hub.watch()
    assert 'event: state\ndata: {"type":"state"' in next(viewer)
    hub.spectrum([1, 2, 3])
    assert next(viewer) == "event: spectrum\ndata: [1,2,3]\n\n"
    viewer.close()
    assert hub.viewers == 0


def test_too_many_viewers_are_refused_and_a_slow_one_is_cut() -> None:
    hub = Hub(Health(), 1)
    viewer = hub.watch()
    next(viewer)
    with pytest.raises(Problem, match="1 viewers watch already"):
        hub.watch()
    for _ in range(400):
        hub.spectrum([0] * 48)
    assert hub.cut >= 1
    assert list(viewer) == [], "what waited is not sent"
    assert hub.viewers == 0


def test_a_client_that_takes_nothing_is_cut(monkeypatch) -> None:
    monkeypatch.setattr(serving, "_SEND_SECONDS", 1.5)
    app = Flask("big")
    ended = threading.Event()

    @app.get("/")
    def big() -> Response:
        def parts() -> Iterator[bytes]:
            try:
                while True:
                    yield bytes(1 << 16)
            finally:
                ended.set()

        return Response(parts())

    running = serving.Server(app, WebConfig(port=0), print)
    address = urlsplit(running.url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((address.hostname, address.port))
        client.sendall(f"GET / HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        assert ended.wait(15), "the answer's thread is free again"
    running.close()


# --- the description


def test_the_description_is_kept(server, tmp_path: Path) -> None:
    """Schemathesis sends what the description allows and forbids, and looks at every
    answer."""
    done = subprocess.run(
        [
            *(
                str(Path(sys.executable).parent / "schemathesis"),
                "run",
                f"{server.url}/api/openapi.json",
            ),
            # Which bytes are audio no schema can say.
            *(
                "--max-examples",
                "15",
                "--seed",
                "1",
                "--no-color",
                "--exclude-checks",
                "positive_data_acceptance",
            ),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    print(next(line for line in done.stdout.splitlines() if "generated" in line))
