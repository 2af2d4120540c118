"""genre-edge classify on large collections: a file of results, only some windows."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.api import load
from genre_edge.audio.ffmpeg_source import FfmpegSource
from genre_edge.audio.file_source import FileSource, read_mono
from genre_edge.errors import AudioError
from pyarrow import parquet

from tests.audio.test_ffmpeg import encode


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


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_results_of_two_models_are_not_mixed(cli, tmp_path, demo_clip, suffix: str) -> None:
    path = tmp_path / f"results{suffix}"
    if suffix != ".parquet":
        (tmp_path / "probe").touch()
        try:
            os.setxattr(tmp_path / "probe", "user.probe", b"x")
        except (AttributeError, OSError):
            pytest.skip("the file system has no attributes")
    assert cli("classify", demo_clip, "--output", path).returncode == 0
    whole = path.read_bytes()
    other = ("--resume", "--model", "gtzan-tiny.int8")
    result = cli("classify", demo_clip, "--output", path, *other)
    assert (result.returncode, path.read_bytes()) == (2, whole)
    (line,) = result.stderr.splitlines()
    assert "holds results of the model" in line
    assert cli("classify", demo_clip, "--output", path, "--resume").returncode == 0


@pytest.mark.parametrize(("first", "second"), [("a.flac", "./a.flac"), (".//a.flac", "a.flac")])
def test_a_file_is_not_heard_again_by_another_spelling(
    cli, music, tmp_path, first: str, second: str
) -> None:
    output = ("--output", tmp_path / "results.jsonl", "--verdicts-only")
    assert cli("classify", first, *output, cwd=music).returncode == 0
    assert cli("classify", second, "c.flac", *output, "--resume", cwd=music).returncode == 0
    found = [json.loads(line)["file"] for line in output[1].read_text().splitlines()]
    assert found == [first, "c.flac"]


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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
@pytest.mark.parametrize("name", ["a.m4a", "a.webm", "a.wma", "chain.ogg", "chain.mp3"])
def test_some_windows_of_every_format_are_those_of_the_whole(tmp_path, demo_clip, name) -> None:
    samples, rate = soundfile.read(demo_clip, dtype="float32")
    half = np.concatenate([samples, samples])[: 15 * rate]
    path = tmp_path / name
    soundfile.write(tmp_path / "half.wav", half, rate)
    soundfile.write(tmp_path / "whole.wav", np.concatenate([half, half]), rate)
    if name.startswith("chain"):
        path.write_bytes(encode(tmp_path / "half.wav", path).read_bytes() * 2)
    else:
        encode(tmp_path / "whole.wav", path)
    model, read = load(), read_mono(path, 44100)
    with closing(FileSource(path)) as source:
        *windows, verdict = model._engine.classify_spread(source, 5)
        assert source.warnings == []
    assert verdict.windows == 5
    assert verdict.seconds == pytest.approx(30.0, abs=0.15)
    for window, place in zip(windows, [1.5, 7.5, 13.5, 19.5, 25.5], strict=True):
        assert window.start == pytest.approx(place, abs=0.15)
        start = round(window.start * 44100)
        expected = model.classify(read[start : start + 3 * 44100], 44100).windows[0]
        for label, score in expected.scores.items():
            assert window.scores[label] == pytest.approx(
                score, abs=0.3 if name in ("a.wma", "a.webm") else 0.1
            )


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_only_the_windows_are_decoded_and_a_missing_one_is_found(tmp_path, demo_clip) -> None:
    path = encode(demo_clip, tmp_path / "a.m4a", "-movflags", "+faststart")
    with closing(FfmpegSource(path)) as source:
        found = list(source.read_windows([22050, 5 * 22050], 22050))
    decoded = soundfile.read(demo_clip, dtype="float32")[0]
    for start, samples in zip([1, 5], found, strict=True):
        expected = decoded[start * 22050 : (start + 1) * 22050]
        assert np.corrcoef(samples[:, 0], expected)[0, 1] > 0.95
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with closing(FfmpegSource(path)) as source:
        windows = source.read_windows([0, 9 * 22050], 22050)
        with pytest.raises(AudioError, match="is truncated or damaged"):
            list(windows)


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_a_cut_file_has_no_verdict_though_its_windows_are_there(
    cli, tmp_path, demo_clip, windows: int
) -> None:
    samples, rate = soundfile.read(demo_clip, dtype="float32")
    soundfile.write(tmp_path / "a.flac", np.concatenate([samples, samples]), rate)
    content = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(content[: int(len(content) * 0.97)])
    result = cli("classify", tmp_path / "a.flac", "--windows-per-track", windows)
    assert result.returncode == 1
    assert "  verdict  " not in result.stdout
    (line,) = result.stderr.splitlines()
    assert "damaged or truncated" in line


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
