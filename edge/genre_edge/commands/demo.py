"""genre-edge demo: the shipped model over the clip that comes with the program."""

from __future__ import annotations

import argparse
from contextlib import closing

from ..console import standard_output
from .classify import classify_to
from .common import add_engine_options, engine_config, shown_labels


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Classify the 12-second clip that comes with the program. It is synthesised, not\n"
        "recorded: the first half imitates a piano, the second a distorted guitar with drums."
    )
    add_engine_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Classify the clip; returns the exit status."""
    from ..demo import clip_path
    from ..sinks.file_lines import TextSink

    config = engine_config(args)
    with closing(TextSink(standard_output(), shown_labels(config))) as sink:
        return classify_to(sink, [str(clip_path())], config, 1)
