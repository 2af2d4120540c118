"""genre-edge library: files behind URLs, and workers of a cluster."""

from __future__ import annotations

import http.server
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import s3fs
import soundfile

from tests.commands.test_library import ALL, finish, heard, library, parts, rows
from tests.conftest import noise
from tests.helpers.processes import workers
from tests.helpers.s3_server import s3_server
from tests.helpers.waiting import wait_for

pytestmark = pytest.mark.slow

NAMES = [f"{number:02}.wav" for number in range(24)]


@pytest.fixture
def bucket() -> Iterator[tuple[str, dict[str, str]]]:
    """A folder of audio in a store of the S3 kind, and the environment to reach it."""
    samples = io.BytesIO()
    soundfile.write(samples, noise(30, 16000), 16000, format="WAV")
    with s3_server() as environment:
        files = s3fs.S3FileSystem(
            key=environment["AWS_ACCESS_KEY_ID"],
            secret=environment["AWS_SECRET_ACCESS_KEY"],
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            skip_instance_cache=True,
        )
        files.mkdir("records")
        for name in NAMES:
            files.pipe(f"records/music/{name}", samples.getvalue())
        yield "s3://records/music", {**os.environ, **environment}


def test_a_bucket_is_heard_though_a_worker_and_then_the_run_are_killed(
    bucket, tmp_path: Path
) -> None:
    url, environment = bucket
    out = tmp_path / "out"
    run = (url, "--output", out, "--workers", 3, *ALL)
    with library(*run, env=environment, start_new_session=True) as program:
        wait_for(lambda: parts(out), "a part is written")
        os.kill(workers(program.pid)[0], signal.SIGKILL)
        wait_for(lambda: len(parts(out)) > 1, "another part is written")
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
    before = parts(out)
    with library(*run, env=environment) as program:
        said, errors = program.communicate(timeout=600)
    assert (program.returncode, errors) == (0, "")
    assert "0 failed" in said
    assert before.items() <= parts(out).items()
    assert heard(out) == NAMES
    for row in rows(out):
        assert row["path"].startswith(f"{url}/")
        assert (row["seconds"], row["size"]) == (30.0, 30 * 16000 * 2 + 44)
        assert row["mtime"] > 0
    with library(*run, env=environment) as program:
        assert program.communicate(timeout=600)[0].endswith(": 0 heard, 0 failed, 24 done before\n")


@pytest.fixture
def website(tmp_path: Path) -> Iterator[str]:
    """A web server with two files, one of them no audio."""
    folder = tmp_path / "site"
    folder.mkdir()
    soundfile.write(folder / "good one.wav", noise(4, 16000), 16000)
    (folder / "bad.mp3").write_text("no audio")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            return

    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_list_of_urls_is_heard_and_what_fails_is_a_row(website: str, tmp_path: Path) -> None:
    urls = [f"{website}/{name}" for name in ("good%20one.wav", "bad.mp3", "none.wav")]
    urls.append("http://me:hunter2@127.0.0.1:1/a.mp3?token=hunter2")  # nobody is there
    (tmp_path / "songs.txt").write_text("\n".join(urls))
    out = tmp_path / "out"
    status, said, errors = finish(tmp_path / "songs.txt", "--output", out, "--workers", 1, *ALL)
    assert (status, said) == (1, f"{out}: 1 heard, 3 failed, 0 done before\n")
    assert heard(out) == ["good%20one.wav"]
    found = {row["path"]: row["error"] for row in rows(out) if row["error"]}
    assert set(found) == set(urls[1:])
    assert found[f"{website}/none.wav"] == "cannot be fetched (404 File not found)"
    assert "Connect call failed" in found[urls[3]]
    assert "http://***@127.0.0.1:1/a.mp3?***: cannot be fetched" in errors
    assert "hunter2" not in errors
    assert len(errors.splitlines()) == 3


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """Dask's own scheduler and workers, as a user starts them."""
    told = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    local = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    one = ["--port", "0", "--scheduler-file", str(told)]
    with subprocess.Popen([*dask, "scheduler", *local, *one], **quiet) as scheduler:
        wait_for(lambda: told.exists() and told.read_text(), "the scheduler runs")
        address = json.loads(told.read_text())["address"]
        two = [address, "--nworkers", "2", "--nthreads", "1", "--local-directory", str(tmp_path)]
        with subprocess.Popen([*dask, "worker", *two, *local], **quiet) as worker:
            yield address
            worker.terminate()
        scheduler.terminate()


def test_workers_of_a_scheduler_hear_files(cluster: str, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for name in "abc":
        soundfile.write(folder / f"{name}.wav", noise(4, 16000), 16000)
    out = tmp_path / "out"
    status, said, _ = finish(folder, "--output", out, "--scheduler", cluster, *ALL)
    assert (status, said) == (0, f"{out}: 3 heard, 0 failed, 0 done before\n")
    assert heard(out) == ["a.wav", "b.wav", "c.wav"]
