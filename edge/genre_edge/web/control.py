"""What the page may do to the program that serves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..live.meter import Level
from ..settings.reader import SettingsReader


def _nothing_heard() -> None:
    return None


@dataclass(frozen=True)
class Control:
    """How to have the program do something. Any thread may call."""

    reader: SettingsReader
    """How it reads its settings."""
    start_again: Callable[[], None]
    """Has it end and start again with what is in the file; a program that does not
    listen begins to."""
    read_again: Callable[[], str] | None = None
    """Has it read its settings again; returns why all is as it was, or "". None for a
    program that does not listen."""
    microphone: Callable[[], tuple[str, Level | None] | None] = _nothing_heard
    """The microphone that it hears, by its token, and its level; None if it hears
    none."""
