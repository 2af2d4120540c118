"""Limits on uploads, and that no upload harms the service."""

from __future__ import annotations

import io
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import requests
import soundfile
from genre_edge.settings.tables import EngineConfig, WebConfig
from genre_edge.web.problems import Problem
from genre_edge.web.uploads import Uploads, display_name

from tests.conftest import noise
from tests.helpers.waiting import BACKSTOP_SECONDS, wait_for
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


def classify(server: WebServer, body: bytes, query: str = "") -> requests.Response:
    url = f"{server.url}/api/classify{query}"
    return requests.post(url, data=body, timeout=BACKSTOP_SECONDS)


class Upload:
    """An upload on a thread of its own."""

    def __init__(self, server: WebServer, query: str = "") -> None:
        self._answers: list[requests.Response] = []
        self._thread = threading.Thread(
            target=lambda: self._answers.append(classify(server, SONG, query)), daemon=True
        )
        self._thread.start()

    def answer(self) -> requests.Response:
        """Waits for it."""
        self._thread.join()
        return self._answers[0]


@contextmanager
def stopped_work(server: WebServer) -> Iterator[int]:
    """Wait until an upload is worked on, and stop that work until the end of the block;
    yields the process id."""
    (worker,) = wait_for(server.workers, "an upload is worked on")
    os.kill(worker, signal.SIGSTOP)
    try:
        yield worker
    finally:
        os.kill(worker, signal.SIGCONT)


@pytest.mark.parametrize("size", [550_000, 3_000_000])
def test_too_many_bytes_are_refused(small, size: int) -> None:
    """The smaller by the program, the larger by the server before it is kept."""
    assert problem(classify(small, bytes(size)), 413)


def test_hours_in_a_small_file_are_refused_as_soon_as_they_are_too_long(small) -> None:
    four_hours = flac(np.zeros(8000 * 3600 * 4, dtype=np.float32))
    assert len(four_hours) < 500_000
    answer = classify(small, four_hours)
    assert problem(answer, 413) == "longer than 0.5 minutes"
    streamed = classify(small, four_hours, "?stream=1")
    *windows, last = [json.loads(line) for line in streamed.text.splitlines()]
    assert len(windows) == 10, "those within the limit"
    assert (last["type"], last["status"]) == ("error", 413)


def test_more_uploads_than_allowed_are_refused_until_one_has_ended(small) -> None:
    first = Upload(small)
    with stopped_work(small):
        refused = classify(small, SONG)
        assert "too many uploads at once (1)" in problem(refused, 429)
        assert refused.headers["Retry-After"] == "5"
    assert first.answer().status_code == 200
    assert classify(small, SONG).status_code == 200


def test_a_crash_of_the_decoder_harms_one_answer(small) -> None:
    upload = Upload(small, "?name=x.flac")
    with stopped_work(small) as worker:
        os.kill(worker, signal.SIGSEGV)
    wait_for(lambda: not small.workers(), "the worker is gone")
    assert problem(upload.answer(), 422) == "x.flac: the decoder crashed on this file"
    assert requests.get(f"{small.url}/healthz").status_code == 200
    assert classify(small, SONG).status_code == 200


# --- work that does not end by itself


