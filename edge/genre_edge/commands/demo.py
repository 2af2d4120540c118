"""genre-edge demo: the shipped model over the clip that comes with the program."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ..demo import clip_path
from ..sinks.file_lines import TextSink
from .classify import classify_to
from .common import add_engine_options, engine_config


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "demo",
        help="classify the clip that comes with the program",
        description="Classify the 12-second synthesised clip that comes with the program. It is no "
        "recording: the first half imitates a piano, the second a distorted guitar with drums.",
    )
    add_engine_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Classify the clip; returns the exit status."""
    return classify_to(TextSink(sys.stdout), [str(clip_path())], engine_config(args), 1)
