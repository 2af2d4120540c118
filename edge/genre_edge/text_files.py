"""Reading text and tables that other people's programs have written."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from .errors import UsageError

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_DELIMITERS = ",;\t"
MOST_BYTES = 1 << 20
"""Most that a text file may have; a configuration with every setting has 20 KB."""
MOST_SECRET_BYTES = 1 << 16
"""Most that a file with a password, a token or a key may have."""
_MOST_TABLE_BYTES = 64 << 20
"""Most that a table may have: rows of half a million tracks."""


def read_text(path: Path, western: bool = False, most: int = MOST_BYTES) -> str:
    """A text file in UTF-8, or in UTF-16 with its byte order mark; the mark is no part
    of the text.

    Parameters
    ----------
    path
        The file.
    western
        Whether a file that is no UTF-8 is taken for Windows-1252, a superset of
        Latin-1. That is safe where a letter read wrongly is seen: in the name of a
        track, not in a password.
    most
        Most bytes that it may have.

    Raises
    ------
    UsageError
        If it cannot be read, is no regular file, is too large or is not text.
    """
    try:
        content = _content(path, most)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    encodings = [name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)]
    for encoding in encodings or ["utf-8", *(["cp1252"] if western else [])]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UsageError(f"{path}: is not UTF-8 text")


def _content(path: Path, most: int) -> bytes:
    """All of a regular file. OSError, UsageError.

    A service reads its files again while it listens. There a pipe that nobody writes to
    would hold it up for good, and a device without an end would fill its memory.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UsageError(f"{path}: is a pipe or a device; copy its text to a regular file")
        content = file.read(most + 1)
    if len(content) > most:
        size = f"{most >> 20} MiB" if most >> 20 else f"{most >> 10} KiB"
        raise UsageError(f"{path}: has more than {size}; name the file that was meant")
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a pipe too, whether or not anybody writes to it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def read_table(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a table with a header: CSV with commas, semicolons or tabs.

    Empty lines are left out, and so are spaces around names and values. Where a row is
    shorter than the header, the values it lacks are empty.

    Parameters
    ----------
    path
        The file, as `read_text` reads it, Windows-1252 too.
    needed
        Columns that must be there, and have a value in each row.

    Returns
    -------
    list of dict
        Each row's values by column.

    Raises
    ------
    UsageError
        If a column is missing, a row lacks a needed value, or has more values than the
        header has names; the message names the line.
    """
    import csv

    reader = _reader(path)
    try:
        names = _names(reader)
        missing = sorted(set(needed) - set(names))
        if missing:
            raise UsageError(f"{path}: lacks the column {', '.join(missing)}")
        rows = []
        for cells in reader:
            values = [cell.strip() for cell in cells]
            while values and not values[-1]:  # spreadsheets pad rows
                values.pop()
            if not values:
                continue
            where = f"{path}:{reader.line_num}"
            if len(values) > len(names):
                raise UsageError(f"{where}: {len(values)} values under {len(names)} names")
            row = dict(zip_longest(names, values, fillvalue=""))
            lacks = [name for name in needed if not row[name]]
            if lacks:
                raise UsageError(f"{where}: has no {', '.join(lacks)}")
            rows.append(row)
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: {error}") from None
    return rows


def read_columns(path: Path) -> list[str]:
    """The names in a table's header, as `read_table` reads it. UsageError."""
    return _names(_reader(path))


def _reader(path: Path) -> Any:
    import csv

    text = read_text(path, western=True, most=_MOST_TABLE_BYTES)
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _names(reader: Any) -> list[str]:
    return [name.strip() for name in next(reader, [])]
