"""The history's file while it is in use: it may be full, damaged, removed or replaced
at any moment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .database import NewerFile, check_version, is_damage, open_database, told
from .history_rows import SCHEMA, SCHEMA_VERSION, WindowRow, write_stretch, write_windows
from .sink import StillWaiting
from .stretches import Stretch

if TYPE_CHECKING:
    import sqlite3

    from ..health import SinkHealth

_MAGIC = b"SQLite format 3\0"
"""What an SQLite file begins with."""


class HistoryError(StillWaiting):
    """The history's file cannot be used; rows wait in memory."""


def _errors_of_a_row() -> tuple[type[Exception], ...]:
    """What SQLite and Python say of a row that no file could take."""
    from sqlite3 import DataError, IntegrityError, InterfaceError, ProgrammingError

    return DataError, IntegrityError, InterfaceError, ProgrammingError, ValueError, OverflowError


def refuse_newer(path: Path) -> None:
    """UsageError if a later version of the program has written a history there."""
    import sqlite3

    if not os.path.isfile(path):
        return
    with (
        suppress(sqlite3.Error),
        closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", timeout=0.2, uri=True)
        ) as file,
    ):
        try:
            check_version(file, path, SCHEMA_VERSION)
        except NewerFile as error:
            raise UsageError(str(error)) from None


_NOWHERE = (0, 0)


def _identity(path: Path) -> tuple[int, int]:
    """Device and number of a file; _NOWHERE if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return _NOWHERE
    return status.st_dev, status.st_ino


class HistoryFile:
    """Writes rows, in this file or in the one that is there next time."""

    def __init__(
        self,
        path: Path,
        health: SinkHealth,
        report: Callable[[str], None],
        clean: Callable[[sqlite3.Connection], None],
    ) -> None:
        """Prepare; the file is opened when something is written.

        Parameters
        ----------
        path : Path
            The file.
        health : SinkHealth
            Keeps what went wrong.
        report : callable
            Takes a line when the file was damaged, removed or replaced.
        clean : callable
            Deletes what is no longer wanted, within a transaction that writes.
        """
        self._path, self._health, self._report, self._clean = path, health, report, clean
        self._file: sqlite3.Connection | None = None
        self._look: int | None = None
        """A descriptor of that file, to look at it past SQLite. It is closed after
        SQLite's: closing any takes the locks of all from this process. Then another
        program would take itself for the last one, and delete the log in use."""
        self._identity = self._log_identity = _NOWHERE
        """Which file is open, and which is its write-ahead log."""

    def write(
        self, stretches: Sequence[Stretch], windows: Sequence[WindowRow]
    ) -> tuple[list[Stretch], int]:
        """Write rows in one transaction.

        Parameters
        ----------
        stretches : sequence of Stretch
            Each is written over its earlier row; its number is noted in it.
        windows : sequence of WindowRow
            Single windows.

        Returns
        -------
        broken : list of Stretch
            Those that no file could take.
        lost : int
            Windows that were lost with them.

        Raises
        ------
        HistoryError
            If nothing could be written for now.
        """
        import sqlite3

        try:
            return self._write(stretches, windows)
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(
                f"{self._path}: cannot be written ({told(error)}); trying again"
            ) from None

    def close(self) -> None:
        """Leave the file as it is."""
        import sqlite3

        file, self._file = self._file, None
        if file is not None:
            with suppress(sqlite3.Error):
                file.close()
        look, self._look = self._look, None
        if look is not None:
            os.close(look)

    def _write(
        self, stretches: Sequence[Stretch], windows: Sequence[WindowRow]
    ) -> tuple[list[Stretch], int]:
        import sqlite3

        try:
            self._write_at_once(stretches, windows)
        except _errors_of_a_row():
            return self._write_singly(stretches, windows)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._renew(f"was damaged while in use ({told(error)})")
            self._write_at_once(stretches, windows)
        return [], 0

    def _write_at_once(self, stretches: Sequence[Stretch], windows: Sequence[WindowRow]) -> None:
        file = self._ready(stretches)
        with file:
            self._clean(file)  # before: what is written now stays
            rows = [write_stretch(file, stretch) for stretch in stretches]
            write_windows(file, windows)
        for stretch, row in zip(stretches, rows, strict=True):
            stretch.row = row

    def _write_singly(
        self, stretches: Sequence[Stretch], windows: Sequence[WindowRow]
    ) -> tuple[list[Stretch], int]:
        """Write row by row; one that cannot be written is left out."""
        file = self._ready(stretches)
        broken: list[Stretch] = []
        for stretch in stretches:
            try:
                with file:
                    stretch.row = write_stretch(file, stretch)
            except _errors_of_a_row():
                broken.append(stretch)
        lost = sum(stretch.windows for stretch in broken)
        for window in windows:
            try:
                with file:
                    write_windows(file, [window])
            except _errors_of_a_row():
                lost += not broken  # else its stretch has counted it
        self._tell(f"{lost} windows cannot be stored")
        return broken, lost

    def _ready(self, stretches: Sequence[Stretch]) -> sqlite3.Connection:
        """The open file; it is opened anew if it is no longer the one of that name."""
        if self._file is not None and not self._is_in_place():
            self._renew("was removed, replaced or damaged while in use")
        if self._file is None:
            self._file = self._opened()
            try:
                self._look = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                self.close()
                raise
            self._identity = _identity(self._path)
            self._log_identity = _identity(self._beside("-wal"))
            for stretch in stretches:
                stretch.row = None  # in another file it begins anew
        return self._file

    def _is_in_place(self) -> bool:
        if self._look is None or _identity(self._path) != self._identity:
            return False
        try:
            return os.pread(self._look, len(_MAGIC), 0) == _MAGIC
        except OSError:
            return False

    def _beside(self, end: str) -> Path:
        return self._path.with_name(self._path.name + end)

    def _renew(self, why: str) -> None:
        """Leave the file; what is there now, or a new one, is opened next."""
        self.close()
        if _identity(self._beside("-wal")) == self._log_identity != _NOWHERE:
            # The log of the file that is gone would be taken for that of the next.
            for end in ("-wal", "-shm"):
                self._beside(end).unlink(missing_ok=True)
        self._tell(why)

    def _tell(self, what: str) -> None:
        self._health.failed(f"{self._path}: {what}", time.time())
        self._report(self._health.trouble)

    def _opened(self) -> sqlite3.Connection:
        import sqlite3

        def tell(aside: Path) -> None:
            self._tell(f"was damaged, and is now {aside.name}")

        try:
            return open_database(self._path, SCHEMA, tell, SCHEMA_VERSION)
        except NewerFile as error:
            raise HistoryError(str(error)) from None
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(f"{self._path}: cannot be opened ({told(error)})") from None
