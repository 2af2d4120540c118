"""The microphones of this machine and their levels, looked for in processes of their
own."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ..python_child import python_child
from ..records import compact_json
from .asking import ask_child
from .control import Control
from .turns import Turns

_LIST_SECONDS = 60.0
"""Longest look for devices, s."""
_PERIOD_SECONDS = 0.1
"""Time between two levels, s."""
_MOST_WATCHERS = 4
"""Levels that are followed at once."""


class Microphones:
    """Lists the microphones and follows the level of one. Any thread may ask."""

    def __init__(self) -> None:
        self._looking = Turns("the devices are being looked for", 1, 2)
        self._watchers = Turns("many levels are being watched", _MOST_WATCHERS, 0)

    def listed(self, control: Control) -> dict[str, Any]:
        """All that there are, which one is in use, and why none was found."""
        with self._looking:
            done = ask_child("devices", _LIST_SECONDS, "genre_edge", "devices", "--json")
        trouble = done.stderr.strip().removeprefix("genre-edge: ")
        found = json.loads(done.stdout or "[]")
        used = control.microphone()
        return {"devices": found, "used": used and used[0], "trouble": "" if found else trouble}

    def levels(self, control: Control, device: str | None) -> Iterator[str]:
        """Follow the level of a microphone, as server-sent events.

        Parameters
        ----------
        control
            The program: what it hears is not opened again.
        device
            The microphone's token; None: that which the program hears, or would.

        Yields
        ------
        str
            Events `level` with "dbfs" and "state" (dead, clipping, quiet, good, or
            waiting while nothing comes); at the end one `trouble` with what is wrong.
        """
        used = control.microphone()
        with self._watchers:
            if used is not None and device in (None, used[0]):
                yield from _of_the_program(control)
            else:
                yield from _of_another(device)


def _of_the_program(control: Control) -> Iterator[str]:
    while (used := control.microphone()) is not None:
        level = used[1]
        yield _event(
            "level", {"dbfs": None, "state": "waiting"} if level is None else asdict(level)
        )
        time.sleep(_PERIOD_SECONDS)


def _of_another(device: str | None) -> Iterator[str]:
    try:
        process = subprocess.Popen(
            python_child("genre_edge.live.watch", device or ""),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    except OSError as error:
        yield _event("trouble", {"detail": str(error.strerror)})
        return
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            for line in process.stdout:
                yield _event("level", json.loads(line))
            said = process.stderr.read().strip().splitlines()
            yield _event("trouble", {"detail": said[-1] if said else "it cannot be heard"})
        finally:
            process.kill()


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {compact_json(data)}\n\n"
