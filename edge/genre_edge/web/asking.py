"""What a request is told by a process of its own, which may hang or crash."""

from __future__ import annotations

import subprocess

from ..python_child import python_child
from .problems import Problem

_AGAIN_SECONDS = 5
"""After which a client may come again, s."""


def ask_child(
    what: str, seconds: float, module: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a module of this program to its end, and return what it said.

    Parameters
    ----------
    what
        What is looked for, for the message.
    seconds
        Longest time, s.
    module, *arguments
        As `python_child` takes them.

    Raises
    ------
    Problem
        503 if no process could be made, or it took too long.
    """
    try:
        return subprocess.run(
            python_child(module, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(503, f"cannot look for {what}: {error}", _AGAIN_SECONDS) from None
