"""The parts of a library: files of rows in one folder, each whole or not there."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Fault, GenreEdgeError, UsageError, os_reason
from ..files import atomic_file, ready_folder, write_atomically
from ..records import compact_json, valid_utf8
from .row import COLUMNS, Embedding, Row, arrow_schema
from .sources import Item

FORMATS = ("parquet", "jsonl")
"""What a part is written as."""
_ABOUT = "_library.json"
"""Says how the rows of a folder were made. Programs that read a folder of Parquet
files leave out names that begin like this."""


@dataclass(frozen=True)
class About:
    """How the rows of a library are made. All rows of a folder are made alike."""

    model: str
    """The bundle's name."""
    model_sha256: str
    """SHA-256 of its flatbuffer."""
    labels: tuple[str, ...]
    """The model's labels."""
    windows_per_track: int | None
    """Windows of each file; None means all."""
    hop_seconds: float | None
    """Distance between windows, s; None: a window's length."""
    embedding: Embedding | None
    """What the embeddings are; None if there are none."""
    format: str
    """Of FORMATS."""

    def to_json(self) -> dict[str, Any]:
        """The content of _library.json."""
        embedding = None if self.embedding is None else vars(self.embedding)
        return vars(self) | {"labels": list(self.labels), "embedding": embedding}


@dataclass(frozen=True, slots=True)
class _Known:
    """A row that is there."""

    size: int | None
    mtime: float | None
    part: str
    failed: bool


