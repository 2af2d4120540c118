"""Writing a batch: all of it in one transaction, each row once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .batch import Batch, DeadLetter
from .device_rows import update_devices
from .messages import StretchRow, WindowRow
from .months import Believed, month_of, months_before, start_of
from .schema import COLUMNS
from .store import Store

MOST_LETTERS, MOST_QUARANTINED = 10_000, 100_000
"""Rows of bad messages and of those with a wild time that are kept, the latest."""
_MOST_PAYLOAD = 4000
"""Letters of a bad message that are kept."""


@dataclass
class Written:
    """What was written."""

    stretches: int = 0
    """New ones."""
    windows: int = 0
    """New ones."""
    duplicates: int = 0
    """Rows that were there."""
    quarantined: int = 0
    """Rows with a wild time."""
    letters: int = 0
    """Bad messages."""

    def add(self, other: Written) -> None:
        """Add another's counts."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def write(store: Store, batch: Batch, now: float) -> Written:
    """Write a batch in one transaction. Refused, Away: then nothing of it is there.

    Parameters
    ----------
    store : Store
        An open one.
    batch : Batch
        What to write.
    now : float
        UTC, s since 1970.
    """
    store.ready_months(batch.months)
    done = Written(quarantined=len(batch.quarantined), letters=len(batch.letters))
    with store.transaction():
        done.stretches = _insert(store, "stretches", batch.stretches)
        done.windows = _insert(store, "windows", batch.windows)
        update_devices(store, batch)
        _quarantine(store, batch.quarantined, now)
        _bury(store, batch.letters)
    rows = len(batch.stretches) + len(batch.windows)
    done.duplicates = rows - done.stretches - done.windows
    return done


def _insert(store: Store, table: str, rows: Sequence[StretchRow | WindowRow]) -> int:
    if not rows:
        return 0
    columns = COLUMNS[table]
    values = []
    for row in rows:
        named = vars(row) | {
            "started": store.moment(row.started),
            "ended": store.moment(row.ended),
        }
        values.append([named[name] for name in columns])
    return store.insert_new(table, columns, values)


def _quarantine(store: Store, rows: Sequence[StretchRow | WindowRow], now: float) -> None:
    if not rows:
        return
    store.run_many(
        "INSERT INTO quarantine (device, kind, id, started, row_json, received) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device, kind, id) DO NOTHING",
        [
            (
                row.device,
                "stretch" if isinstance(row, StretchRow) else "window",
                row.id,
                row.started,
                json.dumps(asdict(row)),
                store.moment(now),
            )
            for row in sorted(rows, key=lambda row: (row.device, row.id))
        ],
    )
    _count(store, "quarantined", len(rows))
    _bound(store, "quarantine", "received", MOST_QUARANTINED)


def _bury(store: Store, letters: Sequence[DeadLetter]) -> None:
    """Keep bad messages; the same one again is counted."""
    if not letters:
        return
    rows: dict[str, list[object]] = {}
    for letter in letters:
        content = letter.topic.encode("utf-8", "replace") + b"\0" + letter.payload
        name, when = hashlib.sha256(content).hexdigest(), store.moment(letter.received)
        if name in rows:
            rows[name][-2:] = [when, int(str(rows[name][-1])) + 1]
        else:
            texts = (
                _readable(letter.topic.encode("utf-8", "replace")),
                _readable(letter.payload),
                letter.reason,
            )
            rows[name] = [name, *texts, when, when, 1]
    store.run_many(
        "INSERT INTO dead_letters (hash, topic, payload, reason, first_seen, last_seen, times) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE SET "
        "last_seen = excluded.last_seen, times = dead_letters.times + excluded.times",
        [rows[name] for name in sorted(rows)],
    )
    _count(store, "dead_letters", len(letters))
    _bound(store, "dead_letters", "last_seen", MOST_LETTERS)


def _readable(payload: bytes) -> str:
    """Bytes as text that every database takes."""
    text = payload[:_MOST_PAYLOAD].decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\0")[:_MOST_PAYLOAD]


def _count(store: Store, name: str, more: int) -> None:
    store.run(
        "INSERT INTO counters (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value",
        (name, more),
    )


def _bound(store: Store, table: str, time: str, most: int) -> None:
    """Delete the oldest rows beyond `most`."""
    (count,) = store.run(f"SELECT count(*) FROM {table}")[0]
    if count > most:
        key = "hash" if table == "dead_letters" else "(device, kind, id)"
        names = key.strip("()")
        store.run(
            f"DELETE FROM {table} WHERE {key} IN "
            f"(SELECT {names} FROM {table} ORDER BY {time} LIMIT ?)",
            (count - most,),
        )


def forget_old(store: Store, believed: Believed, now: float) -> int:
    """Delete what is older than is kept; returns how many partitions or rows of
    stretches and windows that were."""
    if believed.keep_months is None:
        return 0
    oldest = months_before(month_of(now), believed.keep_months)
    gone = store.drop_before(oldest)
    with store.transaction():
        store.run("DELETE FROM changes WHERE noticed < ?", (store.moment(start_of(oldest)),))
    return gone
