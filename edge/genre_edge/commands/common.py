"""Options that several subcommands share, declared once."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import GenreEdgeError
from ..quiet import STDERR
from ..settings.load import SYSTEM_FILE, user_file
from ..settings.options import add_flags, given
from ..settings.tables import EngineConfig

BROKEN_PIPE = 141  # 128 + SIGPIPE, what a shell reports for a program that the signal ended
INTERRUPTED = 130  # 128 + SIGINT


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """--model, --hop, --runtime and --threads."""
    add_flags(parser.add_argument_group("model"), "model", EngineConfig)


def engine_config(args: argparse.Namespace) -> EngineConfig:
    """The engine that the options describe."""
    return EngineConfig(**given(args, "model"))


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """--config, for commands that read the configuration file."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"configuration (default: {user_file()}, or {SYSTEM_FILE}; whichever is there)",
    )


def add_verbose_option(parser: argparse.ArgumentParser) -> None:
    """-v, for commands that open audio devices."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show what ALSA and PortAudio print to standard error",
    )


def complain(message: object, program: str = "genre-edge") -> None:
    """Its lines on standard error, from any thread."""
    with STDERR:
        for line in str(message).splitlines():
            print(f"{program}: {line}", file=sys.stderr, flush=True)


def run_command(
    program: str, run: Callable[[argparse.Namespace], int], args: argparse.Namespace
) -> int:
    """Run a parsed command; an expected error becomes one line and its exit status,
    never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names need not be UTF-8
    try:
        return run(args)
    except GenreEdgeError as error:
        complain(error, program)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; keep the interpreter from failing again when it flushes
        # at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
