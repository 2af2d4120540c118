"""The rows of the spool's file: messages, whatever damage made of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS messages "
    "(seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL);"
)
COLUMNS = "seq, CAST(topic AS BLOB), CASE typeof(payload) WHEN 'blob' THEN payload END"
"""What `message_of` takes. A text that is no UTF-8 would be an error of the query."""
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
    return Message(seq, text, payload) if text and isinstance(payload, bytes) else None


def readable(damaged: Path, order: str) -> list[Message]:
    """Messages of a damaged file from one end to where it cannot be read."""
    found: list[Message] = []
    with suppress(sqlite3.Error, UnicodeDecodeError), closing(sqlite3.connect(damaged)) as file:
        for row in file.execute(f"SELECT {COLUMNS} FROM messages ORDER BY seq {order}"):
            if (message := message_of(*row)) is not None:
                found.append(message)
    return found