def worked_on_by(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have uploads classified by a shell script."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_work_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch) -> None:
    worked_on_by("exec sleep infinity", tmp_path, monkeypatch)
    before = children_of(os.getpid())
    uploads = Uploads(WebConfig(upload_seconds=1, uploads=1), EngineConfig())
    for _ in range(2):  # the first leaves its place to the second
        with pytest.raises(Problem) as refusal:
            uploads.classify(io.BytesIO(b"audio"), "x.flac")
        assert (refusal.value.status, refusal.value.detail) == (408, "took longer than 1 s")
        assert children_of(os.getpid()) == before


def test_an_answer_that_is_given_up_ends_its_work(tmp_path: Path, monkeypatch) -> None:
    """The server gives an answer up when its client leaves (test_server.py)."""
    window = json.dumps({"type": "window", "start": 0.0, "end": 3.0})
    worked_on_by(f"echo '{window}'; exec sleep infinity", tmp_path, monkeypatch)
    before = children_of(os.getpid())
    uploads = Uploads(WebConfig(uploads=1), EngineConfig())
    for _ in range(2):
        records = uploads.classify(io.BytesIO(b"audio"), "x.flac")
        assert next(records)["file"] == "x.flac"
        records.close()
        assert children_of(os.getpid()) == before
    assert uploads.done == 0


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


# --- the limits of the work


def limits_of(process: int) -> tuple[int, int, int]:
    """Address space (bytes), niceness and readiness to be killed of a process."""
    memory, _ = resource.prlimit(process, resource.RLIMIT_AS)
    kill_first = int(Path(f"/proc/{process}/oom_score_adj").read_text())
    return memory, os.getpriority(os.PRIO_PROCESS, process), kill_first


def test_the_work_is_limited_while_it_is_done(small) -> None:
    upload = Upload(small)
    worker = wait_for(
        lambda: next((one for one in small.workers() if limits_of(one)[0] > 0), None), "it works"
    )
    limited = (2 << 30, 10, 1000)
    wait_for(lambda: limits_of(worker) == limited, "it is limited")
    assert upload.answer().status_code == 200


REFUSES_SETPRIORITY = """
import ctypes, os, platform, struct, sys
NUMBERS = {"x86_64": (0xC000003E, 141), "aarch64": (0xC00000B7, 140)}
arch, number = NUMBERS[platform.machine()]
def code(kind, jt, jf, k): return struct.pack("HBBI", kind, jt, jf, k)
rules = b"".join((
    code(0x20, 0, 0, 4), code(0x15, 0, 2, arch),
    code(0x20, 0, 0, 0), code(0x15, 1, 0, number),
    code(0x06, 0, 0, 0x7FFF0000), code(0x06, 0, 0, 0x00050000 | 1),
))
buffer = ctypes.create_string_buffer(rules)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(len(rules) // 8, ctypes.cast(buffer, ctypes.c_void_p))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a program under a seccomp filter like the unit's: setpriority() is refused."""


def test_where_a_limit_cannot_be_set_the_upload_is_refused(tmp_path: Path, monkeypatch) -> None:
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("needs the filter's numbers for this machine")
    (tmp_path / "filter.py").write_text(REFUSES_SETPRIORITY)
    python = sys.executable
    worked_on_by(f'exec {python} {tmp_path}/filter.py {python} "$@"', tmp_path, monkeypatch)
    with pytest.raises(Problem, match="their work cannot be limited here") as refusal:
        Uploads(WebConfig(), EngineConfig()).classify(io.BytesIO(SONG), "x.flac")
    assert refusal.value.status == 503


def test_the_work_imports_nothing_from_the_current_directory(tmp_path: Path, monkeypatch) -> None:
    for name in ("soundfile", "numpy", "struct", "genre_edge"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n1 / 0\n")
    monkeypatch.chdir(tmp_path)
    records = list(Uploads(WebConfig(), EngineConfig()).classify(io.BytesIO(SONG), "x.flac"))
    assert records[-1]["type"] == "file"
    assert not (tmp_path / "ran").exists()


def test_several_processes_import_nothing_from_the_current_directory(
    tmp_path: Path, demo_clip
) -> None:
    (tmp_path / "here").mkdir()
    for name in ("multiprocessing", "pickle", "soundfile"):
        (tmp_path / f"here/{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    program = "import sys; sys.path.pop(0); from genre_edge.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "classify", "--jobs", "2", "--format", "json"]
    command += [str(demo_clip), str(demo_clip)]
    done = subprocess.run(command, cwd=tmp_path / "here", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "ran").exists()
