"""Options that several subcommands share, declared once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..console import run_command
from ..errors import GenreEdgeError
from ..settings.options import add_flags, given, option_fields
from ..settings.places import SYSTEM_FILE, user_file
from ..settings.tables import CaptureConfig, EngineConfig, ListenConfig, WebConfig


def flags_of(args: argparse.Namespace) -> dict[str, str]:
    """The flag of each parameter that the command line gave, for messages.

    Examples
    --------
    >>> flags_of(argparse.Namespace(since="7d", **{"model.hop_seconds": 1.0}))
    {'since': '--since', 'hop_seconds': '--hop'}
    """
    tables = (CaptureConfig, ListenConfig, EngineConfig, WebConfig)
    flags = {one.name: one.option.flag for table in tables for one in option_fields(table)}
    names = [name.rpartition(".")[2] for name in vars(args)]
    return {name: flags.get(name) or f"--{name.replace('_', '-')}" for name in names}


@dataclass(frozen=True)
class Command:
    """What a command consists of."""

    parser: Callable[[], argparse.ArgumentParser]
    """Makes its command line."""
    run: Callable[[argparse.Namespace], int]
    """Does its work; returns the exit status."""


def run_program(
    name: str, main: Command, subcommands: Mapping[str, Command], argv: Sequence[str] | None
) -> int:
    """Run a program that mostly does one thing, such as genre-train.

    Parameters
    ----------
    name
        What the program is called.
    main
        What it does unless the first word is a subcommand.
    subcommands
        The others, by their first word.
    argv
        The command line; None takes the process's.

    Returns
    -------
    int
        The exit status. An error about a parameter names the parameter's flag.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = main
    if arguments and arguments[0] in subcommands:
        command = subcommands[arguments.pop(0)]

    def run(args: argparse.Namespace) -> int:
        try:
            return command.run(args)
        except GenreEdgeError as error:
            error.rename(flags_of(args))
            raise

    return run_command(name, lambda given: run(command.parser().parse_args(given)), arguments)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """--model, --hop, --runtime, --threads, --top and --min-score."""
    add_flags(parser.add_argument_group("model"), "model", EngineConfig)


def engine_config(args: argparse.Namespace) -> EngineConfig:
    """The engine that the options describe."""
    return EngineConfig(**given(args, "model"))


def shown_labels(config: EngineConfig) -> int:
    """How many labels a line of text has: as asked for, or as the model suggests.

    Raises
    ------
    BundleError
        If the model cannot be read.
    """
    if config.top is not None:
        return config.top
    from ..model.bundle import find_model, read_bundle

    return 3 if read_bundle(find_model(config.model)).info.is_multi_label else 1


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
