"""CSV: a header, then one row a record; the columns are those of the JSON contract."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TextIO

from ..records import FileRecord, Record, WindowRecord


class CsvSink:
    """Writes the columns type, file, start, end, windows, genre, confidence, and one
    for each label.

    The verdict on a file has start 0 and the file's length as its end, in seconds.
    """

    def __init__(self, out: TextIO, labels: Sequence[str]) -> None:
        """Write the header; `labels` are the model's."""
        self._out = out
        self._writer = csv.writer(out, lineterminator="\n")
        self._labels = labels
        self._writer.writerow(
            ["type", "file", "start", "end", "windows", "genre", "confidence", *labels]
        )

    def write(self, record: Record) -> None:
        """Write and flush one row."""
        if isinstance(record, FileRecord):
            head = ["file", record.file, 0.0, record.seconds, record.windows]
        elif isinstance(record, WindowRecord):
            head = ["window", record.file, record.start, record.end, 1]
        else:
            return  # live records have no table
        scores = [record.scores.get(label) for label in self._labels]  # none in silence
        self._writer.writerow([*head, record.genre, record.confidence, *scores])
        self._out.flush()

    def close(self) -> None:
        """Nothing is held back."""
