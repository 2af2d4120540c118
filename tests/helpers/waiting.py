"""Waiting for an event, for as long as it takes on a machine that is busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

BACKSTOP_SECONDS = 600.0
"""After this long something hangs; nothing is measured against it."""
_POLL_SECONDS = 0.02

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found], what: str) -> Found:
    """Call `look` until what it returns is true, and return that."""
    end = time.monotonic() + BACKSTOP_SECONDS
    while not (found := look()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(_POLL_SECONDS)
    return found
