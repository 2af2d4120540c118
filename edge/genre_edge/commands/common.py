"""Options that several subcommands share, declared once."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable

from ..bundle import DEFAULT_MODEL
from ..classifier import RUNTIMES
from ..errors import GenreEdgeError
from ..pipeline import EngineConfig
from ..quiet import STDERR

BROKEN_PIPE = 141  # 128 + SIGPIPE, what a shell reports for a program that the signal ended
INTERRUPTED = 130  # 128 + SIGINT


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """--model, --runtime and --threads."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        metavar="M",
        default=DEFAULT_MODEL,
        help="a bundle (.tflite), or the name of a shipped one (default: %(default)s)",
    )
    group.add_argument(
        "--runtime",
        choices=list(RUNTIMES),
        help="what runs the model (default: the first that is installed)",
    )
    group.add_argument("--threads", type=int, default=1, metavar="N", help="interpreter threads (default: 1)")


def engine_config(args: argparse.Namespace) -> EngineConfig:
    """The engine that the options describe."""
    return EngineConfig(args.model, getattr(args, "hop", None), args.runtime, args.threads)


def add_verbose_option(parser: argparse.ArgumentParser) -> None:
    """-v, for commands that open audio devices."""
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show what ALSA and PortAudio print to standard error"
    )


def complain(message: object, program: str = "genre-edge") -> None:
    """One line on standard error, from any thread."""
    with STDERR:
        print(f"{program}: {message}", file=sys.stderr, flush=True)


def run_command(program: str, run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a parsed command; an expected error becomes one line and its exit status, never a traceback."""
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
        # The reader has gone; keep the interpreter from failing again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
