"""genre-edge classify, run as a user runs it."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
import soundfile
from genre_edge.model.bundle import find_model

from tests.conftest import noise


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_has_one_object_a_window_and_a_verdict(cli, demo_clip) -> None:
    result = cli("classify", demo_clip, "--format", "json")
    assert result.returncode == 0, result.stderr
    *windows, verdict = lines(result.stdout)
    assert [(w["start"], w["end"]) for w in windows] == [
        (0.0, 3.0),
        (3.0, 6.0),
        (6.0, 9.0),
        (9.0, 12.0),
    ]
    for record in (*windows, verdict):
        assert record["file"] == str(demo_clip)
        assert (
            record["confidence"]
            == max(record["scores"].values())
            == record["scores"][record["genre"]]
        )
        assert sum(record["scores"].values()) == pytest.approx(1, abs=1e-3)
    assert list(windows[0]) == ["type", "file", "start", "end", "genre", "confidence", "scores"]
    assert list(verdict) == ["type", "file", "seconds", "windows", "genre", "confidence", "scores"]
    assert (verdict["type"], verdict["seconds"], verdict["windows"]) == ("file", 12.0, 4)
    for label, score in verdict["scores"].items():
        assert score == pytest.approx(np.mean([w["scores"][label] for w in windows]), abs=1e-4)


def test_text_and_csv_tell_the_same(cli, demo_clip) -> None:
    verdict = lines(cli("classify", demo_clip, "--format", "json").stdout)[-1]
    text = cli("classify", demo_clip).stdout
    assert f"verdict          {verdict['genre']:<10}" in text
    rows = list(csv.DictReader(io.StringIO(cli("classify", demo_clip, "--format", "csv").stdout)))
    assert (rows[-1]["type"], rows[-1]["genre"]) == ("file", verdict["genre"])
    assert len(rows) == 5


def test_hop_overlaps_windows(cli, demo_clip) -> None:
    *windows, verdict = lines(cli("classify", demo_clip, "--hop", "0.5", "--format", "json").stdout)
    assert [w["start"] for w in windows] == [k / 2 for k in range(19)]
    assert verdict["windows"] == 19


@pytest.mark.parametrize(
    ("seconds", "windows", "end"),
    [(0.5, 1, 0.5), (2.99, 1, 2.99), (3.0, 1, 3.0), (5.9, 1, 3.0), (6.0, 2, 6.0)],
)
def test_the_last_window_is_dropped_and_a_short_file_padded(
    cli, write_audio, seconds: float, windows: int, end: float
) -> None:
    path = write_audio("a.wav", noise(seconds, 44100), 44100)
    *heard, verdict = lines(cli("classify", path, "--format", "json").stdout)
    assert (len(heard), verdict["windows"], verdict["seconds"]) == (windows, windows, seconds)
    assert heard[-1]["end"] == end


def test_a_file_shorter_than_half_a_second_is_an_error(cli, write_audio) -> None:
    path = write_audio("a.wav", noise(0.49))
    result = cli("classify", path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"genre-edge: {path}: is too short: 0.49 s, need at least 0.5 s\n"


def test_a_wav_on_standard_input_equals_the_file(cli, demo_clip, tmp_path) -> None:
    samples, rate = soundfile.read(demo_clip)
    soundfile.write(tmp_path / "a.wav", samples, rate)
    of_file = lines(cli("classify", tmp_path / "a.wav", "--format", "json").stdout)
    piped = cli("classify", "-", "--format", "json", input=(tmp_path / "a.wav").read_bytes())
    of_pipe = lines(piped.stdout.decode())
    assert [r["scores"] for r in of_pipe] == [r["scores"] for r in of_file]
    assert of_pipe[0]["file"] == "-"


@pytest.fixture
def mixed_folder(tmp_path, write_audio, demo_clip):
    """Good files with every kind of bad one between them."""
    for name in ("a.flac", "m.flac", "z.flac"):
        (tmp_path / name).write_bytes(demo_clip.read_bytes())
    (tmp_path / "b-empty.wav").touch()
    (tmp_path / "c-text.mp3").write_text("lyrics only\n" * 50)
    (tmp_path / "d-cut.flac").write_bytes(demo_clip.read_bytes()[:90_000])
    broken = noise(4.0)
    broken[50_000] = np.nan
    write_audio("e-nan.wav", broken, subtype="FLOAT")
    return tmp_path


@pytest.mark.parametrize("jobs", [1, 2])
def test_bad_files_get_one_line_each_and_the_rest_is_classified(
    cli, mixed_folder, jobs: int
) -> None:
    result = cli(
        "classify", mixed_folder, mixed_folder / "gone.ogg", "--format", "json", "--jobs", jobs
    )
    assert result.returncode == 1
    verdicts = [r["file"] for r in lines(result.stdout) if r["type"] == "file"]
    assert verdicts == [str(mixed_folder / name) for name in ("a.flac", "m.flac", "z.flac")]
    complaints = result.stderr.splitlines()
    for name, reason in (
        ("b-empty.wav", "is empty"),
        ("c-text.mp3", "cannot be decoded"),
        ("d-cut.flac", "truncated"),
        ("e-nan.wav", "NaN"),
        ("gone.ogg", "no such file"),
    ):
        (line,) = [c for c in complaints if name in c]
        assert reason in line
    assert len(complaints) == 5


@pytest.mark.slow
def test_jobs_change_nothing_but_the_time(cli, mixed_folder) -> None:
    alone, together = (
        cli("classify", mixed_folder, "--format", "json", "--jobs", jobs).stdout for jobs in (1, 3)
    )
    # A damaged file's windows before the damage are printed in both.
    assert alone == together


def test_a_folder_without_audio_is_an_error(cli, tmp_path) -> None:
    result = cli("classify", tmp_path)
    assert result.returncode == 1
    assert "no audio in this folder" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--hop", "0.001"], "--hop 0.001"),
        (["--hop", "-1"], "--hop"),
        (["--hop", "nan"], "--hop"),
        (["--jobs", "0"], "--jobs 0"),
        (["--threads", "0"], "--threads 0"),
        (["--runtime", "abacus"], "--runtime"),
        (["--format", "xml"], "--format"),
    ],
)
def test_wrong_usage_leaves_with_2(cli, demo_clip, arguments: list[str], named: str) -> None:
    result = cli("classify", demo_clip, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert named in result.stderr
    assert "Traceback" not in result.stderr


def test_a_model_that_is_not_a_bundle_is_one_line(cli, demo_clip, tmp_path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"nothing of the kind")
    result = cli("classify", demo_clip, "--model", path)
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"genre-edge: {path}: is not a TFLite model (genre-convert makes bundles from Keras models)"
    ]


def test_a_closed_pipe_ends_it_quietly(demo_clip) -> None:
    command = (
        f"{sys.executable} -m genre_edge classify {demo_clip} --hop 0.1 --format json | head -1"
    )
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which needs root")
def test_an_unreadable_file_is_one_line(demo_clip, tmp_path) -> None:
    path = tmp_path / "secret.flac"
    path.write_bytes(demo_clip.read_bytes())
    path.chmod(0)
    code = (
        "import os, soundfile; from genre_edge.audio.file_source import FileSource;"
        "from genre_edge.errors import AudioError\n"
        "os.setuid(65534)\n"
        f"try: FileSource({str(path)!r})\n"
        "except AudioError as e: print(e)"
    )
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.geteuid() and "pytest" in parent.name:
            parent.chmod(0o755)
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert result.stdout.strip() == f"{path}: permission denied", result.stderr


def peak_kilobytes(path) -> int:
    code = (
        "import re, sys; from genre_edge.cli import main\n"
        f"main(['classify', {str(path)!r}, '--format', 'json'])\n"
        # Not ru_maxrss, which a child inherits from the process that started it.
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], "
        "file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0
    return int(result.stderr.split()[-1])


@pytest.mark.slow
def test_an_hour_takes_no_more_memory_than_three_minutes(write_audio) -> None:
    minute = noise(60.0, 8000)
    short = peak_kilobytes(write_audio("short.wav", np.tile(minute, 3), 8000))
    long = peak_kilobytes(write_audio("long.wav", np.tile(minute, 60), 8000))
    # The hour is 115 MB as decoded; some MB are the allocator's.
    assert long - short < 6_000, f"{short} KB for 3 minutes, {long} KB for an hour"


def test_silence_has_no_genre_and_does_not_count(cli, write_audio, demo_clip) -> None:
    music, rate = soundfile.read(demo_clip, dtype="float32")
    path = write_audio("a.wav", np.concatenate([music[: 3 * rate], np.zeros(3 * rate)]), rate)
    first, silent, verdict = lines(cli("classify", path, "--format", "json").stdout)
    assert (silent["genre"], silent["confidence"], silent["scores"]) == (None, None, {})
    assert (verdict["windows"], verdict["scores"]) == (1, first["scores"])
    assert "0:03 - 0:06     silence\n" in cli("classify", path).stdout
    *_, silent_row, _ = csv.reader(io.StringIO(cli("classify", path, "--format", "csv").stdout))
    assert set(silent_row[5:]) == {""}


def test_a_file_of_silence_has_the_verdict_silence(cli, write_audio) -> None:
    path = write_audio("a.wav", np.full(5 * 22050, 1e-4, dtype=np.float32), subtype="FLOAT")
    result = cli("classify", path, "--format", "json")
    assert result.returncode == 0
    verdict = lines(result.stdout)[-1]
    assert (verdict["genre"], verdict["windows"], verdict["scores"]) == (None, 0, {})
    assert "verdict          silence  over 0 windows, 5 s" in cli("classify", path).stdout


def test_opposite_channels_are_not_silence(cli, write_audio, demo_clip) -> None:
    music, rate = soundfile.read(demo_clip, dtype="float32")
    both = write_audio("a.wav", np.stack([music, -music], axis=1), rate)
    one = write_audio("b.wav", music, rate)
    of_both, of_one = (lines(cli("classify", p, "--format", "json").stdout) for p in (both, one))
    assert [r["scores"] for r in of_both] == [r["scores"] for r in of_one]


@pytest.mark.parametrize("environment", [{}, {"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_name_that_is_no_utf8_survives(
    cli, tmp_path, demo_clip, environment: dict[str, str], jobs: int
) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9 \xff.flac"
    with open(name, "wb") as file:
        file.write(demo_clip.read_bytes())
    (tmp_path / "z.flac").write_bytes(demo_clip.read_bytes())
    history = tmp_path / "history.db"
    result = cli(
        *("classify", tmp_path, "--format", "json", "--history", history, "--jobs", jobs),
        env={**os.environ, **environment},
        input=b"",
    )
    assert result.returncode == 0, result.stderr
    records = lines(result.stdout.decode("utf-8"))
    assert [os.fsencode(r["file"]) for r in records if r["type"] == "file"] == [
        name,
        os.fsencode(tmp_path / "z.flac"),
    ]
    with closing(sqlite3.connect(history)) as file:
        sources = [row[0] for row in file.execute("SELECT DISTINCT source FROM stretches")]
    assert sources == [rf"{tmp_path}/caf\udce9 \udcff.flac", str(tmp_path / "z.flac")]


@pytest.mark.slow
def test_a_pipe_that_is_named_is_read_as_a_stream(demo_clip, tmp_path) -> None:
    samples, rate = soundfile.read(demo_clip)
    soundfile.write(tmp_path / "a.wav", samples, rate)
    soundfile.write(tmp_path / "a.mp3", samples, rate)
    program = f"{sys.executable} -m genre_edge classify --format json"
    for how in (
        f"{program} <(cat a.mp3)",
        f"cat a.mp3 | {program} -",
        f"{program} - < a.mp3",
        f"{program} <(cat a.wav)",
        f"{program} --jobs 2 <(cat a.wav) a.wav",
        f"{program} /dev/stdin < a.wav",
        f"cat a.wav | {program} /dev/stdin",
        f"mkfifo p; cat a.wav > p & {program} p",
    ):
        result = subprocess.run(
            ["bash", "-c", how], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert (result.returncode, result.stderr) == (0, ""), how
        assert lines(result.stdout)[-1]["windows"] == 4, how


def test_pipes_in_folders_are_passed_over(cli, demo_clip, tmp_path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "b.flac").write_bytes(demo_clip.read_bytes())
    result = cli("classify", tmp_path, "--format", "json")
    assert result.returncode == 0
    assert result.stderr == f"genre-edge: {tmp_path}: 1 file skipped: 1 pipes or devices\n"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_model_may_come_through_a_pipe(demo_clip, jobs: int) -> None:
    model = find_model("gtzan-edge.int8")
    command = f"{sys.executable} -m genre_edge classify --format csv --jobs {jobs} {demo_clip} "
    through_pipe, from_file = (
        subprocess.run(
            ["bash", "-c", command + f"--model {how}"], capture_output=True, text=True, timeout=60
        )
        for how in (f"<(cat {model})", model)
    )
    assert (through_pipe.returncode, through_pipe.stderr) == (0, "")
    assert through_pipe.stdout == from_file.stdout
