"""The fleet's database in PostgreSQL, through psycopg: for any number of devices."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any

from ..errors import UsageError
from ..extras import install_line
from .address import Address
from .months import MOST_MONTHS, Month
from .schema import LOCK, MIGRATIONS, STAGED
from .store import Away, Refused, WrongSchema

_CONNECT_SECONDS = 10
"""Time for the server to answer."""
_STATEMENT_SECONDS = 120
"""Longest a statement may take; a server that hangs must not hang the collector."""


class PostgresStore:
    """A `Store` in PostgreSQL."""

    def __init__(self, address: Address) -> None:
        """Name the database. UsageError if psycopg is not installed, or libpq cannot
        read the address.

        Parameters
        ----------
        address : Address
            Where it is.
        """
        try:
            import psycopg
        except ImportError:
            raise UsageError(f"PostgreSQL needs psycopg: {install_line('collect')}") from None
        self._psycopg, self._address, self.shown = psycopg, address, address.shown
        try:
            psycopg.conninfo.conninfo_to_dict(address.conninfo)
        except psycopg.ProgrammingError as error:
            raise UsageError(f"database {self.shown}: {_first_line(error)}") from None
        self._link: Any = None
        self._known: set[Month] = set()
        """Months whose partitions are there."""

    def open(self) -> None:
        """Connect."""
        self.close()
        more: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS}
        if self._address.password is not None:
            more["password"] = self._address.password
        with self._errors():
            self._link = self._psycopg.connect(
                self._address.conninfo,
                autocommit=True,
                application_name="genre-edge",
                client_encoding="UTF8",
                keepalives_idle=30,
                **more,
            )
            self.run(f"SET statement_timeout = '{_STATEMENT_SECONDS}s'")
            self.run("SET timezone = 'UTC'")
        encoding = self._link.info.parameter_status("server_encoding")
        if encoding != "UTF8":  # one label could not be kept, and not even as a dead letter
            self.close()
            raise WrongSchema(
                f"{self.shown}: its encoding is {encoding}, and must be UTF8 (createdb --encoding "
                "UTF8 --template template0)"
            )

    def close(self) -> None:
        """Disconnect."""
        if self._link is not None:
            with suppress(Exception):
                self._link.close()
        self._link = None
        self._known.clear()

    def version(self) -> int:
        """The newest migration that was applied."""
        # Not to_regclass: it may remember that there was no table before a lock came.
        if not self.run(
            "SELECT 1 FROM pg_tables WHERE tablename = 'migrations' "
            "AND schemaname = ANY(current_schemas(false))"
        ):
            return 0
        return int(self.run("SELECT coalesce(max(version), 0) FROM migrations")[0][0])

    def migrate(self) -> list[str]:
        """Apply the migrations that are missing."""
        done = self.version()
        if done < len(MIGRATIONS):
            self._check_owner(done)
        names = []
        with self.transaction():
            self.run("SELECT pg_advisory_xact_lock(?)", (LOCK,))
            done = self.version()
            if done > len(MIGRATIONS):
                raise WrongSchema(
                    f"{self.shown}: was made by a newer genre-edge (schema {done}): update "
                    "genre-edge"
                )
            (schema,) = self.run("SELECT current_schema()")[0]
            for number, migration in enumerate(MIGRATIONS[done:], done + 1):
                if number == 1:
                    self.run(
                        "CREATE TABLE migrations (version integer PRIMARY KEY, name text NOT "
                        "NULL, applied timestamptz NOT NULL DEFAULT now())"
                    )
                self._script(migration.postgres, str(schema))
                self.run(
                    "INSERT INTO migrations (version, name) VALUES (?, ?)", (number, migration.name)
                )
                names.append(migration.name)
        return names

    def _check_owner(self, done: int) -> None:
        """WrongSchema if this user may not make tables."""
        (may,) = self.run(
            "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
        )[0]
        if not may:
            raise WrongSchema(
                f"{self.shown}: has schema {done}, and schema {len(MIGRATIONS)} is needed: run "
                "genre-edge collect --migrate-only as the owner of the database"
            )

    def _script(self, text: str, schema: str) -> None:
        names = {
            "schema": '"' + schema.replace('"', '""') + '"',
            "lock": str(LOCK),
            "most_months": str(MOST_MONTHS),
        }
        with self._errors():
            # Without values, any number of statements may be sent at once.
            self._opened().execute(text.format(**names))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is done in it."""
        with self._errors(), self._opened().transaction():
            yield

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """One statement; returns its rows."""
        with self._errors():
            done = self._opened().execute(sql.replace("?", "%s"), values)
            return done.fetchall() if done.description else []

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """The same statement for each row of values."""
        with self._errors(), self._opened().cursor() as cursor:
            cursor.executemany(sql.replace("?", "%s"), rows)

    def insert_new(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Copy the rows into a temporary table, and from there those that are new."""
        if not rows:
            return 0
        names, staging = ", ".join(columns), f"new_{table}"
        with self._errors(), self._opened().cursor() as cursor:
            cursor.execute(
                f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} ({STAGED[table]}) "
                "ON COMMIT DELETE ROWS"
            )
            copying = f"COPY {staging} ({names}) FROM STDIN"
            with cursor.copy(copying) as copy:
                for row in rows:
                    copy.write_row(row)
            # In one order everywhere: two collectors with the same rows wait for each
            # other, and never both.
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {names} FROM {staging} "
                "ORDER BY device, started, id ON CONFLICT DO NOTHING"
            )
            return max(0, int(cursor.rowcount))

    def ready_months(self, months: Collection[Month]) -> None:
        """Make the partitions of these months."""
        for month in sorted(set(months) - self._known):
            self.run("SELECT genre_edge_make_month(?)", (date(*month, 1),))
            self._known.add(month)

    def drop_before(self, month: Month) -> int:
        """Drop the partitions of what began before a month."""
        self._known = {one for one in self._known if one >= month}
        return int(self.run("SELECT genre_edge_drop_before(?)", (date(*month, 1),))[0][0])

    def moment(self, time: float | None) -> Any:
        """A time with its zone."""
        return None if time is None else datetime.fromtimestamp(time, UTC)

    def seconds(self, value: Any) -> float | None:
        """Of a time with its zone."""
        return None if value is None else float(value.timestamp())

    def _opened(self) -> Any:
        if self._link is None:
            raise Away(f"{self.shown}: is not connected")
        return self._link

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Errors of PostgreSQL as those of a `Store`."""
        errors = self._psycopg.errors
        try:
            yield
        except errors.CheckViolation as error:  # a partition that somebody has dropped
            self._known.clear()
            raise Away(f"{self.shown}: {_first_line(error)}") from None
        except (errors.DataError, errors.IntegrityError, UnicodeError, OverflowError) as error:
            raise Refused(f"{self.shown}: {_first_line(error)}") from None
        except self._psycopg.Error as error:
            raise Away(f"{self.shown}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines()]
    return lines[0] if lines else type(error).__name__
