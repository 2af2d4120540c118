"""genre-edge library: real files, real worker processes, some of them killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.conftest import GTZAN, noise
from tests.helpers.processes import deadly, gone, workers
from tests.helpers.waiting import wait_for

pytestmark = pytest.mark.slow

FILES = 48


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """More music than the tests wait for: links to one minute."""
    folder = tmp_path / "music"
    folder.mkdir()
    soundfile.write(tmp_path / "a.wav", noise(60, 16000), 16000)
    for number in range(FILES):
        os.link(tmp_path / "a.wav", folder / f"{number:02}.wav")
    return folder


@contextmanager
def library(*arguments: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "genre_edge", "library", *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **options) as program:
        try:
            yield program
        finally:
            program.kill()


def finish(*arguments: object) -> tuple[int, str, str]:
    """Status and output of a run that is left alone."""
    with library(*arguments) as program:
        out, errors = program.communicate(timeout=600)
        return program.returncode, out, errors


def rows(folder: Path) -> list[dict[str, Any]]:
    lines = [line for part in folder.glob("part-*.jsonl") for line in part.read_text().splitlines()]
    return sorted((json.loads(line) for line in lines), key=lambda row: row["path"])


def heard(folder: Path) -> list[str]:
    return [Path(row["path"]).name for row in rows(folder) if row["error"] is None]


def paths(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def parts(folder: Path) -> dict[str, int]:
    """The parts, and which file on the disk each is: a part written anew is another."""
    return {path.name: path.stat().st_ino for path in folder.glob("part-*.jsonl")}


ALL = ("--windows-per-track", "all", "--format", "jsonl", "--part-files", 4)


def test_a_killed_worker_loses_no_file_and_doubles_none(music: Path, tmp_path: Path) -> None:
    with library(music, "--output", tmp_path / "out", "--workers", 3, *ALL) as program:
        wait_for(lambda: parts(tmp_path / "out"), "a part is written")
        processes = wait_for(lambda: workers(program.pid), "there are workers")
        assert len(processes) == 3
        os.kill(processes[0], signal.SIGKILL)
        out, errors = program.communicate(timeout=600)
    assert (program.returncode, errors) == (0, "")
    assert out == f"{tmp_path / 'out'}: {FILES} heard, 0 failed, 0 done before\n"
    assert heard(tmp_path / "out") == paths(music)


def test_a_run_stopped_hard_goes_on_and_does_no_part_again(music: Path, tmp_path: Path) -> None:
    run = (music, "--output", tmp_path / "out", "--workers", 2, *ALL)
    with library(*run, start_new_session=True) as program:
        wait_for(lambda: parts(tmp_path / "out"), "a part is written")
        processes = workers(program.pid)
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
    wait_for(lambda: all(gone(process) for process in processes), "the workers end")
    before, done = parts(tmp_path / "out"), len(heard(tmp_path / "out"))
    assert 0 < done < FILES
    status, out, errors = finish(*run)
    assert (status, errors) == (0, "")
    assert f"{FILES - done} heard, 0 failed, {done} done before" in out
    assert before.items() <= parts(tmp_path / "out").items()
    assert heard(tmp_path / "out") == paths(music)


def test_no_worker_outlives_a_killed_program(music: Path, tmp_path: Path) -> None:
    with library(music, "--output", tmp_path / "out", "--workers", 2, *ALL) as program:
        processes = wait_for(lambda: workers(program.pid), "there are workers")
        program.kill()
    wait_for(lambda: all(gone(process) for process in processes), "the workers end")


def test_ctrl_c_keeps_what_was_heard(music: Path, tmp_path: Path) -> None:
    run = (music, "--output", tmp_path / "out", "--workers", 2, *ALL)
    with library(*run, start_new_session=True) as program:
        wait_for(lambda: parts(tmp_path / "out"), "a part is written")
        processes = workers(program.pid)
        os.killpg(program.pid, signal.SIGINT)  # as a terminal sends it, to all
        out, errors = program.communicate(timeout=600)
    assert (program.returncode, out, errors) == (130, "", "")
    wait_for(lambda: all(gone(process) for process in processes), "the workers end")
    done = len(heard(tmp_path / "out"))
    status, out, errors = finish(*run)
    assert (status, errors) == (0, "")
    assert f"{done} done before" in out
    assert heard(tmp_path / "out") == paths(music)


def test_a_file_that_kills_every_worker_is_a_row_with_its_error(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for name in "abc":
        soundfile.write(folder / f"{name}.wav", noise(4, 16000), 16000)
    bad = folder / "bad.wav"
    soundfile.write(bad, np.zeros(3600 * 16000, np.int16), 16000)
    run = (folder, "--output", tmp_path / "out", "--workers", 2, *ALL)
    with deadly(bad) as killed:
        status, out, errors = finish(*run)
    assert len(killed) > 2
    assert (status, out) == (1, f"{tmp_path / 'out'}: 3 heard, 1 failed, 0 done before\n")
    assert errors.startswith(f"genre-edge: {bad}: each process that worked on it died")
    assert len(errors.splitlines()) == 1
    assert heard(tmp_path / "out") == ["a.wav", "b.wav", "c.wav"]
    assert finish(*run)[1].endswith(": 0 heard, 0 failed, 4 done before\n")
    assert finish(*run, "--retry")[1].endswith(": 1 heard, 0 failed, 3 done before\n")
    assert heard(tmp_path / "out") == paths(folder)


def test_a_second_run_hears_what_is_new_or_changed(tmp_path: Path) -> None:
    folder, out = tmp_path / "music", tmp_path / "out"
    folder.mkdir()
    for name in "abcde":
        soundfile.write(folder / f"{name}.wav", noise(4, 16000), 16000)
    run = (folder, "--output", out, "--workers", 1, *ALL)
    assert finish(*run)[0] == 0
    before = {row["path"]: row for row in rows(out)}
    soundfile.write(folder / "b.wav", noise(5, 16000), 16000)
    soundfile.write(folder / "f.wav", noise(4, 16000), 16000)
    (folder / "g.wav").write_bytes(b"RIFF, but no audio")
    status, said, errors = finish(*run)
    assert (status, said) == (1, f"{out}: 2 heard, 1 failed, 4 done before\n")
    assert errors.startswith(f"genre-edge: {folder / 'g.wav'}: ")
    after = {row["path"]: row for row in rows(out)}
    assert len(rows(out)) == len(after) == 7
    assert after[str(folder / "b.wav")]["seconds"] == 5.0
    assert after[str(folder / "g.wav")]["error"]
    for name in "acde":
        assert after[str(folder / f"{name}.wav")] == before[str(folder / f"{name}.wav")]


def test_two_runs_at_once_do_no_harm(music: Path, tmp_path: Path) -> None:
    run = (music, "--output", tmp_path / "out", "--workers", 1, *ALL)
    with library(*run) as program:
        wait_for(lambda: (tmp_path / "out" / "_library.json").exists(), "it has begun")
        status, _, errors = finish(*run)
        assert status == 2
        assert errors == f"genre-edge: --output {tmp_path / 'out'}: another run writes to it\n"
        assert program.wait(600) == 0
    assert heard(tmp_path / "out") == paths(music)


@pytest.mark.parametrize("windows", ["all", "3"])
def test_verdicts_are_those_of_classify(tmp_path: Path, cli, demo_clip, windows: str) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    tracks = sorted((GTZAN / "audio").rglob("*0.ogg"))[:6]
    for number, track in enumerate([demo_clip, *tracks]):
        os.symlink(track, folder / f"{number}{track.suffix}")
    options = [] if windows == "all" else ["--windows-per-track", windows]
    lines = cli("classify", folder, "--format", "json", "--verdicts-only", *options).stdout
    wanted = [json.loads(line) for line in lines.splitlines()]
    run = [folder, "--output", tmp_path / "out", "--workers", 2, "--embeddings"]
    assert finish(*run, "--format", "jsonl", "--windows-per-track", windows)[0] == 0
    found = rows(tmp_path / "out")
    keys = ("seconds", "windows", "genre", "confidence", "scores")
    assert [[one[key] for key in ("file", *keys)] for one in wanted] == [
        [one[key] for key in ("path", *keys)] for one in found
    ]
    for one in found:
        assert max(one["shares"].values()) <= 1.0
        assert len(one["embedding"]) == 2048


def test_a_scheduler_that_is_not_there_is_one_line(music: Path, tmp_path: Path) -> None:
    run = (music, "--output", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
    environment = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    with library(*run, env=environment) as program:
        _, errors = program.communicate(timeout=600)
    assert program.returncode == 2
    (line,) = errors.splitlines()
    assert line.startswith("genre-edge: --scheduler tcp://127.0.0.1:9: no Dask scheduler answers")
