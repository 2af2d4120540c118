"""What the collector and the fleet's command ask of a database: the same of SQLite and
of PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ..errors import GenreEdgeError
from .months import Month


class Away(GenreEdgeError):
    """The database cannot be used now. It may come back."""


class Refused(GenreEdgeError):
    """The database does not take these rows, now or later."""


class WrongSchema(GenreEdgeError):
    """The database, or its tables, are not such as this version uses."""


class Store(Protocol):
    """A database. Every method may raise Away."""

    shown: str
    """Its address for messages."""

    def open(self) -> None:
        """Connect; again after Away. WrongSchema if it is another program's, or
        cannot hold every text."""

    def close(self) -> None:
        """Disconnect."""

    def version(self) -> int:
        """The newest migration that was applied; 0: none."""

    def migrate(self) -> list[str]:
        """Apply the migrations that are missing, one program at a time; returns their
        names. WrongSchema if a newer version of the program has made the tables, or
        this user may not."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is done in it. Refused, Away."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """One statement with "?" for each value; returns its rows."""

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """The same statement for each row of values."""

    def insert_new(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Add those rows that are not there; returns how many."""

    def ready_months(self, months: Collection[Month]) -> None:
        """Make the partitions of these months; outside of a transaction."""

    def drop_before(self, month: Month) -> int:
        """Delete what began before a month; returns how many partitions or rows went.
        Outside of a transaction."""

    def moment(self, time: float | None) -> Any:
        """A time (UTC, s since 1970) as a value of a statement."""

    def seconds(self, value: Any) -> float | None:
        """A time that a statement has returned, UTC, s since 1970."""
