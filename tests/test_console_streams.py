"""Standard streams that are full or closed, and places that cannot be written to."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from genre_edge.errors import UsageError
from genre_edge.files import ready_file, ready_folder


def shell(command: str) -> subprocess.CompletedProcess[str]:
    program = f"{shlex.quote(sys.executable)} -m genre_edge"
    command = command.replace("genre-edge", program)
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_a_full_disk_is_one_line(demo_clip, form: str) -> None:
    result = shell(f"genre-edge classify {demo_clip} --format {form} > /dev/full")
    assert result.returncode == 1
    assert result.stderr == "genre-edge: cannot write: No space left on device\n"


def test_a_command_that_prints_at_its_end_knows_it_too() -> None:
    result = shell("genre-edge info --json > /dev/full || genre-edge info > /dev/full")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "No space left on device" in result.stderr


@pytest.mark.parametrize("options", ["--help", "classify --help", "--version"])
def test_help_that_cannot_be_written_is_no_success(options: str) -> None:
    result = shell(f"env -u PYTHONUNBUFFERED genre-edge {options} > /dev/full")
    assert result.returncode == 1
    assert result.stderr == "genre-edge: cannot write: No space left on device\n"


def test_bars_can_be_read_in_every_encoding(demo_clip) -> None:
    plain = shell(f"LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 genre-edge classify {demo_clip}")
    assert plain.returncode == 0
    assert "%  ####" in plain.stdout
    assert "\\u" not in plain.stdout


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("genre-edge classify {} >&-", "standard output is closed"),
        ("genre-edge classify - <&-", "-: "),
        ("genre-edge demo >&-", "standard output is closed"),
        ("genre-edge config init --output - >&-", "standard output is closed"),
        ("genre-edge listen --source file:{} >&-", "standard output is closed"),
        ("genre-edge listen --format json --source file:{} >&-", "standard output is closed"),
    ],
)
def test_a_closed_stream_is_one_line(demo_clip, command: str, reason: str) -> None:
    result = shell(command.format(demo_clip))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert reason in line


def on_terminal(command: str) -> str:
    """What a person sees of a command whose standard output and error is a terminal."""
    return shell(f"script -qec {shlex.quote(command)} /dev/null").stdout


def test_at_a_terminal_a_closed_output_does_no_harm(demo_clip, tmp_path) -> None:
    path = tmp_path / "results.jsonl"
    (tmp_path / "b.flac").write_bytes(demo_clip.read_bytes())
    seen = on_terminal(f"genre-edge classify {demo_clip} {tmp_path} --output {path} >&-")
    assert "Traceback" not in seen
    assert path.read_text().count('"type":"file"') == 2


@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_names_cannot_control_a_terminal_and_reach_a_program_as_they_are(
    demo_clip, tmp_path, form: str
) -> None:
    path = tmp_path / "a\x1b[2J\x9b2J.flac"
    path.write_bytes(demo_clip.read_bytes())
    command = f"genre-edge classify {shlex.quote(str(path))} --format {form}"
    seen = on_terminal(command)
    assert "verdict" in seen or "file" in seen
    assert "\x1b" not in seen
    assert "\x9b" not in seen
    if form == "csv":
        assert str(path) in shell(command).stdout
    if form == "json":
        lines = shell(command).stdout.splitlines()
        assert {json.loads(line)["file"] for line in lines} == {str(path)}


def test_nothing_is_printed_into_a_file_that_took_the_place_of_a_closed_stream(
    demo_clip, tmp_path
) -> None:
    path = tmp_path / "results.jsonl"
    result = shell(f"genre-edge classify {demo_clip} --output {path} >&- 2>&- <&-")
    assert result.returncode == 0
    assert all(line.startswith('{"type":') for line in path.read_text().splitlines())


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path) -> None:
    assert list(ready_folder(tmp_path / "a" / "b").iterdir()) == []
    ready_file(tmp_path / "new", "json")
    (tmp_path / "old").write_text("old")
    ready_file(tmp_path / "old", "json")
    assert sorted(os.listdir(tmp_path)) == ["a", "old"]
    assert (tmp_path / "old").read_text() == "old"


@pytest.mark.parametrize("path", ["/dev/null/x", "/proc/x"])
def test_a_place_that_cannot_be_written_is_one_line(path: str) -> None:
    with pytest.raises(UsageError, match=f"^output {path}: no files can be made in it"):
        ready_folder(Path(path))
    with pytest.raises(UsageError, match=f"^json {path}: "):
        ready_file(Path(path), "json")


def test_a_benchmark_knows_before_its_work_that_its_folder_cannot_be_made(tmp_path) -> None:
    result = shell(f"genre-edge bench --data {tmp_path} --output /dev/null/x")
    assert result.returncode == 2
    assert "/dev/null/x: no files can be made in it" in result.stderr


def test_what_an_error_quotes_cannot_control_the_terminal(cli) -> None:
    done = cli("classify", "no\x1b[2Jfile\x07.wav")
    (line,) = done.stderr.splitlines()
    assert line.isprintable()
    assert r"no\x1b[2Jfile\x07.wav" in line


def test_a_name_is_one_line_that_cannot_control_the_terminal(cli, tmp_path, demo_clip) -> None:
    heard, broken = tmp_path / "a\x1b[2J\rb\nc.flac", tmp_path / "x\x1b[2J\ry\nz.flac"
    heard.write_bytes(demo_clip.read_bytes())
    broken.write_bytes(b"no audio")
    done = cli("classify", heard, broken)
    assert done.stdout.splitlines()[0] == rf"{tmp_path}/a\x1b[2J\rb\nc.flac"
    assert "\x1b" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(rf"genre-edge: {tmp_path}/x\x1b[2J\ry\nz.flac: ")
