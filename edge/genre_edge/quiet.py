"""Keep the chatter of C libraries off the user's screen."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = threading.RLock()
"""Held while standard error goes elsewhere, and by whoever writes a line that must not
be lost: the descriptor is the process's, and so is its lock."""


@contextmanager
def quiet_stderr(enabled: bool = True) -> Iterator[None]:
    """Send file descriptor 2 to /dev/null for the duration of one native call.

    mpg123, ALSA, PortAudio and the interpreters print to it directly, past sys.stderr.
    Hold it around the native call alone: what other threads write meanwhile is lost,
    unless they hold STDERR.
    """
    if not enabled:
        yield
        return
    with STDERR:
        sys.stderr.flush()
        saved = os.dup(2)
        sink = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(sink, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(sink)
