"""Messages that wait for a broker: in order, on disk, within a limit, through a
restart.

While there is a connection, messages stay in memory, so that an SD card is not worn by
them. When it breaks, what is not acknowledged moves to disk, and later messages follow
until all on disk is delivered. If the disk fails, messages are kept in memory.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..database import open_database

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS messages "
    "(seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL);"
)
_MOST_IN_MEMORY = 2000
"""Messages kept where there is no disk."""


@dataclass(frozen=True)
class Message:
    """One window to deliver."""

    seq: int
    """Its place in the order; grows for as long as the spool lives."""
    topic: str
    """Where it is published."""
    payload: bytes
    """The JSON of the window."""


class Spool:
    """Messages in order, in memory or on disk; one thread uses it."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        """Open the file, with what an earlier run left in it.

        Parameters
        ----------
        path : Path
            The SQLite file. A file beside it ("NAME.lock") keeps other processes out.
        most_bytes : int
            Payload kept on disk, bytes; beyond it the oldest messages are dropped.
        """
        self._path, self._most_bytes = path, most_bytes
        self._memory: OrderedDict[int, Message] = OrderedDict()
        self._file: sqlite3.Connection | None = None
        self._lock: IO[str] | None = None
        self.trouble = ""
        """Why messages are not on disk; empty if they could be."""
        self._bytes = 0
        self._next = 1
        self._count = 0
        self._to_disk = False
        self._open()

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = self._path.with_name(self._path.name + ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file = open_database(self._path, _SCHEMA)
        except BlockingIOError:
            self.trouble = (
                f"{self._path}: in use by another genre-edge; waiting messages are kept in memory"
            )
        except (OSError, sqlite3.Error) as error:
            self.trouble = (
                f"{self._path}: cannot be used ({error}); waiting messages are kept in memory"
            )
        if self._file is None:
            return
        last, count, size = self._file.execute(
            "SELECT coalesce(max(seq), 0), count(*), coalesce(sum(length(payload)), 0) FROM "
            "messages"
        ).fetchone()
        self._next, self._count, self._bytes = last + 1, count, size
        self._to_disk = count > 0

    def __len__(self) -> int:
        return self._count + len(self._memory)

    def put(self, topic: str, payload: bytes) -> int:
        """Add a message; returns how many old ones were dropped."""
        message = Message(self._next, topic, payload)
        self._next += 1
        if self._to_disk:
            return self._store([message])
        self._memory[message.seq] = message
        return self._shed()

    def _shed(self) -> int:
        dropped = 0
        while len(self._memory) > _MOST_IN_MEMORY:
            self._memory.popitem(last=False)
            dropped += 1
        return dropped

    def park(self) -> int:
        """Move everything to disk, and what follows too, because the connection is
        lost. Returns how many messages were dropped."""
        waiting = list(self._memory.values())
        self._to_disk = self._file is not None
        return self._store(waiting) if self._to_disk else self._shed()

    def _store(self, messages: Iterable[Message]) -> int:
        """Write to disk, or keep in memory if that fails; then drop what is beyond the
        limit. Returns how many were dropped."""
        messages = list(messages)
        if not messages or self._file is None:
            self._memory.update((m.seq, m) for m in messages)
            return self._shed()
        try:
            with self._file:
                self._file.executemany(
                    "INSERT OR REPLACE INTO messages VALUES (?, ?, ?)",
                    [(m.seq, m.topic, m.payload) for m in messages],
                )
        except sqlite3.Error as error:
            self.trouble = (
                f"{self._path}: cannot be written ({error}); waiting messages are kept in memory"
            )
            self._memory.update((m.seq, m) for m in messages)
            return self._shed()
        self.trouble = ""
        for message in messages:
            self._memory.pop(message.seq, None)
            self._count += 1
            self._bytes += len(message.payload)
        return self._trim()

    def _trim(self) -> int:
        """Delete the oldest until a tenth of the limit is free again."""
        if self._bytes <= self._most_bytes or self._file is None:
            return 0
        gone: list[int] = []
        size = self._bytes
        for seq, length in self._file.execute(
            "SELECT seq, length(payload) FROM messages ORDER BY seq"
        ):
            if size <= self._most_bytes * 0.9:
                break
            gone.append(seq)
            size -= length
        self._delete(gone)
        return len(gone)

    def _delete(self, seqs: list[int]) -> None:
        assert self._file is not None
        with suppress(sqlite3.Error), self._file:
            self._file.executemany("DELETE FROM messages WHERE seq = ?", [(seq,) for seq in seqs])
        self._count, self._bytes = self._file.execute(
            "SELECT count(*), coalesce(sum(length(payload)), 0) FROM messages"
        ).fetchone()

    def after(self, seq: int, most: int) -> list[Message]:
        """The oldest messages later than `seq`, in order."""
        found: list[Message] = []
        if self._file is not None and self._count:
            rows = self._file.execute(
                "SELECT seq, topic, payload FROM messages WHERE seq > ? ORDER BY seq LIMIT ?",
                (seq, most),
            )
            found = [Message(*row) for row in rows]
        found += [message for message in self._memory.values() if message.seq > seq]
        return sorted(found, key=lambda message: message.seq)[:most]

    def remove(self, seqs: list[int]) -> None:
        """Forget what was delivered. Once all on disk is delivered, messages stay in
        memory until the connection is lost again."""
        on_disk = [seq for seq in seqs if self._memory.pop(seq, None) is None]
        if on_disk and self._file is not None:
            self._delete(on_disk)
        if not self._count:
            self._to_disk = False

    def close(self) -> None:
        """Everything that is left goes to disk."""
        self.park()
        if self._file is not None:
            self._file.close()
        if self._lock is not None:
            self._lock.close()
