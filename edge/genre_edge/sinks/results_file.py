"""A file of lines that grows by whole recordings, so that a run can go on from it."""

from __future__ import annotations

import fcntl
import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from ..errors import Fault, GenreEdgeError, UsageError
from ..records import FileRecord, Record
from .csv_table import CsvSink
from .json_lines import JsonlSink
from .results_lines import read_results
from .sink import Sink


class ResultsFile:
    """Writes the records of a recording together, when its verdict is there.

    So the file holds whole recordings only. What a crash left of the last one is
    removed when the next run goes on.

    Parameters
    ----------
    path
        The file; if its suffix is .csv it is a table, else JSON lines.
    labels
        The model's labels, which are columns of a table.
    resume
        Whether to go on from what is in the file.

    Raises
    ------
    UsageError
        If the file cannot be written, is there though `resume` is not asked for, is
        being written by another program, has other columns, or is no file of results.
    """

    def __init__(self, path: Path, labels: Sequence[str], resume: bool) -> None:
        self._path, self._labels = path, labels
        self._table = path.suffix == ".csv"
        self._file = self._opened(resume)
        try:
            found = read_results(path, labels)
        except UsageError:
            self._file.close()
            raise
        self.done = found.done
        """Names of the recordings that have a verdict in it, as they are written."""
        self._file.seek(found.end)
        self._file.truncate()
        self._pending = io.StringIO(newline="")
        self._writer = self._sink(self._pending)
        if self._table and found.end:
            self._clear()  # the header is there already

    def write(self, record: Record) -> None:
        """Take a record; a verdict writes what was taken since the last.

        Raises
        ------
        GenreEdgeError
            If the file cannot be written.
        """
        self._writer.write(record)
        if isinstance(record, FileRecord):
            self._flush()

    def forget(self) -> None:
        """Leave out what was taken since the last verdict: its recording failed."""
        header = self._pending.getvalue().partition("\n")[0] + "\n"
        keeps_header = self._table and self._file.tell() == 0
        self._clear()
        if keeps_header:
            self._pending.write(header)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _opened(self, resume: bool) -> BinaryIO:
        try:
            file = open(self._path, "a+b" if resume else "x+b", buffering=0)  # noqa: SIM115
        except FileExistsError:
            reason = "already exists; --resume goes on from it"
            raise UsageError(Fault("output", self._path, reason)) from None
        except OSError as error:
            raise UsageError(Fault("output", self._path, error.strerror or str(error))) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise UsageError(Fault("output", self._path, "another run writes to it")) from None
        return file

    def _sink(self, out: TextIO) -> Sink:
        return CsvSink(out, self._labels) if self._table else JsonlSink(out)

    def _flush(self) -> None:
        content = self._pending.getvalue().encode("utf-8", "backslashreplace")
        begin = self._file.tell()
        try:
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            self._file.truncate(begin)  # readers of the file meet whole records only
            reason = f"cannot be written: {error.strerror}; --resume goes on from it"
            raise GenreEdgeError(Fault("output", self._path, reason)) from None
        self._clear()

    def _clear(self) -> None:
        self._pending.seek(0)
        self._pending.truncate()
