"""How far long work has come: a bar on a terminal, now and then a line in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from .console import complain
from .terminal import Terminal

_LINE_SECONDS = 60.0
"""From one line in a log to the next, s."""
_SMOOTHING = 0.05
"""How much the last file counts in what is left: files differ in length."""


class Progress(Protocol):
    """What is told of each piece of work that is done."""

    def update(self, count: int = 1) -> object:
        """So many more are done."""
        ...

    def clear(self) -> object:
        """Something else is written to standard error next."""
        ...


class _Lines:
    """Lines on standard error, one a minute at most."""

    def __init__(self, total: int | None, what: str, unit: str) -> None:
        self._total, self._what, self._unit = total, what, unit
        self._done, self._began = 0, time.monotonic()
        self._last = self._began

    def update(self, count: int = 1) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._last < _LINE_SECONDS:
            return
        self._last = now
        rate = self._done / (now - self._began)
        of = "" if self._total is None else f" of {self._total}"
        left = "" if self._total is None else f", {_time((self._total - self._done) / rate)} left"
        complain(f"{self._what}{self._done}{of} {self._unit}s, {rate:.3g} a second{left}")

    def clear(self) -> None:
        """Lines stay."""


def _time(seconds: float) -> str:
    """A time in words that are exact enough."""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


@contextmanager
def progress(total: int | None, unit: str = "file", what: str = "") -> Iterator[Progress]:
    """Show how far work has come on standard error.

    Parameters
    ----------
    total
        Pieces of work; None: nobody knows.
    unit
        What a piece is called.
    what
        What is done, before the figures.

    Yields
    ------
    Progress
        To be told of each piece. On a terminal it draws a bar that fits the width;
        elsewhere it writes one line a minute.
    """
    screen = Terminal(sys.stderr)
    if not screen.can_redraw:
        yield _Lines(total, f"{what}: " if what else "", unit)
        return
    from tqdm import tqdm

    with tqdm(
        total=total,
        desc=what or None,
        unit=unit,
        smoothing=_SMOOTHING,
        file=sys.stderr,
        dynamic_ncols=True,
        ascii=not screen.is_unicode,
    ) as bar:
        yield bar
