"""The configuration file."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from genre_edge.errors import UsageError
from genre_edge.settings.load import load
from genre_edge.settings.text import commented
from genre_edge.sinks import kinds

from ..damage import damaged
from ..target import Target, cases, check_line


@cache
def _seeds() -> list[bytes]:
    text = commented(kinds.sections())
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [[") else line
        for line in text.splitlines()
    )
    tables = [f"[{piece}" for piece in uncommented.split("\n[")[1:]]
    return [*(one.encode() for one in tables), *cases("*.toml"), text[:2000].encode()]


def attempt(chance: random.Random, folder: Path) -> None:
    """Load one file."""
    path = folder / "fuzzed.toml"
    path.write_bytes(damaged(chance, _seeds()))
    try:
        load(kinds.sections(), path, {})
    except UsageError as error:
        check_line(error, lines=1000)


TARGET = Target("toml", attempt)
