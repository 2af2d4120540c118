"""Tables of records: CSV, and the rows and columns that every table has."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, TextIO

from ..console import harmless
from ..records import FileRecord, Record, WindowRecord, valid_utf8

COLUMNS = ("type", "file", "start", "end", "windows", "genre", "confidence")
"""Those before the labels', which follow in the model's order."""


def table_row(record: Record, labels: Sequence[str]) -> list[Any] | None:
    """The cells of a record's row; None for records of live audio, which have no table.

    The verdict on a file has start 0 and the file's length as its end, in seconds.
    """
    if isinstance(record, FileRecord):
        head = ["file", record.file, 0.0, record.seconds, record.windows]
    elif isinstance(record, WindowRecord):
        head = ["window", record.file, record.start, record.end, 1]
    else:
        return None
    scores = [record.scores.get(label) for label in labels]  # none in silence
    return [*head, record.genre, record.confidence, *scores]


class CsvSink:
    """Writes a header, then one row a record."""

    def __init__(self, out: TextIO, labels: Sequence[str]) -> None:
        """Write the header; `labels` are the model's."""
        self._out = out
        self._labels = labels
        self._out.write(csv_line([*COLUMNS, *labels], out))

    def write(self, record: Record) -> None:
        """Write and flush one row."""
        row = table_row(record, self._labels)
        if row is not None:
            self._out.write(csv_line(row, self._out))
            self._out.flush()

    def close(self) -> None:
        """Nothing is held back."""


def csv_line(cells: Sequence[Any], out: TextIO) -> str:
    """A row as valid UTF-8, ended by a line feed. For a terminal it is harmless."""
    row = io.StringIO(newline="")
    # Before Python 3.13 a carriage return in a name is quoted only if lines end in one.
    csv.writer(row, lineterminator="\r\n").writerow(cells)
    line = valid_utf8(row.getvalue().removesuffix("\r\n"))
    return (harmless(line) if out.isatty() else line) + "\n"
