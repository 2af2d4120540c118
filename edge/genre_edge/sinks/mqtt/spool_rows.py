"""The rows of the spool's file: messages, whatever damage made of them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COLUMNS = "messages (seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL)"
SCHEMA = f"CREATE TABLE IF NOT EXISTS {_COLUMNS};"
COLUMNS = "seq, CAST(topic AS BLOB), CASE typeof(payload) WHEN 'blob' THEN payload END"
"""What `message_of` takes. A text that is no UTF-8 would be an error of the query."""
_TOPIC = re.compile(r"[\w./-]+")
"""What the program publishes to. A broker may hang up for any other, again and
again."""
_MOST_SEQ = 1 << 62
"""Numbers beyond it come of damage; SQLite has none above twice as much."""


@dataclass(frozen=True)
class Message:
    """One window to deliver."""

    seq: int
    """Its place in the order; grows for as long as the spool lives."""
    topic: str
    """Where it is published."""
    payload: bytes
    """The JSON of the window."""


def insert(file: sqlite3.Connection, messages: Iterable[Message]) -> None:
    """Add messages, or replace those of the same number."""
    file.executemany(
        "INSERT OR REPLACE INTO messages VALUES (?, ?, ?)",
        [(m.seq, m.topic, m.payload) for m in messages],
    )


def delete_misnumbered(file: sqlite3.Connection) -> int:
    """Delete rows whose number no message ever had; returns how many there were."""
    with file:
        done = file.execute("DELETE FROM messages WHERE seq < 1 OR seq > ?", (_MOST_SEQ,))
    return done.rowcount


def message_of(seq: int, topic: Any, payload: Any) -> Message | None:
    """A row as a message; None if it is none. SQLite keeps any type in any column."""
    try:
        text = topic.decode() if isinstance(topic, bytes) else ""
    except UnicodeDecodeError:
        return None
    is_whole = _TOPIC.fullmatch(text) and isinstance(payload, bytes)
    return Message(seq, text, payload) if is_whole else None


def has_right_table(file: sqlite3.Connection) -> bool:
    """Whether the file has the table of messages, as it was made, and nothing else."""
    (found,) = file.execute("SELECT CAST(group_concat(sql) AS BLOB) FROM sqlite_master").fetchone()
    return bool(found == f"CREATE TABLE {_COLUMNS}".encode())


def readable(damaged: Path, order: str) -> dict[int, Message | None]:
    """What a damaged file has by number, from one end to where it cannot be read; None
    for what is no message any more. The names of its columns may be damaged too."""
    found: dict[int, Message | None] = {}
    with suppress(sqlite3.Error, ValueError), closing(sqlite3.connect(damaged)) as file:
        file.text_factory = bytes
        for seq, *_, topic, payload in file.execute(
            f"SELECT rowid, * FROM messages ORDER BY rowid {order}"
        ):
            found[seq] = message_of(seq, topic, payload)
    return found
