"""Results of many recordings in a file that a later run goes on from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ..errors import Fault, UsageError
from ..records import Record, WindowRecord
from .results_file import ResultsFile
from .results_parquet import ParquetResults
from .sink import Sink

SUFFIXES = (".jsonl", ".csv", ".parquet")
"""What the name of such a file ends in, which says how it is written."""


class Results(Sink, Protocol):
    """A file of whole recordings."""

    done: set[str]
    """Names of the recordings that have a verdict in it, as they are written."""

    def forget(self) -> None:
        """Leave out what was taken since the last verdict: its recording failed."""
        ...


def open_results(path: Path, labels: Sequence[str], resume: bool) -> Results:
    """Open a file of results, in the form that its suffix says.

    Parameters
    ----------
    path
        The file.
    labels
        The model's labels, which are columns of a table.
    resume
        Whether to go on from what is in the file.

    Raises
    ------
    UsageError
        If the file has another suffix, cannot be written, is there though `resume` is
        not asked for, is no file of results, is being written by another program, or
        has other columns.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(Fault("output", path, f"must end in {' or '.join(SUFFIXES)}"))
    if resume and path.exists() and not path.is_file():  # a pipe would wait for ever
        raise UsageError(Fault("output", path, "is not a regular file"))
    if path.suffix == ".parquet":
        return ParquetResults(path, labels, resume)
    return ResultsFile(path, labels, resume)


class VerdictsOnly:
    """Hands verdicts on, and windows not."""

    def __init__(self, inner: Sink) -> None:
        self._inner = inner

    def write(self, record: Record) -> None:
        """Write the record unless it is a window."""
        if not isinstance(record, WindowRecord):
            self._inner.write(record)

    def close(self) -> None:
        """Close the inner sink."""
        self._inner.close()
