"""What a command tells the shell: its errors as one line each, and its exit status."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from .errors import GenreEdgeError
from .quiet import STDERR

BROKEN_PIPE = 141
"""128 + SIGPIPE: what a shell reports for a program that the signal ended."""
INTERRUPTED = 130
"""128 + SIGINT."""

Arguments = TypeVar("Arguments")


def complain(message: object, program: str = "genre-edge") -> None:
    """Print each line of a message on standard error, from any thread."""
    with STDERR:
        for line in str(message).splitlines():
            print(f"{program}: {line}", file=sys.stderr, flush=True)


def run_command(program: str, run: Callable[[Arguments], int], arguments: Arguments) -> int:
    """Run a command; an expected error becomes one line and an exit status.

    Parameters
    ----------
    program
        The name that begins each line of an error.
    run
        Does the work and returns the exit status.
    arguments
        What `run` is given.

    Returns
    -------
    int
        The exit status of `run`, of the error that it raised, or of the signal that
        ended it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names need not be UTF-8
    try:
        return run(arguments)
    except GenreEdgeError as error:
        complain(error, program)
        return error.exit_code
    except ModuleNotFoundError as error:
        from .extras import remedy

        line = remedy(error)
        if line is None:
            raise
        complain(line, program)
        return GenreEdgeError.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone. Without this the interpreter fails again at exit, when it
        # flushes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
