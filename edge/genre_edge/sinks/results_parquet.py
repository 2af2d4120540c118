"""A Parquet file of results, written in parts, so that a run can go on from them.

A Parquet file is readable once its end is written. So the rows go to small files of
their own in a folder beside it, each of them whole; they become one when the run ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import Fault, GenreEdgeError, UsageError
from ..files import atomic_file
from ..records import FileRecord, Record, valid_utf8
from .csv_table import COLUMNS, table_row
from .results_lines import other_model

PART_SECONDS = 10.0
"""Time after which the next verdict ends a part, s: the most that is lost when the
program is killed."""
_PART_ROWS = 20_000
_GROUP_ROWS = 100_000
"""Rows of a row group in the finished file."""
_LAST_PART = b"genre-edge.last-part"
"""Metadata of the finished file: the number of the last part that is in it."""
_MODEL = b"genre-edge.model"
"""Metadata of the file and its parts: the model's name."""


class ParquetResults:
    """Writes the records of whole recordings; the columns are those of the CSV.

    Parameters
    ----------
    path
        The file. Parts are in the folder of the same name and `.parts`, until `close`
        joins them.
    labels
        The model's labels, which are columns.
    model
        The model's name, which is noted in the file.
    resume
        Whether to go on from what is in the file and its parts.
    part_seconds
        Time after which a verdict ends a part, s.

    Raises
    ------
    UsageError
        If the file cannot be written, is there though `resume` is not asked for, is
        being written by another program, has other columns, or holds results of another
        model.
    ModuleNotFoundError
        If pyarrow is not installed.
    """

    def __init__(
        self,
        path: Path,
        labels: Sequence[str],
        model: str,
        resume: bool,
        part_seconds: float = PART_SECONDS,
    ) -> None:
        import pyarrow

        self._path, self._labels, self._part_seconds = path, labels, part_seconds
        self._model = model
        self._folder = path.with_name(f"{path.name}.parts")
        self._schema = pyarrow.schema(list(_fields(labels)))
        self._pending: list[list[Any]] = []
        self._whole = 0  # how many of the pending rows belong to finished recordings
        self._last_flush = time.monotonic()
        self.done: set[str] = set()
        """Names of the recordings that have a verdict, as they are written."""
        self._lock: int | None = self._locked(resume)
        try:
            self._last_part = self._joined_already()
            for part in self._parts():
                self._read(part)
        except BaseException:
            self._unlock()
            raise

    def write(self, record: Record) -> None:
        """Take a record; a verdict may end a part.

        Raises
        ------
        GenreEdgeError
            If the part cannot be written.
        """
        row = table_row(record, self._labels)
        if row is None:
            return
        row[1] = valid_utf8(row[1])
        self._pending.append(row)
        if isinstance(record, FileRecord):
            self._whole = len(self._pending)
            waited = time.monotonic() - self._last_flush
            if self._whole >= _PART_ROWS or waited >= self._part_seconds:
                self._flush()

    def forget(self) -> None:
        """Leave out what was taken since the last verdict: its recording failed."""
        del self._pending[self._whole :]

    def close(self) -> None:
        """Join the parts to one file. May be called again.

        Raises
        ------
        GenreEdgeError
            If the file cannot be written; the parts stay.
        """
        if self._lock is None:
            return
        try:
            self.forget()
            self._flush()
            self._join()
        finally:
            self._unlock()

    def _locked(self, resume: bool) -> int:
        """Make the folder of parts, and keep other programs out of it."""
        if not resume and (self._path.exists() or self._parts()):
            reason = "already exists; --resume goes on from it"
            raise UsageError(Fault("output", self._path, reason))
        try:
            self._folder.mkdir(exist_ok=True)
            lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise UsageError(Fault("output", self._path, error.strerror or str(error))) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise UsageError(Fault("output", self._path, "another run writes to it")) from None
        return lock

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            if self._folder.exists() and not any(self._folder.iterdir()):
                self._folder.rmdir()

    def _parts(self) -> list[Path]:
        return sorted(part for part in self._folder.glob("*.parquet") if part.stem.isdigit())

    def _joined_already(self) -> int:
        """Read the file, if there is one, and remove parts that are in it: the program
        ended before it could. Returns the number of the last part there was."""
        last = 0
        if self._path.exists():
            metadata = self._read(self._path)
            last = int(metadata.get(_LAST_PART, b"0"))
        for part in self._parts():
            if int(part.stem) <= last:
                part.unlink()
        return max([last, *(int(part.stem) for part in self._parts())])

    def _read(self, path: Path) -> dict[bytes, bytes]:
        """Note what is done in one file; returns its metadata."""
        import pyarrow
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(path) as file:
                schema = file.schema_arrow
                if not schema.remove_metadata().equals(self._schema):
                    reason = "was written with other labels"
                    raise UsageError(Fault("output", path, reason))
                before = (schema.metadata or {}).get(_MODEL, b"").decode("utf-8", "replace")
                if before not in ("", self._model):
                    raise other_model(path, before, self._model)
                for group in range(file.num_row_groups):
                    rows = file.read_row_group(group, columns=["type", "file"]).to_pydict()
                    pairs = zip(rows["type"], rows["file"], strict=True)
                    self.done |= {name for kind, name in pairs if kind == "file"}
                return dict(schema.metadata or {})
        except (pyarrow.ArrowInvalid, OSError) as error:
            reason = f"is no whole Parquet file ({str(error).splitlines()[0]})"
            raise UsageError(Fault("output", path, reason)) from None

    def _flush(self) -> None:
        """Write the rows of finished recordings as a part."""
        if self._whole:
            part = self._folder / f"{self._last_part + 1:08}.parquet"
            self._write(part, [self._table(self._pending[: self._whole])])
            self._last_part += 1
            del self._pending[: self._whole]
            self._whole = 0
        self._last_flush = time.monotonic()

    def _table(self, rows: list[list[Any]]) -> Any:
        import pyarrow

        columns = [list(column) for column in zip(*rows, strict=True)]
        return pyarrow.table(columns, schema=self._schema)

    def _join(self) -> None:
        parts = self._parts()
        if not parts:
            if not self._path.exists():  # nothing was heard: a table without rows
                self._write(self._path, [])
            return
        before = [self._path] if self._path.exists() else []
        last_part = {_LAST_PART: str(self._last_part).encode()}
        self._write(self._path, _groups([*before, *parts]), last_part)
        shutil.rmtree(self._folder)

    def _write(
        self, path: Path, tables: Any, metadata: Mapping[bytes, bytes] = MappingProxyType({})
    ) -> None:
        """Write a whole file or none."""
        from pyarrow import parquet

        schema = self._schema.with_metadata({_MODEL: self._model.encode(), **metadata})
        try:
            with atomic_file(path) as file:
                with parquet.ParquetWriter(file, schema) as writer:
                    for table in tables:
                        writer.write_table(table.replace_schema_metadata(schema.metadata))
                os.fsync(file.fileno())
        except OSError as error:
            reason = f"cannot be written: {error.strerror or error}; --resume goes on from it"
            raise GenreEdgeError(Fault("output", self._path, reason)) from None


def _fields(labels: Sequence[str]) -> Iterator[Any]:
    """Name and type of each column."""
    import pyarrow

    types = {
        "start": pyarrow.float64(),
        "end": pyarrow.float64(),
        "windows": pyarrow.int32(),
        "confidence": pyarrow.float64(),
    }
    for name in COLUMNS:
        yield pyarrow.field(name, types.get(name, pyarrow.string()))
    for label in labels:
        yield pyarrow.field(label, pyarrow.float64())


def _groups(paths: Sequence[Path]) -> Iterator[Any]:
    """All rows of some files, as tables of about as many rows as a row group has."""
    import pyarrow
    from pyarrow import parquet

    held: list[Any] = []
    for path in paths:
        with parquet.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                held.append(file.read_row_group(group).replace_schema_metadata(None))
                if sum(len(table) for table in held) >= _GROUP_ROWS:
                    yield pyarrow.concat_tables(held)
                    held = []
    if held:
        yield pyarrow.concat_tables(held)
