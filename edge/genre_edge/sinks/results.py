"""Results of many recordings in a file that a later run goes on from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Protocol

from ..errors import Fault, UsageError
from ..records import Record, WindowRecord
from .results_file import ResultsFile
from .results_lines import other_model
from .results_parquet import ParquetResults
from .sink import Sink

SUFFIXES = (".jsonl", ".csv", ".parquet")
"""What the name of such a file ends in, which says how it is written."""

_MODEL = "user.genre-edge.model"
"""The attribute of a file that holds the model's name."""


class Results(Sink, Protocol):
    """A file of whole recordings."""

    done: set[str]
    """Names of the recordings that have a verdict in it, as they are written."""

    def forget(self) -> None:
        """Leave out what was taken since the last verdict: its recording failed."""
        ...


def open_results(path: Path, labels: Sequence[str], model: str, resume: bool) -> Results:
    """Open a file of results, in the form that its suffix says.

    Parameters
    ----------
    path
        The file.
    labels
        The model's labels, which are columns of a table.
    model
        The model's name, which is noted in the file.
    resume
        Whether to go on from what is in the file.

    Raises
    ------
    UsageError
        If the file has another suffix, cannot be written, is there though `resume` is
        not asked for, is no file of results, is being written by another program, has
        other columns, or holds results of another model.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(Fault("output", path, f"must end in {' or '.join(SUFFIXES)}"))
    if resume and path.exists() and not path.is_file():  # a pipe would wait for ever
        raise UsageError(Fault("output", path, "is not a regular file"))
    if path.suffix == ".parquet":
        return ParquetResults(path, labels, model, resume)
    results = ResultsFile(path, labels, resume)
    try:
        _check_model(path, model, is_new=not results.done)
    except UsageError:
        results.close()
        raise
    return results


def plain_name(name: str) -> str:
    """A recording's name without what does not change which file it is: "./a.wav" is
    "a.wav". ".." stays, as it may lead out of a link.

    Examples
    --------
    >>> plain_name("./music//a.wav"), plain_name("-")
    ('music/a.wav', '-')
    """
    return str(PurePath(name))


def _check_model(path: Path, model: str, is_new: bool) -> None:
    """See that a file of lines is of one model, and note the model's name in an
    attribute of the file (setxattr(2)), where the system and the file system have them.

    Parameters
    ----------
    path
        The file.
    model
        The model's name.
    is_new
        Whether the file holds no results yet.

    Raises
    ------
    UsageError
        If its results are of another model.
    """
    if not hasattr(os, "setxattr"):
        return
    try:
        before = "" if is_new else os.getxattr(path, _MODEL).decode("utf-8", "replace")
    except OSError:  # none is noted
        return
    if before not in ("", model):
        raise other_model(path, before, model)
    with suppress(OSError):
        os.setxattr(path, _MODEL, model.encode())


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
