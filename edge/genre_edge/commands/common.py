"""Options that several subcommands share, declared once."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..settings.options import add_flags, from_flags
from ..settings.places import SYSTEM_FILE, user_file
from ..settings.tables import EngineConfig


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """--model, --hop, --runtime and --threads."""
    add_flags(parser.add_argument_group("model"), "model", EngineConfig)


def engine_config(args: argparse.Namespace) -> EngineConfig:
    """The engine that the options describe."""
    return from_flags(args, "model", EngineConfig)


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """--config, for commands that read the configuration file."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"configuration file (default: {user_file()} if it exists, else {SYSTEM_FILE})",
    )


def add_verbose_option(parser: argparse.ArgumentParser) -> None:
    """-v, for commands that open audio devices."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show what ALSA and PortAudio print to standard error",
    )
