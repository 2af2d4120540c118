"""TFLite flatbuffers, read without an interpreter."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from genre_edge.errors import ModelError
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.flatbuffer import read_graph

from ..damage import damaged
from ..target import Target, check_line

_TABLES = 20_000
"""The tables of a shipped model are at its end; so much of it is kept."""


@cache
def _seeds() -> list[bytes]:
    return [
        read_bundle(find_model(name)).flatbuffer
        for name in ("gtzan-two-block.int8", "gtzan-edge.int8")
    ]


def attempt(chance: random.Random, folder: Path) -> None:
    """Read one graph."""
    content = damaged(chance, _seeds())
    if chance.random() < 0.5:  # the tables are behind the weights
        tail = damaged(chance, [one[-_TABLES:] for one in _seeds()])
        content = chance.choice(_seeds())[:-_TABLES] + tail
    try:
        read_graph(content, "fuzzed").needs()
    except ModelError as error:
        check_line(error)


TARGET = Target("flatbuffer", attempt, batch=20)
