"""What has been taught: embeddings, labels and coarse levels in one SQLite file, and
never audio."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from ..errors import GenreEdgeError
from ..settings.places import models_folder
from ..sinks.database import open_database
from .level_curve import LevelCurve
from .trunk import Trunk

_SCHEMA = """
CREATE TABLE IF NOT EXISTS trunk (
    sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, dtype TEXT NOT NULL,
    scale REAL NOT NULL, zero_point INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS song (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trunk TEXT NOT NULL REFERENCES trunk, label TEXT NOT NULL,
    is_wrong INTEGER NOT NULL, origin TEXT NOT NULL, name TEXT NOT NULL, added REAL NOT NULL,
    embeddings BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS song_label ON song (label);
CREATE TABLE IF NOT EXISTS curve (
    song INTEGER PRIMARY KEY REFERENCES song, seconds REAL NOT NULL, levels BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS curve_of_song AFTER DELETE ON song
    BEGIN DELETE FROM curve WHERE song = old.id; END;
"""
# Curves are a table of their own: fits do not read them, and files made before there
# were curves, or used by older versions since, are right as they are.

FILE, HEARD = "file", "heard"
"""Where an example came from: an audio file, or a microphone or stream."""


class StoreError(GenreEdgeError):
    """The file of what has been taught cannot be used."""


@dataclass(frozen=True, eq=False)
class Song:
    """One example: a recording, or a stretch that was heard."""

    number: int
    """Its number in the store."""
    label: str
    """What it was taught as."""
    is_wrong: bool
    """Whether it was taught as *not* being `label`."""
    origin: str
    """FILE or HEARD."""
    name: str
    """The file as it was named, or when it was heard."""
    added: float
    """When it was taught, s since 1970."""
    embeddings: Float32
    """What the network makes of each of its windows: float32 [windows, size]."""

    @property
    def windows(self) -> int:
        """How many windows it has."""
        return len(self.embeddings)


def default_store() -> Path:
    """The file of what has been taught: it is beside the models."""
    return models_folder() / "taught.db"


class Store:
    """The examples. A context manager; any one thread at a time may use it.

    Raises
    ------
    StoreError
        If the file cannot be opened or written, here and in every method.
    """

    def __init__(self, path: Path) -> None:
        import sqlite3

        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open_database(path, _SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: cannot be opened ({error})") from None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(
        self,
        trunk: Trunk,
        label: str,
        name: str,
        embeddings: npt.NDArray[Any],
        origin: str = FILE,
        is_wrong: bool = False,
        curve: LevelCurve | None = None,
    ) -> int:
        """Keep an example; returns its number. A file that was taught before under this
        label, or as not being it, is replaced.

        Parameters
        ----------
        trunk
            What made the embeddings.
        label
            What the example is, or is not.
        name
            The file as it is named, or when it was heard.
        embeddings
            As the network has them, [windows, size].
        origin
            FILE or HEARD.
        is_wrong
            Whether the example is *not* `label`.
        curve
            How loud it was.
        """
        described = (
            *(trunk.sha256, trunk.name, trunk.size, trunk.dtype),
            *(trunk.scale, trunk.zero_point),
        )
        values = (trunk.sha256, label, is_wrong, origin, name, time.time())
        raw = np.ascontiguousarray(embeddings, trunk.dtype).tobytes()
        with _Transaction(self) as file:
            file.execute("INSERT OR IGNORE INTO trunk VALUES (?, ?, ?, ?, ?, ?)", described)
            if origin == FILE:
                file.execute(
                    "DELETE FROM song WHERE trunk = ? AND label = ? AND name = ? AND origin = ?",
                    (trunk.sha256, label, name, FILE),
                )
            row = file.execute(
                "INSERT INTO song (trunk, label, is_wrong, origin, name, added, embeddings) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*values, raw),
            )
            number = int(row.lastrowid or 0)
            if curve is not None:
                described_curve = (number, curve.seconds, curve.packed())
                file.execute("INSERT INTO curve VALUES (?, ?, ?)", described_curve)
            return number

    def songs(self, trunk: Trunk) -> list[Song]:
        """The examples that a trunk has heard, oldest first."""
        with _Transaction(self) as file:
            rows = file.execute(
                "SELECT id, label, is_wrong, origin, name, added, embeddings FROM song "
                "WHERE trunk = ? ORDER BY id",
                (trunk.sha256,),
            ).fetchall()
        return [
            Song(
                number,
                label,
                bool(wrong),
                origin,
                name,
                added,
                trunk.floats(np.frombuffer(raw, trunk.dtype).reshape(-1, trunk.size)),
            )
            for number, label, wrong, origin, name, added, raw in rows
        ]

    def curves(self) -> dict[int, LevelCurve]:
        """How loud the examples were, by their numbers; old ones have no curve."""
        with _Transaction(self) as file:
            rows = file.execute("SELECT song, seconds, levels FROM curve").fetchall()
        return {song: LevelCurve.unpacked(seconds, levels) for song, seconds, levels in rows}

    def others(self, trunk: Trunk) -> dict[str, int]:
        """How many examples other networks have heard: {name: examples}."""
        with _Transaction(self) as file:
            rows = file.execute(
                "SELECT trunk.name, count(*) FROM song JOIN trunk ON trunk.sha256 = song.trunk "
                "WHERE trunk.sha256 != ? GROUP BY trunk.sha256",
                (trunk.sha256,),
            ).fetchall()
        return {str(name): int(count) for name, count in rows}

    def remove(self, numbers: Sequence[int]) -> None:
        """Forget examples by their numbers."""
        with _Transaction(self) as file:
            file.executemany("DELETE FROM song WHERE id = ?", [(number,) for number in numbers])

    def forget(self, label: str | None = None) -> int:
        """Forget a label, or everything; returns how many examples that were."""
        with _Transaction(self) as file:
            if label is None:
                count = file.execute("DELETE FROM song").rowcount
            else:
                count = file.execute("DELETE FROM song WHERE label = ?", (label,)).rowcount
        with _Transaction(self, commits=False) as file:
            file.execute("VACUUM")  # what is forgotten does not linger in the file
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(count)


class _Transaction:
    """All of it or nothing; errors of SQLite become StoreErrors."""

    def __init__(self, store: Store, commits: bool = True) -> None:
        self._store, self._commits = store, commits

    def __enter__(self) -> Any:
        return self._store._file

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        import sqlite3

        file = self._store._file
        if error is None:
            try:
                if self._commits:
                    file.commit()
                return
            except sqlite3.Error as failure:
                error = failure
        if self._commits:
            file.rollback()
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"{self._store._path}: cannot be used ({error})") from None
