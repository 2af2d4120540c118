"""Messages that wait for a broker: in order, on disk, within a limit, through a
restart.

While there is a connection, messages stay in memory, so that an SD card is not worn by
them. When it breaks, what is not acknowledged moves to disk, and later messages follow
until all on disk is delivered. If the disk fails, messages are kept in memory. A file
that is damaged is set aside, and what can still be read of it is kept.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..database import NewerFile, is_damage, open_database, told
from .spool_rows import (
    COLUMNS,
    SCHEMA,
    Message,
    delete_misnumbered,
    has_right_table,
    insert,
    message_of,
    readable,
)

_MOST_IN_MEMORY = 2000
"""Messages kept where there is no disk."""
_IN_MEMORY = "waiting messages are kept in memory"


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
        self._lock: int | None = None
        self.trouble = ""
        """Why messages are not on disk; empty if they could be."""
        self.damage = ""
        """What was damaged and how much of it was kept; empty if nothing was."""
        self.lost = 0
        """Messages lost to damage so far."""
        self._bytes = 0
        self._next = 1
        self._count = 0
        self._to_disk = False
        self._open()

    def _open(self) -> None:
        try:
            if self._lock is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._lock = _locked(self._path.with_name(self._path.name + ".lock"))
        except BlockingIOError:
            self.trouble = f"{self._path}: in use by another genre-edge; {_IN_MEMORY}"
        except OSError as error:
            self.trouble = f"{self._path}: cannot be used ({told(error)}); {_IN_MEMORY}"
        else:
            self._open_file()

    def _open_again(self) -> None:
        """Look whether the disk can be used now. What is on it already goes before what
        is in memory."""
        waiting, self._next = list(self._memory.values()), 1
        self._open()
        self._memory.clear()
        for message in waiting:
            self._memory[self._next] = replace(message, seq=self._next)
            self._next += 1

    def _open_file(self) -> None:
        """Open the file; if it is damaged, set it aside and keep what can be read."""
        aside: list[Path] = []
        try:
            self._file = open_database(self._path, SCHEMA, aside.append, is_right=has_right_table)
            if aside:
                self._rescue(aside[0])
            self._count_lost(delete_misnumbered(self._file))
            last, self._count, self._bytes = self._file.execute(
                "SELECT coalesce(max(seq), 0), count(*), coalesce(sum(length(payload)), 0) FROM "
                "messages"
            ).fetchone()
        except (OSError, sqlite3.Error, NewerFile) as error:
            self.trouble = f"{self._path}: cannot be used ({told(error)}); {_IN_MEMORY}"
            self._leave_file()
            return
        self.trouble = ""
        self._next = max(self._next, last + 1)
        self._to_disk = self._count > 0

    def _leave_file(self) -> None:
        """Do without the file from now on."""
        if self._file is not None:
            with suppress(sqlite3.Error):
                self._file.close()
        self._file, self._to_disk, self._count, self._bytes = None, False, 0, 0

    def _rescue(self, damaged: Path) -> None:
        """Keep what can still be read of a damaged file, from both of its ends."""
        assert self._file is not None
        early, late = readable(damaged, "ASC"), readable(damaged, "DESC")
        found = {**early, **late}
        kept = [message for message in found.values() if message is not None]
        with self._file:
            insert(self._file, kept)
        lost = len(found) - len(kept)
        least = "" if early and late else "at least "
        if early and late:  # numbers between both parts had messages
            lost += max(0, min(late) - max(early) - 1)
        elif found:  # nobody knows how many the other end had, but one
            lost += 1
        self.lost += lost
        self.damage = (
            f"{self._path}: was damaged; {len(kept)} waiting windows were kept, "
            f"{least}{lost} are lost; the file is now {damaged.name}"
        )

    def _give_up_on_file(self, error: sqlite3.Error) -> None:
        """After an error while the file is in use: look at it again, and set it aside
        if it is damaged."""
        had = self._count
        if not is_damage(error):
            self.trouble = f"{self._path}: cannot be written ({told(error)}); {_IN_MEMORY}"
            return
        self._leave_file()
        damage = self.damage
        self._open_file()
        if self.damage == damage:  # gone, or whole again: nobody has told it
            self.lost += max(0, had - self._count)
            self.damage = f"{self._path}: was damaged while in use ({told(error)})"

    def __len__(self) -> int:
        return self._count + len(self._memory)

    @property
    def has_room(self) -> bool:
        """Whether a full queue of messages can be added without dropping older ones."""
        fits = not self._to_disk or self._bytes < self._most_bytes / 2
        return fits and len(self._memory) < _MOST_IN_MEMORY / 2

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
        """Move everything to disk, and what follows too, because there is no
        connection. Nothing may be in flight. Returns how many messages were dropped."""
        if self._file is None:
            self._open_again()
        self._to_disk = self._file is not None
        return self._store([]) if self._to_disk else self._shed()

    def _store(self, messages: Iterable[Message]) -> int:
        """Write these, and what is in memory, to disk, or keep them in memory if that
        fails; then drop what is beyond the limit. Returns how many were dropped."""
        self._memory.update((message.seq, message) for message in messages)
        if not self._memory or self._file is None:
            return self._shed()
        try:
            with self._file:
                insert(self._file, self._memory.values())
        except sqlite3.Error as error:
            self._give_up_on_file(error)
            return self._shed()
        self.trouble = ""
        self._count += len(self._memory)
        self._bytes += sum(len(message.payload) for message in self._memory.values())
        self._memory.clear()
        return self._trim()

    def _trim(self) -> int:
        """Delete the oldest until a tenth of the limit is free again."""
        if self._bytes <= self._most_bytes or self._file is None:
            return 0
        gone: list[int] = []
        size = self._bytes
        for seq, length in self._rows(
            "SELECT seq, coalesce(length(payload), 0) FROM messages ORDER BY seq"
        ):
            if size <= self._most_bytes * 0.9:
                break
            gone.append(seq)
            size -= length
        return self._delete(gone)

    def _rows(self, sql: str, values: tuple[int, ...] = ()) -> list[Any]:
        """Rows of the file; none if it turns out to be damaged."""
        if self._file is None:
            return []
        try:
            return self._file.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._give_up_on_file(error)
            return []

    def _delete(self, seqs: list[int]) -> int:
        """Delete messages of the file; returns how many of them it had."""
        if self._file is None:
            return 0
        deleted = 0
        try:
            with self._file:
                deleted = self._file.executemany(
                    "DELETE FROM messages WHERE seq = ?", [(seq,) for seq in seqs]
                ).rowcount
        except sqlite3.Error as error:
            self._give_up_on_file(error)
        sizes = self._rows("SELECT count(*), coalesce(sum(length(payload)), 0) FROM messages")
        self._count, self._bytes = sizes[0] if sizes else (0, 0)
        return deleted

    def after(self, seq: int, most: int) -> list[Message]:
        """The oldest messages later than `seq`, in order."""
        found = self._after_on_disk(seq, most)
        found += [message for message in self._memory.values() if message.seq > seq]
        return sorted(found, key=lambda message: message.seq)[:most]

    def _after_on_disk(self, seq: int, most: int) -> list[Message]:
        """Those of the file. Rows that are no messages any more are deleted and
        counted: the file is whole, but something in it was changed."""
        while self._count:
            rows = self._rows(
                f"SELECT {COLUMNS} FROM messages WHERE seq > ? ORDER BY seq LIMIT ?", (seq, most)
            )
            found = [one for one in (message_of(*row) for row in rows) if one is not None]
            if len(found) < len(rows):
                kept = {message.seq for message in found}
                self._count_lost(self._delete([row[0] for row in rows if row[0] not in kept]))
            if found or not rows:
                return found
        return []

    def _count_lost(self, count: int) -> None:
        """Tell of rows that are no messages."""
        self.lost += count
        if count and not self.damage:
            self.damage = f"{self._path}: was changed; waiting windows that it had are lost"

    def remove(self, seqs: list[int]) -> int:
        """Forget what was delivered; returns how much of it still waited. Once all on
        disk is delivered, messages stay in memory until the connection is lost
        again."""
        on_disk = [seq for seq in seqs if self._memory.pop(seq, None) is None]
        removed = len(seqs) - len(on_disk) + (self._delete(on_disk) if on_disk else 0)
        if not self._count:
            self._to_disk = False
        return removed

    def close(self) -> int:
        """Everything that is left goes to disk. Returns how many messages were dropped
        because there is none."""
        dropped = self.park() + len(self._memory)
        self._memory.clear()
        self._leave_file()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        return dropped


def _locked(path: Path) -> int:
    """A file that no other process has locked, locked. It is never followed to another
    file, nor emptied. OSError; BlockingIOError if it is locked."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(path, flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock
