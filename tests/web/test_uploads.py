"""Limits on uploads, and that no upload harms the service."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
import soundfile
from genre_edge.settings.tables import EngineConfig, WebConfig
from genre_edge.web.problems import Problem
from genre_edge.web.uploads import Uploads, display_name

from tests.conftest import noise
from tests.helpers.waiting import wait_for
from tests.helpers.webserver import WebServer, children_of, problem


def serve(folder: Path, limits: str) -> WebServer:
    file = folder / "genre-edge.toml"
    file.write_text(f"[web]\n{limits}\n")
    return WebServer(folder, "--config", file)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Iterator[WebServer]:
    """A service that takes one small, short upload at a time, and works long on it."""
    limits = "upload_mb = 0.5\nupload_minutes = 0.5\nuploads = 1\nupload_seconds = 3600"
    running = serve(tmp_path_factory.mktemp("small"), limits)
    yield running
    assert running.stop() == 0


def flac(samples: np.ndarray, rate: int = 8000) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="FLAC")
    return out.getvalue()


SONG = flac(noise(29.0, 8000))


class Upload:
    """An upload on a thread of its own."""

    def __init__(self, server: WebServer, query: str = "") -> None:
        self._answers: list[requests.Response] = []
        url = f"{server.url}/api/classify{query}"
        self._thread = threading.Thread(
            target=lambda: self._answers.append(requests.post(url, data=SONG))
        )
        self._thread.start()

    def answer(self) -> requests.Response:
        """Waits for it."""
        self._thread.join()
        return self._answers[0]


def stopped_worker(server: WebServer) -> int:
    """Wait until an upload is worked on, and stop that work; returns the process id."""
    (worker,) = wait_for(server.workers, "an upload is worked on")
    os.kill(worker, signal.SIGSTOP)
    return worker


@pytest.mark.parametrize("size", [550_000, 3_000_000])
def test_too_many_bytes_are_refused(small, size: int) -> None:
    """The smaller by the program, the larger by the server before it is kept."""
    assert problem(requests.post(f"{small.url}/api/classify", data=bytes(size)), 413)


def test_hours_in_a_small_file_are_refused_as_soon_as_they_are_too_long(small) -> None:
    four_hours = flac(np.zeros(8000 * 3600 * 4, dtype=np.float32))
    assert len(four_hours) < 500_000
    answer = requests.post(f"{small.url}/api/classify", data=four_hours)
    assert problem(answer, 413) == "longer than 0.5 minutes"
    streamed = requests.post(f"{small.url}/api/classify?stream=1", data=four_hours)
    *windows, last = [json.loads(line) for line in streamed.text.splitlines()]
    assert len(windows) == 10, "those within the limit"
    assert (last["type"], last["status"]) == ("error", 413)


def test_more_uploads_than_allowed_are_refused_until_one_has_ended(small) -> None:
    first = Upload(small)
    worker = stopped_worker(small)
    refused = requests.post(f"{small.url}/api/classify", data=SONG)
    assert "too many uploads at once (1)" in problem(refused, 429)
    assert refused.headers["Retry-After"] == "5"
    os.kill(worker, signal.SIGCONT)
    assert first.answer().status_code == 200
    assert requests.post(f"{small.url}/api/classify", data=SONG).status_code == 200


def test_a_crash_of_the_decoder_harms_one_answer(small) -> None:
    upload = Upload(small, "?name=x.flac")
    worker = stopped_worker(small)
    os.kill(worker, signal.SIGSEGV)
    os.kill(worker, signal.SIGCONT)
    wait_for(lambda: not small.workers(), "the worker is gone")
    assert problem(upload.answer(), 422) == "x.flac: the decoder crashed on this file"
    assert requests.get(f"{small.url}/healthz").status_code == 200
    assert requests.post(f"{small.url}/api/classify", data=SONG).status_code == 200


def classified(server: WebServer) -> int:
    """Uploads that were classified to their end."""
    found = re.search(
        r"(?m)^genre_edge_uploads_total (\d+)", requests.get(f"{server.url}/metrics").text
    )
    assert found
    return int(found[1])


def test_a_client_that_leaves_takes_its_work_with_it(small) -> None:
    address = urlsplit(small.url)
    before = classified(small)
    with socket.create_connection((address.hostname, address.port)) as client:
        head = f"POST /api/classify?stream=1 HTTP/1.1\r\nHost: {address.netloc}\r\n"
        head += f"Content-Length: {len(SONG)}\r\n\r\n"
        client.sendall(head.encode() + SONG)
        worker = stopped_worker(small)
    os.kill(worker, signal.SIGCONT)
    wait_for(lambda: not small.workers(), "the worker is gone")
    assert classified(small) == before
    wait_for(lambda: requests.post(f"{small.url}/api/classify", data=SONG).ok, "the place is free")


def test_work_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch) -> None:
    hanging = tmp_path / "python"
    hanging.write_text("#!/bin/sh\nexec sleep infinity\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(hanging))
    before = children_of(os.getpid())
    uploads = Uploads(WebConfig(upload_seconds=1, uploads=1), EngineConfig())
    for _ in range(2):  # the first leaves its place to the second
        with pytest.raises(Problem) as refusal:
            uploads.classify(io.BytesIO(b"audio"), "x.flac")
        assert (refusal.value.status, refusal.value.detail) == (408, "took longer than 1 s")
        assert children_of(os.getpid()) == before


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("song.mp3", "song.mp3"),
        ("../../etc/passwd", "passwd"),
        ("C:\\music\\song.mp3", "song.mp3"),
        ("a\nb\x1b[31m.mp3", "ab[31m.mp3"),
        ("ü ♫.flac", "ü ♫.flac"),
        ("x" * 500, "x" * 200),
        ("folder/", "upload"),
        ("", "upload"),
        (None, "upload"),
    ],
)
def test_a_clients_file_name_is_made_fit_for_a_record(sent: str | None, shown: str) -> None:
    assert display_name(sent) == shown