class Parts:
    """The folder of a library, open for writing by one run at a time.

    Parameters
    ----------
    folder
        Made if it is not there.
    about
        How rows are made.

    Raises
    ------
    UsageError
        If the folder cannot be written, another run writes to it, or its rows were made
        otherwise.
    """

    def __init__(self, folder: Path, about: About) -> None:
        self._folder, self._about = ready_folder(folder), about
        self._lock = _locked(folder)
        try:
            self._check_made_alike()
            for left in folder.glob(".part-*.tmp"):  # a run was killed while it wrote
                left.unlink()
            self._schema = _schema(about)
            self._known = dict(self._read_all())
        except BaseException:
            self.close()
            raise

    def todo(self, items: Iterable[Item], retry: bool) -> list[Item]:
        """Those of the items that are new or changed; with `retry` those too that
        failed before."""
        return [item for item in items if not self._is_done(item, retry)]

    def write(self, rows: Sequence[Row]) -> None:
        """Write a part. Rows that are there of the same files go first, so that a
        reader never sees two of one file.

        Raises
        ------
        GenreEdgeError
            If it cannot be written.
        """
        name = f"part-{self._hash(rows)}.{self._about.format}"
        self._remove([row.path for row in rows if row.path in self._known])
        self._write(name, [row.to_json() for row in rows])
        for row in rows:
            self._known[row.path] = _Known(row.size, row.mtime, name, row.error is not None)

    def close(self) -> None:
        """Let others write."""
        os.close(self._lock)

    def _is_done(self, item: Item, retry: bool) -> bool:
        known = self._known.get(valid_utf8(item.path))
        if known is None or (retry and known.failed):
            return False
        return (known.size, known.mtime) == (item.size, item.mtime)

    def _hash(self, rows: Iterable[Row]) -> str:
        """What is in a part, as a name: files, sizes, times, how they were heard."""
        content = [self._about.to_json(), *sorted(repr((r.path, r.size, r.mtime)) for r in rows)]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def _remove(self, paths: Iterable[str]) -> None:
        """Take the rows of some files out of the parts that have them."""
        stale: defaultdict[str, set[str]] = defaultdict(set)
        for path in paths:
            stale[self._known[path].part].add(path)
        for name, gone in stale.items():
            kept = [row for row in read_part(self._folder / name) if row["path"] not in gone]
            if kept:
                self._write(name, kept)
            else:
                (self._folder / name).unlink()
            for path in gone:
                del self._known[path]

    def _write(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        try:
            with atomic_file(self._folder / name, durable=True) as file:
                if self._about.format == "jsonl":
                    file.writelines(f"{compact_json(row)}\n".encode() for row in rows)
                else:
                    import pyarrow
                    from pyarrow import parquet

                    parquet.write_table(pyarrow.Table.from_pylist(rows, self._schema), file)
        except OSError as error:
            reason = f"cannot be written: {error.strerror or error}; the same command goes on"
            raise GenreEdgeError(Fault("output", self._folder / name, reason)) from None

    def _read_all(self) -> Iterator[tuple[str, _Known]]:
        for part, rows in rows_of_parts(self._folder, ("path", "size", "mtime", "error")):
            for row in rows:
                failed = row["error"] is not None
                yield row["path"], _Known(row["size"], row["mtime"], part.name, failed)

    def _check_made_alike(self) -> None:
        """See that rows that are there were made as new ones will be."""
        path, mine = self._folder / _ABOUT, self._about.to_json()
        if not path.exists():
            if part_files(self._folder):
                reason = f"has parts but no {_ABOUT}: give another folder"
                raise UsageError(Fault("output", self._folder, reason))
            try:
                write_atomically(path, json.dumps(mine, indent=1) + "\n", durable=True)
            except OSError as error:
                reason = f"cannot be written: {error.strerror or error}"
                raise GenreEdgeError(Fault("output", path, reason)) from None
            return
        theirs = read_about(self._folder)
        for key, value in mine.items():
            if theirs.get(key) != value:
                reason = f"was made {_made(key, theirs)}: do the same, or give another folder"
                raise UsageError(Fault("output", self._folder, reason))


def _made(key: str, about: dict[str, Any]) -> str:
    """How a library was made, as far as one key tells."""
    value = about.get(key)
    if key == "embedding":
        return "with --embeddings" if value else "without --embeddings"
    if key == "hop_seconds":
        return f"with --hop {value:g}" if value else "without --hop"
    if key == "windows_per_track":
        return f"with --windows-per-track {value or 'all'}"
    if key == "format":
        return f"with --format {value}"
    return f"with another model ({about.get('model')})"


def read_about(folder: Path) -> dict[str, Any]:
    """How the rows of a folder were made. UsageError if it is no library."""
    try:
        about = json.loads((folder / _ABOUT).read_bytes())
    except OSError as error:
        raise UsageError(f"{folder}: is no library: {_ABOUT}: {os_reason(error)}") from None
    except ValueError:
        about = None
    if not isinstance(about, dict) or not {"model", "model_sha256", "labels"} <= about.keys():
        raise UsageError(f"{folder / _ABOUT}: is not what genre-edge wrote")
    return about


def part_files(folder: Path) -> list[Path]:
    """The parts in a folder, by name."""
    return sorted(path for kind in FORMATS for path in folder.glob(f"part-*.{kind}"))


def rows_of_parts(
    folder: Path, columns: Sequence[str] = COLUMNS
) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """The parts of a library with their rows.

    Parameters
    ----------
    folder
        The library.
    columns
        Those that are needed at least.

    Raises
    ------
    UsageError
        If it is no library, or a part is damaged or of another model.
    """
    model = read_about(folder)["model_sha256"]
    for part in part_files(folder):
        rows = read_part(part, [*columns, "model_sha256"])
        if any(row["model_sha256"] != model for row in rows):
            raise UsageError(f"{part}: has rows of another model: remove it")
        yield part, rows


def read_part(path: Path, columns: Sequence[str] = COLUMNS) -> list[dict[str, Any]]:
    """The rows of a part.

    Parameters
    ----------
    path
        The part.
    columns
        Those that are needed at least.

    Raises
    ------
    UsageError
        If it is no part.
    """
    needed = dict.fromkeys(columns)
    try:
        if path.suffix == ".jsonl":
            rows = [json.loads(line) for line in path.read_bytes().splitlines()]
        else:
            from pyarrow import parquet

            rows = parquet.read_table(path, columns=list(needed)).to_pylist()
        for row in rows:
            if missing := needed.keys() - row.keys():
                raise ValueError(f"lacks {min(missing)}")
    except (ValueError, OSError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        # pyarrow's are of these kinds too
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(f"{path}: is no whole part ({said}): remove it") from None
    return rows


def _schema(about: About) -> Any:
    return arrow_schema(about.labels, about.embedding) if about.format == "parquet" else None


def _locked(folder: Path) -> int:
    """Keep other runs out of a folder."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise UsageError(Fault("output", folder, "another run writes to it")) from None
    return lock
