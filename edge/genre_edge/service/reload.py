"""The settings of a program that listens, read again while it runs: all that can be
applied without losing audio, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, Queue

from ..errors import GenreEdgeError
from ..settings.settings import Settings
from .changed import need_restart
from .parts import Parts
from .pausing import Pausing

_SECONDS = 20.0
"""Longest wait for the settings to be read again, s."""


class Reload:
    """Wishes for a reload, and one after the other what comes of them."""

    def __init__(
        self,
        load: Callable[[], Settings],
        parts: Parts,
        pausing: Pausing,
        answer: Callable[[str], None],
        wish: threading.Event,
    ) -> None:
        """Nothing is read yet.

        Parameters
        ----------
        load : callable
            Reads the settings.
        parts : Parts
            What they are applied to; it has those that the program has started with.
        pausing : Pausing
            Has the hours of the settings.
        answer : callable
            Takes lines about what came of a reload.
        wish : threading.Event
            Set by who wishes for one.
        """
        self._load, self._parts, self._pausing, self._answer = load, parts, pausing, answer
        self._started, self._wish = parts.settings, wish
        self._waiting: list[Queue[str]] = []

    def wait(self) -> str:
        """Wish for a reload, and wait for what came of it: why all is as it was, or "".
        Not for the thread that calls `answer_wishes`."""
        said: Queue[str] = Queue()
        self._waiting.append(said)
        self._wish.set()
        try:
            return said.get(timeout=_SECONDS)
        except Empty:
            return f"the program has not taken note within {_SECONDS:g} s"

    def answer_wishes(self) -> None:
        """Read the settings, and tell all who wait."""
        self._wish.clear()
        waiting, self._waiting = self._waiting, []
        trouble = self.read()
        for one in waiting:
            one.put(trouble)

    def read(self) -> str:
        """Apply what can be applied without losing audio. If anything goes wrong, all
        is as it was. Returns what went wrong, or ""."""
        try:
            settings = self._load()
            later = need_restart(self._started, settings)
            self._parts.apply(settings)
        except Exception as error:  # no file that a user can write ends the program
            self._answer(f"{_told(error)}\nthe configuration stays as it was")
            return _told(error)
        for name in later:
            self._answer(f"{name}: takes effect at the next start")
        self._pausing.set_hours(settings.listen.hours)
        self._answer("the configuration was read again")
        return ""


def _told(error: Exception) -> str:
    """An error for people, expected or not."""
    if isinstance(error, GenreEdgeError):
        return str(error)
    return f"the configuration cannot be used ({type(error).__name__}: {error})"
