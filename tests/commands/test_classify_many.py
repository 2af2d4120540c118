"""genre-edge classify on large collections: a file of results, only some windows."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.api import load
from pyarrow import parquet


@pytest.fixture
def music(tmp_path, demo_clip) -> Path:
    """A folder with three recordings, and one that is cut."""
    folder = tmp_path / "music"
    folder.mkdir()
    for name in ("a.flac", "c.flac", "d.flac"):
        (folder / name).write_bytes(demo_clip.read_bytes())
    (folder / "b.flac").write_bytes(demo_clip.read_bytes()[:90_000])
    return folder


def rows(path: Path) -> list[tuple[str, str]]:
    """Type and name of each record of a file of results."""
    if path.suffix == ".parquet":
        table = parquet.read_table(path).to_pylist()
        return [(row["type"], Path(row["file"]).name) for row in table]
    if path.suffix == ".csv":
        with path.open() as file:
            return [(row["type"], Path(row["file"]).name) for row in csv.DictReader(file)]
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [(record["type"], Path(record["file"]).name) for record in records]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_run_goes_on_from_what_is_whole(cli, music, tmp_path, suffix: str) -> None:
    path = tmp_path / f"results{suffix}"
    result = cli("classify", music, "--output", path)
    assert (result.returncode, result.stdout) == (1, "")
    whole = path.read_bytes()
    assert [name for kind, name in rows(path) if kind == "file"] == ["a.flac", "c.flac", "d.flac"]
    assert [name for kind, name in rows(path) if kind == "window"].count("b.flac") == 0

    path.write_bytes(whole[: whole.rindex(b"c.flac")])  # as a crash leaves it
    result = cli("classify", music, "--output", path, "--resume", "--jobs", 2)
    assert "truncated" in result.stderr
    assert path.read_bytes() == whole
    assert "truncated" in cli("classify", music, "--output", path, "--resume").stderr
    assert path.read_bytes() == whole


def test_parquet_has_the_rows_of_the_table(cli, music, tmp_path) -> None:
    path = tmp_path / "results.parquet"
    assert cli("classify", music, "--output", path, "--jobs", 2).returncode == 1
    assert cli("classify", music, "--output", tmp_path / "results.csv").returncode == 1
    with (tmp_path / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = parquet.read_table(path).to_pylist()
    assert [{key: str(value) for key, value in row.items()} for row in table] == rows
    assert not (tmp_path / "results.parquet.parts").exists()

    whole = path.read_bytes()
    (music / "e.flac").write_bytes((music / "a.flac").read_bytes())
    assert "truncated" in cli("classify", music, "--output", path, "--resume").stderr
    assert [row["file"][-6:] for row in parquet.read_table(path).to_pylist()[-5:]] == ["e.flac"] * 5
    assert parquet.read_table(path).to_pylist()[:-5] == table
    result = cli("classify", music, "--output", path)
    assert result.returncode == 2
    assert result.stderr.endswith(f"--output {path}: already exists; --resume goes on from it\n")
    assert path.read_bytes() != whole


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_file_of_results_is_never_overwritten(cli, music, tmp_path, suffix: str) -> None:
    path = tmp_path / f"results{suffix}"
    path.write_text("mine\n")
    result = cli("classify", music, "--output", path)
    assert result.returncode == 2
    assert result.stderr.endswith(f"--output {path}: already exists; --resume goes on from it\n")
    assert path.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--output", "/dev/null/x.jsonl"], "Not a directory"),
        (["--output", "x.txt"], "must end in .jsonl or .csv or .parquet"),
        (["--resume"], "needs --output FILE"),
        (["--windows-per-track", "0"], "must be at least 1"),
    ],
)
def test_what_cannot_work_is_known_before_the_work(
    cli, music, arguments: list[str], reason: str
) -> None:
    result = cli("classify", music, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert reason in line


def test_two_runs_do_not_write_to_one_file(cli, music, tmp_path) -> None:
    path = tmp_path / "results.jsonl"
    code = (
        "import sys, pathlib\n"
        "from genre_edge.sinks.results_file import ResultsFile\n"
        f"results = ResultsFile(pathlib.Path({str(path)!r}), ['a'], True)\n"
        "print(flush=True), sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        result = cli("classify", music, "--output", path, "--resume")
        other.communicate()
    assert "another run writes to it" in result.stderr


def test_verdicts_only(cli, music) -> None:
    out = cli("classify", music, "--verdicts-only", "--format", "json").stdout
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["type"] for record in records] == ["file"] * 3


def test_some_windows_of_a_track_are_spread_over_it(cli, tmp_path, demo_clip) -> None:
    samples, rate = soundfile.read(demo_clip, dtype="float32")
    music = np.concatenate([samples, samples, samples])[: 30 * rate]
    soundfile.write(tmp_path / "a.flac", music, rate)
    out = cli("classify", tmp_path / "a.flac", "--windows-per-track", 5, "--format", "json").stdout
    *windows, verdict = [json.loads(line) for line in out.splitlines()]
    assert [window["start"] for window in windows] == [1.5, 7.5, 13.5, 19.5, 25.5]
    assert (verdict["windows"], verdict["seconds"]) == (5, 30.0)
    soundfile.write(tmp_path / "b.wav", music, rate, subtype="PCM_16")
    read, _ = soundfile.read(tmp_path / "b.wav", dtype="float32")
    for window in windows:
        start = round(window["start"] * rate)
        expected = load().classify(read[start : start + 3 * rate], rate)
        assert window["scores"] == expected.windows[0].scores
    mean = np.mean([list(window["scores"].values()) for window in windows], axis=0)
    np.testing.assert_allclose(list(verdict["scores"].values()), mean, atol=1e-4)


def test_a_short_track_is_heard_whole(cli, demo_clip) -> None:
    few = cli("classify", demo_clip, "--windows-per-track", 5, "--format", "json").stdout
    assert few == cli("classify", demo_clip, "--format", "json").stdout


def test_an_odd_header_is_a_warning_for_some_windows_too(cli, tmp_path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(30 * 8000), 8000)
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :])
    result = cli("classify", path, "--windows-per-track", 2)
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert "warning: its header does not say how long it is" in line
    assert line.endswith("30.0 s")
