"""The fleet's database as one SQLite file: for some tens of devices."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..sinks.database import told
from .months import Month, start_of
from .schema import MIGRATIONS
from .store import Away, Refused, WrongSchema

_BUSY_SECONDS = 10.0
"""How long another program may hold the file, s."""
_OURS = "dead_letters"
"""A table that no history of this program has, nor most other programs."""
_FOREIGN = "is no database of genre-edge collect: give another file"


class SqliteStore:
    """A `Store` in one file."""

    def __init__(self, path: Path, shown: str, must_exist: bool = False) -> None:
        """Name the file.

        Parameters
        ----------
        path : Path
            The file; a new one is for its owner alone (0600).
        shown : str
            Its address for messages.
        must_exist : bool
            Whether a file that is not there is an error.
        """
        self._path, self.shown, self._must_exist = path, shown, must_exist
        self._file: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        """Which file it is, whatever its name."""

    def open(self) -> None:
        """Open the file."""
        import os

        self.close()
        if self._must_exist and not self._path.is_file():
            raise Away(f"{self.shown}: no such file (genre-edge collect makes it)")
        try:
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with self._errors():
                file = sqlite3.connect(
                    self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
                )
                self._file, self._identity = file, self._found()
                self._check_is_ours(file)
                file.execute("PRAGMA journal_mode=WAL")
                # What is committed is acknowledged: it must be on the disk.
                file.execute("PRAGMA synchronous=FULL")
        except WrongSchema:
            self.close()
            raise
        except OSError as error:
            raise Away(f"{self.shown}: cannot be opened ({error.strerror})") from None

    def _check_is_ours(self, file: sqlite3.Connection) -> None:
        """WrongSchema if another program has made the file."""
        # In this order: another collector may make the tables in between.
        (version,) = file.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
        if (tables or version) and _OURS not in tables:
            raise WrongSchema(f"{self.shown}: {_FOREIGN}")

    def _found(self) -> tuple[int, int] | None:
        """Which file has the name now; None if there is none."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(sqlite3.Error):
                self._file.close()
        self._file = None

    def version(self) -> int:
        """The newest migration that was applied."""
        return int(self.run("PRAGMA user_version")[0][0])

    def migrate(self) -> list[str]:
        """Apply the migrations that are missing."""
        names = []
        with self.transaction():
            done = self.version()
            if done > len(MIGRATIONS):
                raise WrongSchema(
                    f"{self.shown}: was written by a newer genre-edge (schema {done}): update "
                    "genre-edge, or use another file"
                )
            for migration in MIGRATIONS[done:]:
                for statement in _statements(migration.sqlite):
                    self.run(statement)
                names.append(migration.name)
            self.run(f"PRAGMA user_version = {len(MIGRATIONS)}")
        return names

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is done in it."""
        if self._file is not None and self._found() != self._identity:
            raise Away(f"{self.shown}: was moved or removed")  # what is written would be lost
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with suppress(Away, Refused):
                self.run("ROLLBACK")
            raise

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """One statement; returns its rows."""
        with self._errors():
            return self._opened().execute(sql, values).fetchall()

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """The same statement for each row of values."""
        with self._errors():
            self._opened().executemany(sql, rows)

    def insert_new(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Add those rows that are not there."""
        marks = ", ".join("?" * len(columns))
        with self._errors():
            done = self._opened().executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) "
                "ON CONFLICT DO NOTHING",
                rows,
            )
        return max(0, done.rowcount)

    def ready_months(self, months: Collection[Month]) -> None:
        """There are no partitions."""

    def drop_before(self, month: Month) -> int:
        """Delete what began before a month."""
        gone = 0
        for table in ("stretches", "windows"):
            with self._errors():
                done = self._opened().execute(
                    f"DELETE FROM {table} WHERE started < ?", (start_of(month),)
                )
            gone += max(0, done.rowcount)
        return gone

    def moment(self, time: float | None) -> Any:
        """Seconds since 1970, as they are."""
        return time

    def seconds(self, value: Any) -> float | None:
        """Seconds since 1970, as they are."""
        return None if value is None else float(value)

    def _opened(self) -> sqlite3.Connection:
        if self._file is None:
            raise Away(f"{self.shown}: is not open")
        return self._file

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Errors of SQLite as those of a `Store`."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError) as error:
            raise Refused(f"{self.shown}: {told(error)}") from None
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
                raise WrongSchema(f"{self.shown}: {_FOREIGN}") from None
            raise Away(f"{self.shown}: {told(error)}") from None


def _statements(script: str) -> list[str]:
    """The statements of a script: `executescript` would end the transaction."""
    return [one for one in script.split(";") if one.strip()]
