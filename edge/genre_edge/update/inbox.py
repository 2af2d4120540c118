"""Statements as they come: which of them matter to this device, and which does most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import UpdateError
from ..statement import Statement, read_signed
from .state import UpdateState, shown


@dataclass(frozen=True)
class Received:
    """A statement that was believed."""

    statement: Statement
    """What it says."""
    data: bytes
    """As it was signed."""


class Inbox:
    """Keeps the latest statement of each kind until it is decided about."""

    def __init__(self, device: str, trusted_keys: Sequence[str], wall: Callable[[], float]) -> None:
        """Begin empty.

        Parameters
        ----------
        device : str
            This device's name.
        trusted_keys : sequence of str
            Who may sign.
        wall : callable
            Gives the time, s since 1970.
        """
        self._device, self._trusted, self._wall = device, trusted_keys, wall
        self._waiting: dict[str, Received] = {}

    def take(self, data: bytes, state: UpdateState) -> None:
        """Look at what came. What is for others, or was decided about, is of no
        interest.

        Parameters
        ----------
        data : bytes
            What anybody may have sent.
        state : UpdateState
            What was decided about.

        Raises
        ------
        UpdateError
            Why it is not taken, if that is worth a word.
        """
        try:
            statement = read_signed(data, self._trusted)
        except UpdateError as error:
            raise UpdateError(f"a statement {error}") from None
        if not statement.is_for(self._device):
            return
        last = state.serial(statement.kind)
        if statement.serial < last:
            raise UpdateError(
                f"{shown(statement)} (serial {statement.serial}) is older than what came last "
                f"(serial {last})"
            )
        waiting = self.waiting(statement.kind, state)
        if statement.serial == last or (
            waiting is not None and waiting.statement.serial >= statement.serial
        ):
            return
        if not statement.is_valid_at(self._wall()):
            raise UpdateError(f"{shown(statement)} (serial {statement.serial}) is out of date")
        self._waiting[statement.kind] = Received(statement, data)

    def waiting(self, kind: str, state: UpdateState) -> Received | None:
        """The latest statement of a kind that is to be decided about."""
        found = self._waiting.get(kind)
        if found is None or found.statement.serial <= state.serial(kind):
            return None
        return found if found.statement.is_valid_at(self._wall()) else None
