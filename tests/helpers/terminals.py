"""Commands on a real terminal (a pty) of any width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence


def set_width(terminal: int, columns: int) -> None:
    """Make a terminal so wide; what runs on it is told."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def on_terminal(
    command: Sequence[str],
    columns: int,
    environment: Mapping[str, str],
    seen: Callable[[str, int], None] = lambda text, terminal: None,
) -> tuple[int, str]:
    """Run a command on a terminal.

    Parameters
    ----------
    command, columns
        What runs, and how wide the terminal is.
    environment
        Beside this one's, without what decides on colours here.
    seen
        Told all that was written so far, and the terminal.

    Returns
    -------
    int, str
        Exit status, and everything that was written, as it was.
    """
    ours = {k: v for k, v in os.environ.items() if "COLOR" not in k and k != "TERM"}
    master, terminal = pty.openpty()
    set_width(terminal, columns)
    with subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**ours, **environment},
        start_new_session=True,
    ) as process:
        os.close(terminal)
        found = bytearray()
        while data := _read(master):
            found += data
            seen(found.decode(errors="replace"), master)
        status = process.wait()
    os.close(master)
    return status, found.decode()


def _read(master: int) -> bytes:
    """What came; nothing once nobody holds the other end."""
    try:
        return os.read(master, 4096)
    except OSError:  # EIO on Linux
        return b""


def screen_of(written: str) -> list[str]:
    """The lines that stay on the screen, without colours: "\\r" goes back to the
    beginning of a line, "\\x1b[K" deletes its rest."""
    lines, column = [""], 0
    for piece in re.split(r"(\r|\n|\x1b\[[\d;]*[mK])", written):
        if piece in ("\r", "\n"):
            lines += [""] * (piece == "\n")
            column = 0
        elif piece == "\x1b[K":
            lines[-1] = lines[-1][:column]
        elif not piece.startswith("\x1b"):
            rest = lines[-1][column + len(piece) :]
            lines[-1] = lines[-1][:column] + piece + rest
            column += len(piece)
    return lines
