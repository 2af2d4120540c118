"""Shell completion: it names everything that the parser knows, and bash completes."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from genre_edge.cli import parser

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def share(tmp_path_factory) -> Path:
    """The folder share/ of an installation."""
    folder = tmp_path_factory.mktemp("share")
    subprocess.run(
        [sys.executable, str(ROOT / "script/completions.py"), str(folder)],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        check=True,
        capture_output=True,
    )
    return folder


def words(command: argparse.ArgumentParser) -> Iterator[str]:
    """Every subcommand and long flag, those of subcommands included."""
    for action in command._actions:
        yield from (flag for flag in action.option_strings if flag.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield name
                yield from words(below)


@pytest.mark.parametrize(
    "file",
    [
        "bash-completion/completions/genre-edge",
        "zsh/site-functions/_genre-edge",
        "fish/vendor_completions.d/genre-edge.fish",
    ],
)
def test_every_command_and_flag_is_named(share: Path, file: str) -> None:
    text = (share / file).read_text()
    found = set(words(parser()))
    assert {"classify", "install", "--mqtt", "--hop"} <= found
    for word in found:
        shown = word.replace("--", "-l ") if file.endswith("fish") else word
        assert re.search(rf"(?<![\w-]){shown}(?![\w-])", text), word


def test_no_path_of_the_building_machine_is_left(share: Path) -> None:
    for path in share.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert str(Path.home()) + "/" not in text
            assert "~/" in text or r"~\/" in text


def completed(share: Path, line: str, folder: Path) -> set[str]:
    """What bash offers when Tab is pressed at the end of a line."""
    script = f"""
        source {share}/bash-completion/completions/genre-edge
        COMP_WORDS=({line}{" ''" if line.endswith(" ") else ""}) COMP_LINE='{line}'
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_POINT=${{#COMP_LINE}}
        _shtab_genre_edge genre-edge "${{COMP_WORDS[-1]}}" "${{COMP_WORDS[-2]}}" 2>/dev/null
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    run = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("genre-edge se", {"serve", "service"}),
        ("genre-edge service un", {"uninstall"}),
        ("genre-edge classify --fo", {"--format"}),
        ("genre-edge classify --format ", {"text", "json", "csv"}),
        ("genre-edge history --by d", {"day"}),
        ("genre-edge classify so", {"song.mp3"}),
        ("genre-edge config check --config so", {"song.mp3"}),
    ],
)
def test_bash_completes(share: Path, tmp_path: Path, line: str, offered: set[str]) -> None:
    (tmp_path / "song.mp3").touch()
    assert completed(share, line, tmp_path) == offered
