"""The command line as a whole: which command is meant, and what each one loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from genre_edge.cli import COMMANDS, with_command
from genre_edge.errors import UsageError
from genre_edge.extras import install_line

from tests.conftest import noise

HEAVY = {
    "asyncio",
    "concurrent.futures",
    "email",
    "flask",
    "http.client",
    "importlib.metadata",
    "logging",
    "multiprocessing",
    "numpy",
    "paho",
    "scipy",
    "soundfile",
    "ssl",
    "tqdm",
    "urllib.request",
}
"""What no quick command may load: each costs more than the command itself."""
SETTINGS = {
    "csv",
    "datetime",
    "difflib",
    "genre_edge.health",
    "genre_edge.records",
    "socket",
    "sqlite3",
    "subprocess",
    "tomllib",
}
"""What settings that come from no file need not load either."""


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ([], ["listen"]),
        (["--hop", "1"], ["listen", "--hop", "1"]),
        (["--version"], ["--version"]),
        (["-h"], ["-h"]),
        (["demo", "--hop", "1"], ["demo", "--hop", "1"]),
        (["song.mp3", "--hop", "1"], ["classify", "song.mp3", "--hop", "1"]),
        (["not/there.flac"], ["classify", "not/there.flac"]),
    ],
)
def test_the_command_may_be_left_out(arguments: list[str], meant: list[str]) -> None:
    assert with_command(arguments) == meant


def test_a_path_that_exists_means_classify(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "music").mkdir()
    (tmp_path / "track").touch()
    assert with_command(["music"]) == ["classify", "music"]
    assert with_command(["track"]) == ["classify", "track"]


def test_a_command_is_meant_where_a_file_has_its_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").touch()
    assert with_command(["demo"]) == ["demo"]


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("clasify", "did you mean classify?"),
        ("histroy", "did you mean history?"),
        ("xyzzy", "'genre-edge --help' lists the commands"),
    ],
)
def test_an_unknown_command_suggests_the_nearest(word: str, remedy: str) -> None:
    with pytest.raises(UsageError) as raised:
        with_command([word, "song.mp3"])
    assert str(raised.value) == f"{word}: no such command or file; {remedy}"


def test_an_unknown_command_is_one_line_and_status_2(cli) -> None:
    result = cli("clasify", "song.mp3")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "genre-edge: clasify: no such command or file; did you mean classify?\n"


def test_a_file_is_classified_without_naming_the_command(cli, demo_clip) -> None:
    short = cli(demo_clip, "--format", "json")
    assert short.returncode == 0, short.stderr
    assert short.stdout == cli("classify", demo_clip, "--format", "json").stdout


def test_help_lists_every_command_with_its_line(cli) -> None:
    shown = " ".join(cli("--help").stdout.split())
    for name, text in COMMANDS.items():
        assert f" {name} {text} " in shown


def loaded_by(arguments: list[str], tmp_path: Path) -> set[str]:
    """The modules in memory after a command, run in a process of its own."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from genre_edge.cli import main\n"
        f"main({arguments!r})"
    )
    home = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **home},
        capture_output=True,
        text=True,
        timeout=120,
    )
    loaded = set(result.stderr.splitlines()[-1].split())
    assert "genre_edge.cli" in loaded, result.stderr
    return loaded


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_load_no_command(option: str, tmp_path: Path) -> None:
    loaded = loaded_by([option], tmp_path)
    ours = {name for name in loaded if name.startswith("genre_edge.")}
    assert ours == {
        f"genre_edge.{name}"
        for name in ("cli", "console", "errors", "interrupt", "quiet", "version")
    }
    assert not loaded & (HEAVY | SETTINGS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["config", "show"],
        ["config", "check"],
        ["config", "init", "--output", "-"],
        ["history"],
        ["history", "--help"],
        ["service", "status"],
        ["service", "alive"],
        ["service", "--help"],
        *([name, "--help"] for name in COMMANDS),
    ],
    ids=" ".join,
)
def test_quick_commands_load_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert not loaded_by(arguments, tmp_path) & HEAVY


@pytest.mark.parametrize(
    "arguments", [["config", "show"], ["service", "status"], ["service", "--help"]], ids=" ".join
)
def test_settings_load_what_they_use_and_no_more(arguments: list[str], tmp_path: Path) -> None:
    assert not loaded_by(arguments, tmp_path) & SETTINGS


def test_a_command_loads_no_other_command(tmp_path: Path) -> None:
    loaded = loaded_by(["history"], tmp_path)
    commands = {name for name in loaded if name.startswith("genre_edge.commands.")}
    assert commands == {"genre_edge.commands.history"}


OPTIONAL = ("flask", "keras", "matplotlib", "paho", "pyaudio", "tensorflow", "waitress")


@pytest.mark.parametrize(
    ("program", "arguments", "extra"),
    [
        ("genre_edge", ["serve", "--port", "0"], "web"),
        ("genre_edge", ["serve", "--live", "--port", "0"], "web"),
        ("genre_edge", ["listen", "--windows", "1"], "mic"),
        ("genre_edge", ["devices"], "mic"),
        ("genre_edge", ["listen", "--mqtt", "mqtt://127.0.0.1"], "mqtt"),
        ("genre_edge_train", ["--data", "music"], "train"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_missing_extra_is_one_line_with_its_install_line(
    program: str, arguments: list[str], extra: str, tmp_path: Path, write_audio
) -> None:
    for genre in ("rock", "jazz"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for number in range(8):
            write_audio(f"music/{genre}/{number}.wav", noise(4.0))
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL!r}))\n"
        f"from {program}.cli import main\n"
        f"sys.exit(main({arguments!r}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode in (1, 2)
    (line,) = result.stderr.splitlines()
    assert line.endswith(install_line(extra)), line
