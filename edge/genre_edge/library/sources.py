"""The files of a library: in folders, by patterns, in lists, and behind URLs."""

from __future__ import annotations

import csv
import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ..audio.folders import SkippedFiles, audio_suffixes, find_audio
from ..errors import AudioError, GenreEdgeError, UsageError
from ..settings.credentials import without_credentials

LISTS = (".txt", ".csv")
"""What the name of a list of files ends in."""
_COLUMNS = ("path", "file")
"""The column of a table that has the files: the first of these that is there."""
_TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated")
"""What file systems call the time of the last change."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file, as the source describes it."""

    path: str
    """An absolute path, or a URL."""
    size: int | None
    """Bytes; None if unknown."""
    mtime: float | None
    """When it was changed last, s since 1970; None if unknown."""


Found = Item | AudioError | SkippedFiles
"""What looking through sources gives: files, errors to report, what was left out."""


def is_url(name: str) -> bool:
    """Whether a name is a URL and no path."""
    return "://" in name


def find_items(sources: Iterable[str]) -> Iterator[Found]:
    """The files of some sources, each once.

    Parameters
    ----------
    sources
        Folders, files, patterns with `*`, lists (`.txt`: a file a line; `.csv`: the
        column `path` or `file`), and URLs of files, folders or patterns.

    Raises
    ------
    UsageError
        If a list cannot be read, or the file system of a URL is not known.
    """
    seen: set[str] = set()
    for source in sources:
        for found in _find(source):
            if isinstance(found, Item):
                if found.path in seen:
                    continue
                seen.add(found.path)
            yield found


def _find(source: str) -> Iterator[Found]:
    if is_url(source):
        yield from _remote(source)
    elif source.lower().endswith(LISTS) and not os.path.isdir(source):
        yield from _listed(source)
    elif glob.has_magic(source) and not os.path.lexists(source):
        paths = sorted(glob.glob(source, recursive=True))
        if not paths:
            yield AudioError(source, "no file has such a name")
        yield from _local(paths)
    else:
        yield from _local([source])


def _local(paths: Iterable[str]) -> Iterator[Found]:
    for found in find_audio(paths):
        yield _item(found) if isinstance(found, str) else found


def _item(path: str) -> Item:
    """A file of this machine. One that is not there is an item too: hearing it says
    what is wrong."""
    whole = os.path.abspath(path)
    try:
        status = os.stat(whole)
    except (OSError, ValueError):
        return Item(whole, None, None)
    return Item(whole, status.st_size, status.st_mtime)


def _listed(source: str) -> Iterator[Found]:
    """The files in a list. Names that are no absolute paths start at its folder; a URL
    is not asked for its size and time."""
    folder = Path(source).parent
    try:
        # Names of files need not be text.
        with open(source, encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            names = _column(source, lines) if source.lower().endswith(".csv") else _names(lines)
            for name in names:
                yield Item(name, None, None) if is_url(name) else _item(str(folder / name))
    except (OSError, csv.Error) as error:
        raise UsageError(f"{source}: {getattr(error, 'strerror', None) or error}") from None


def _names(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        name = line.rstrip("\r\n")
        if name and not name.startswith("#"):
            yield name


def _column(source: str, lines: Iterable[str]) -> Iterator[str]:
    rows = csv.DictReader(lines)
    column = next((name for name in _COLUMNS if name in (rows.fieldnames or ())), None)
    if column is None:
        raise UsageError(f"{source}: lacks the column {' or '.join(_COLUMNS)}")
    for row in rows:
        if row[column]:
            yield row[column]


def _remote(url: str) -> Iterator[Found]:
    """The files behind a URL, with what the file system says of them."""
    from fsspec.core import url_to_fs

    shown = without_credentials(url)
    try:
        system, path = url_to_fs(url)  # some connect here
    except (ValueError, ImportError) as error:
        raise UsageError(f"{shown}: {reason_of(url, error)}") from None
    except Exception as error:  # file systems raise errors of their own kinds
        yield AudioError(shown, reason_of(url, error))
        return
    try:
        found, is_folder = _entries(system, path)
    except Exception as error:  # file systems raise errors of their own kinds
        if isinstance(error, GenreEdgeError):
            raise
        yield AudioError(shown, reason_of(url, error))
        return
    skipped: Counter[str] = Counter()
    suffixes, heard = audio_suffixes(), 0
    for name, info in sorted(found.items()):
        if info.get("type") == "directory" or PurePosixPath(name).name.startswith("."):
            continue
        suffix = PurePosixPath(name).suffix.lower()
        if is_folder and suffix not in suffixes:
            skipped[suffix] += 1
            continue
        heard += 1
        yield Item(_url(system, url, path, name), info.get("size"), _changed(info))
    if skipped:
        yield SkippedFiles(shown, dict(skipped))
    if not heard:
        yield AudioError(shown, "no audio there")


def _entries(system: Any, path: str) -> tuple[dict[str, Any], bool]:
    """What is at a path of a file system, and whether it was a folder."""
    if glob.has_magic(path):
        return system.glob(path, detail=True), False
    # A web server answers for a file as it does for a folder: the suffix tells them.
    if PurePosixPath(path).suffix.lower() not in audio_suffixes() and system.isdir(path):
        return system.find(path, detail=True), True
    return {path: system.info(path)}, False


def _url(system: Any, source: str, path: str, name: str) -> str:
    """The URL of a file. What a file system calls it may lack the server's name."""
    before, end = source.rstrip("/"), path.rstrip("/")
    if end and before.endswith(end):
        return before[: len(before) - len(end)] + name
    return str(system.unstrip_protocol(name))


def _changed(info: dict[str, Any]) -> float | None:
    for key in _TIMES:
        value = info.get(key)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return None


def reason_of(url: str, error: Exception) -> str:
    """An error of a file system in one line."""
    cause = error.__cause__
    if isinstance(error, FileNotFoundError) and isinstance(cause, Exception):
        if not isinstance(cause, FileNotFoundError):  # whatever a web server does, to fsspec
            return _answer(cause)
        return "no such file or folder"
    said = " ".join(str(getattr(error, "strerror", None) or error).split())
    if isinstance(error, FileNotFoundError) and url.endswith(said):
        return "no such file or folder"  # some say the name alone
    return said or type(error).__name__


def _answer(error: Exception) -> str:
    """What a web server has answered, or why it has not."""
    status, message = getattr(error, "status", None), getattr(error, "message", "")
    if status is not None:
        return f"{status} {message}".strip() if status else type(error).__name__
    said = getattr(error, "strerror", None) or error
    return " ".join(str(said).split()) or type(error).__name__
