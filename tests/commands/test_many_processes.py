"""genre-edge classify --jobs: interrupted, its processes killed, killed itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyarrow import parquet

from tests.helpers.processes import gone, processor_seconds, workers
from tests.helpers.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with more music than the tests wait for: 40 links to one minute."""
    folder = tmp_path / "music"
    folder.mkdir()
    samples = np.random.default_rng(0).normal(0, 0.1, 60 * 16000)
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    for number in range(40):
        os.link(tmp_path / "a.wav", folder / f"{number:02}.wav")
    return folder


@contextmanager
def classifying(folder: Path, *options: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "genre_edge", "classify", str(folder), "--verdicts-only"]
    command += [*map(str, options), "--jobs", "2"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def test_a_killed_worker_costs_one_file(library) -> None:
    with classifying(library, "--format", "json") as program:
        assert program.stdout is not None and program.stderr is not None
        first = program.stdout.readline()
        os.kill(workers(program.pid)[0], signal.SIGKILL)
        rest, errors = program.stdout.read(), program.stderr.read()
    heard = [json.loads(line)["file"] for line in [first, *rest.splitlines()]]
    (line,) = errors.splitlines()
    assert "the process that worked on it died (signal 9)" in line
    lost = line.removeprefix("genre-edge: ").partition(": the process")[0]
    assert sorted([*heard, lost]) == sorted(str(path) for path in library.iterdir())
    assert program.returncode == 1


def test_no_worker_outlives_a_killed_program(library) -> None:
    with classifying(library, "--format", "json") as program:
        assert program.stdout is not None
        program.stdout.readline()
        processes = workers(program.pid)
        program.kill()
    assert len(processes) == 2
    wait_for(lambda: all(gone(process) for process in processes), "the workers end")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_ctrl_c_leaves_whole_results_and_a_later_run_goes_on(library, tmp_path, suffix) -> None:
    path = tmp_path / f"results{suffix}"
    for number in range(40, 400 if suffix == ".parquet" else 40):
        os.link(tmp_path / "a.wav", library / f"{number:02}.wav")
    with classifying(library, "--output", path) as program:
        if suffix == ".jsonl":
            wait_for(lambda: path.exists() and path.stat().st_size > 0, "a verdict is written")
        else:
            wait_for(lambda: processor_seconds(workers(program.pid)) > 2, "some files are heard")
        processes = workers(program.pid)
        os.kill(program.pid, signal.SIGINT)
        assert program.wait(60) == 130
        assert program.stderr is not None
        assert program.stderr.read() == ""
    wait_for(lambda: all(gone(process) for process in processes), "the workers end")
    before = verdicts(path)
    with classifying(library, "--output", path, "--resume") as program:
        assert program.wait(300) == 0
    after = verdicts(path)
    assert after[: len(before)] == before
    assert sorted(after) == sorted(str(file) for file in library.iterdir())


def verdicts(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return [row["file"] for row in parquet.read_table(path).to_pylist()]
    return [json.loads(line)["file"] for line in path.read_text().splitlines()]
