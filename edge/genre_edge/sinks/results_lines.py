"""What is in a file of results that consists of lines, and whether it is one at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ..errors import Fault, UsageError
from .csv_table import COLUMNS

_TYPES = ("window", "file")
"""The types of the records that classifying files produces."""


@dataclass
class Found:
    """What a file of results holds."""

    done: set[str] = field(default_factory=set)
    """Names of the recordings that have a verdict."""
    end: int = 0
    """Where the last whole recording ends, bytes."""


def read_results(path: Path, labels: Sequence[str]) -> Found:
    """Read a file of results; if its suffix is .csv it is a table, else JSON lines.

    After the last verdict there may be what a crash left of one recording: whole
    records, and the beginning of one.

    Raises
    ------
    UsageError
        If anything else is in it, which another program or a person wrote; or if the
        table has other columns.
    """
    with path.open("rb") as file:
        lines = _Lines(file)
        if path.suffix == ".csv":
            return _read_table(path, lines, labels)
        return _read_json(path, lines)


def _read_json(path: Path, lines: _Lines) -> Found:
    found = Found()
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise _foreign(path, lines) from None
        if not (
            isinstance(record, dict)
            and record.get("type") in _TYPES
            and isinstance(record.get("file"), str)
        ):
            raise _foreign(path, lines)
        if record["type"] == "file":
            found.done.add(record["file"])
            found.end = lines.end
    if not lines.rest_begins([f'{{"type":"{kind}","file":"' for kind in _TYPES]):
        raise _foreign(path, lines)
    return found


def _read_table(path: Path, lines: _Lines, labels: Sequence[str]) -> Found:
    found = Found()
    rows = csv.reader(lines)
    begins = [f"{kind}," for kind in _TYPES]
    try:
        header = next(rows, None)
        if header is None:
            begins = [",".join(COLUMNS)]
        elif header[: len(COLUMNS)] != list(COLUMNS):
            raise _foreign(path, lines)
        elif header[len(COLUMNS) :] != list(labels):
            raise UsageError(Fault("output", path, "was written with other labels"))
        found.end = lines.end
        for row in rows:
            if not row or row[0] not in _TYPES:
                raise _foreign(path, lines)
            if header is None or len(row) != len(header):  # cut in a name with line breaks
                if next(rows, None) is not None:
                    raise _foreign(path, lines)
                return found
            if row[0] == "file":
                found.done.add(row[1])
                found.end = lines.end
    except csv.Error:
        raise _foreign(path, lines) from None
    if not lines.rest_begins(begins):
        raise _foreign(path, lines)
    return found


def other_model(path: Path, before: str, model: str) -> UsageError:
    """The error for a file that holds results of the model `before`."""
    reason = f"holds results of the model {before}: give another name for those of {model}"
    return UsageError(Fault("output", path, reason))


def _foreign(path: Path, lines: _Lines) -> UsageError:
    reason = f"line {lines.number} is not a result of genre-edge: give another name"
    return UsageError(Fault("output", path, reason))


class _Lines(Iterator[str]):
    """The whole lines of a file, where the last of them ends, and what follows it."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = iter(file.readline, b"")
        self.end = 0
        self.number = 0
        """Of the line that was read last, from 1."""
        self._rest = b""

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if not line.endswith(b"\n"):
            self._rest = line
            raise StopIteration
        self.end += len(line)
        return line.decode("utf-8", "backslashreplace")

    def rest_begins(self, beginnings: Sequence[str]) -> bool:
        """Whether what follows the last whole line may be the beginning of one that
        begins like this. A power cut leaves zeros."""
        rest = self._rest.rstrip(b"\0")
        return any(
            rest.startswith(one.encode()) or one.encode().startswith(rest) for one in beginnings
        )
