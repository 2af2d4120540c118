"""The way by which updates come, whichever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..errors import GenreEdgeError
from ..statement import BundleOffer


class Away(GenreEdgeError):
    """Nothing can be had at the moment; it is worth another try."""


class Transport(Protocol):
    """Brings statements, and the files that they name. One thread uses it."""

    @property
    def is_well(self) -> bool:
        """Whether the last attempt to look brought no trouble."""

    def look(self, seconds: float) -> list[bytes]:
        """Statements that are there, each once until it changes; wait for one as long
        as `seconds`, or until `wake`. Away."""

    def fetch(self, offer: BundleOffer, target: Path) -> None:
        """Write a bundle into a file, no more bytes than it is to have. What is in it
        is for others to check. Away; UpdateError where no file may come from there."""

    def wake(self) -> None:
        """End a wait in `look`, from any thread."""

    def close(self) -> None:
        """Let go of what it holds."""
