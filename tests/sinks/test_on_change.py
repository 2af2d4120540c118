"""A command that is really run when the label changes."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from genre_edge.errors import GenreEdgeError, UsageError
from genre_edge.sinks.on_change import CommandConfig, CommandSink

from tests.helpers.waiting import wait_for
from tests.helpers.windows import GENRES, window


def test_a_command_gets_each_change_as_json(tmp_path) -> None:
    sink = CommandSink(CommandConfig(f"sh -c 'cat >> {tmp_path}/out'"))
    for k, genre in enumerate(GENRES):
        sink.write(window(k, genre))
    lines = (tmp_path / "out").read_text().splitlines()
    assert [json.loads(line)["genre"] for line in lines] == ["jazz", "rock", "jazz"]


def test_a_command_that_fails_or_hangs_is_told() -> None:
    with pytest.raises(GenreEdgeError, match=r"sh: exit status 3 \(no good\)"):
        CommandSink(CommandConfig("sh -c 'echo no good >&2; exit 3'")).write(window(0))
    with pytest.raises(GenreEdgeError, match=r"sleep: killed after 0.2 s"):
        CommandSink(CommandConfig("sleep 60", 0.2)).write(window(0))
    with pytest.raises(UsageError, match="no such program"):
        CommandSink(CommandConfig("genre-edge-nonesuch"))


def is_running(path: Path) -> bool:
    """Whether the process runs whose number is in a file."""
    stat = Path(f"/proc/{path.read_text().strip()}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_what_a_command_leaves_in_the_background_goes_on_and_is_not_waited_for(tmp_path) -> None:
    pid = tmp_path / "pid"
    command = f"sh -c 'cat > {tmp_path}/out; sleep 60 & echo $! > {pid}'"
    start = time.monotonic()
    try:
        assert CommandSink(CommandConfig(command, 50.0)).write(window(0)) == 1
        assert time.monotonic() - start < 30
        assert is_running(pid)
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_command_that_hangs_is_killed_with_all_that_it_started(tmp_path) -> None:
    pid = tmp_path / "pid"
    command = f"sh -c 'sleep 60 & echo $! > {pid}; wait'"
    with pytest.raises(GenreEdgeError, match="killed after 1 s"):
        CommandSink(CommandConfig(command, 1.0)).write(window(0))
    wait_for(lambda: not is_running(pid), "its child is gone")


def test_an_error_of_any_length_and_kind_is_its_last_line() -> None:
    command = r"""sh -c 'yes more | head -c 1000000 >&2; printf "last \377" >&2; exit 1'"""
    with pytest.raises(GenreEdgeError) as told:
        CommandSink(CommandConfig(command)).write(window(0))
    assert str(told.value) == "sh: exit status 1 (last \ufffd)"
