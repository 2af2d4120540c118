"""What a command tells the shell: its errors as one line each, and its exit status."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import TextIO, TypeVar

from .errors import GenreEdgeError, UsageError
from .interrupt import interrupts_noted
from .quiet import STDERR

BROKEN_PIPE = 141
"""128 + SIGPIPE: what a shell reports for a program that the signal ended."""
INTERRUPTED = 130
"""128 + SIGINT."""

Arguments = TypeVar("Arguments")


def complain(message: object, program: str = "genre-edge") -> None:
    """Print each line of a message on standard error, from any thread. What it quotes
    cannot control the terminal."""
    with STDERR:
        for line in str(message).rstrip("\n").split("\n"):
            print(f"{program}: {harmless(line)}", file=sys.stderr, flush=True)


def harmless(line: str) -> str:
    """A line with escapes such as \\x1b for what is not printable: it cannot control a
    terminal. Joiners, which are a part of words, stay."""
    if line.isprintable():
        return line
    return "".join(
        letter
        if letter.isprintable() or letter in _JOINERS
        else letter.encode("unicode_escape").decode()
        for letter in line
    )


_JOINERS = "\u200c\u200d"


def standard_output() -> TextIO:
    """Standard output, for commands whose work it is to write there. GenreEdgeError if
    it is closed."""
    if sys.stdout is None:
        raise GenreEdgeError("standard output is closed: redirect it (> FILE, or > /dev/null)")
    return sys.stdout


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
    with interrupts_noted() as interrupt:
        try:
            status = _status(program, run, arguments)
        except (Exception, KeyboardInterrupt):
            if not interrupt.came:
                raise  # else it is what a library made of the interrupt
        if interrupt.came:
            # An import that was interrupted leaves a mark in CPython, by which the
            # process would end with the signal. Running some code clears it.
            eval("0")
            return INTERRUPTED
        return status


def _status(program: str, run: Callable[[Arguments], int], arguments: Arguments) -> int:
    """Run a command as `run_command`, which says what it returns."""
    _ready_streams()
    try:
        status = run(arguments)
        _flush()
        return status
    except SystemExit as error:  # --help, --version, or a command line that is wrong
        try:
            _flush()
        except OSError as full:
            return _cannot_write(full, program)
        raise error from None
    except GenreEdgeError as error:
        complain(error, program)
        return error.exit_code
    except ModuleNotFoundError as error:
        from .extras import remedy

        line = remedy(error)
        if line is None:
            raise
        complain(line, program)
        return UsageError.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError:
        complain("not enough memory for this", program)
        return GenreEdgeError.exit_code
    except BrokenPipeError:
        _discard_output()  # the reader has gone
        return BROKEN_PIPE
    except OSError as error:
        if error.filename is not None or error.errno not in _WRITE_ERRORS:
            raise
        return _cannot_write(error, program)


def _flush() -> None:
    """Write what is held back: a full disk shows here at the latest."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _cannot_write(error: OSError, program: str) -> int:
    _discard_output()
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    complain(f"cannot write: {error.strerror}", program)
    return GenreEdgeError.exit_code


_WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What writing to standard output may meet: a full disk, or a closed file."""


def _ready_streams() -> None:
    """Make the standard streams fit for any file name, and their descriptors taken.

    A file that is opened where standard output was closed would get its number, and
    with it whatever libraries print.
    """
    codecs.register_error(_PLAIN, _plain)
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (until the program ends)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAIN)


_PLAIN = "genre-edge.plain"
"""How a stream writes what its encoding lacks."""


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bars become "#"; all else is escaped, as names of files need not be text."""
    if isinstance(error, UnicodeEncodeError) and error.object[error.start] in "▏▎▍▌▋▊▉█":
        return ("#" if error.object[error.start] in "▌▋▊▉█" else " "), error.start + 1
    return codecs.backslashreplace_errors(error)


def _discard_output() -> None:
    """Send what is still to be written to nowhere. Without this the interpreter fails
    again at exit, when it flushes standard output."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
