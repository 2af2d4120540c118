"""What is known of updates, for those who show it, and people's wish to have one
installed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class UpdateNews:
    """As people see it."""

    installed: str = ""
    """The model in use; empty until it is known."""
    latest: str = ""
    """The newest model that may be installed; that in use, where there is none."""
    note: str = ""
    """What is new in it, or why the last update was not taken."""
    in_progress: bool = False
    """Whether one is being installed."""


def _nobody() -> None:
    """Nobody waits for wishes."""


class UpdateBoard:
    """Between what looks after updates and what shows them. Any thread may use it."""

    def __init__(self, asks: bool) -> None:
        """Begin.

        Parameters
        ----------
        asks : bool
            Whether people are asked before a model is installed.
        """
        self.asks = asks
        self.news = UpdateNews()
        """The latest; replaced as a whole."""
        self._wanted = threading.Event()
        self.on_wish: Callable[[], None] = _nobody
        """Called when somebody wishes to have the latest model installed."""

    def install(self) -> None:
        """Wish to have the latest model installed."""
        if self.asks:
            self._wanted.set()
            self.on_wish()

    def take_wish(self) -> bool:
        """Whether somebody wished it since the last call."""
        found = self._wanted.is_set()
        self._wanted.clear()
        return found
