"""A command that is really run when the label changes."""

from __future__ import annotations

import json

import pytest
from genre_edge.errors import GenreEdgeError, UsageError
from genre_edge.sinks.on_change import CommandConfig, CommandSink

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
