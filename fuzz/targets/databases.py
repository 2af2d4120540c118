"""SQLite files that the program finds: the spool for MQTT, and the history."""

from __future__ import annotations

import json
import random
import sqlite3
from dataclasses import asdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from genre_edge.errors import GenreEdgeError
from genre_edge.records import LiveRecord
from genre_edge.sinks.history_report import BY, latest_stretches, summarise
from genre_edge.sinks.mqtt.spool import Spool

from ..damage import damaged
from ..target import Target, Unexpected, cases, check_line

_FILES = {"spool": "*.spool", "history": "*.db"}


def _window(number: int) -> LiveRecord:
    return LiveRecord(
        start=3.0 * number,
        end=3.0 * number + 3.0,
        genre="jazz",
        confidence=0.9,
        scores={"jazz": 0.9},
        time="2026-01-31T12:00:00.000Z",
        source="usb:1",
        level_dbfs=-20.0,
        state="listening",
        latency_ms=1.0,
        label="jazz" if number % 3 else "rock",
        smoothed_genre="jazz",
        smoothed_confidence=0.9,
    )


@cache
def _seeds(kind: str) -> list[bytes]:
    with TemporaryDirectory() as name:
        path = Path(name) / "whole"
        if kind == "spool":
            spool = Spool(path, 1_000_000)
            spool.park()
            for number in range(20):
                spool.put("genre-edge/x/window", b'{"n":%d}' % number)
            spool.close()
        else:
            _make_history(path)
        with sqlite3.connect(path) as file:
            file.execute("PRAGMA journal_mode=DELETE")
        file.close()
        found = [path.read_bytes()]
    known = [one for one in cases(_FILES[kind]) if len(one) < 300_000]
    return found * 3 + known


def _make_history(path: Path) -> None:
    from genre_edge.sinks.history_rows import SCHEMA

    file = sqlite3.connect(path)
    file.executescript(SCHEMA)
    columns = [row[1] for row in file.execute("PRAGMA table_info(stretches)")]
    for number in range(20):
        values = {"label": "jazz", "start": 3.0 * number, "end": 3.0 * number + 3.0}
        row = [values.get(name, number if name in ("id", "windows") else 0.5) for name in columns]
        file.execute(f"INSERT INTO stretches VALUES ({','.join('?' * len(columns))})", row)
    file.commit()
    file.close()


def _written(chance: random.Random, folder: Path, kind: str) -> Path:
    for left in folder.iterdir():
        if left.is_file():
            left.unlink()
    path = folder / f"fuzzed.{kind}"
    path.write_bytes(damaged(chance, _seeds(kind)))
    return path


def spool_attempt(chance: random.Random, folder: Path) -> None:
    """Open one spool, put messages into it and take them out: these come out whatever
    is in the file."""
    path = _written(chance, folder, "spool")
    spool = Spool(path, 1_000_000)
    try:
        seq, new = 0, [b"new %d" % number for number in range(5)]
        for payload in new:
            spool.put("topic", payload)
        spool.park()
        for _ in range(100):
            found = spool.after(seq, 50)
            if not found:
                break
            if [one.seq for one in found] != sorted(one.seq for one in found):
                raise Unexpected("messages out of order")
            seq = found[-1].seq
            new = [one for one in new if one not in [message.payload for message in found]]
            spool.remove([one.seq for one in found])
        if new or len(spool):
            raise Unexpected(f"{len(spool)} left, {len(new)} new ones not seen: {spool.trouble}")
    finally:
        spool.close()


def history_attempt(chance: random.Random, folder: Path) -> None:
    """Read one history."""
    path = _written(chance, folder, "history")
    try:
        summarise(path, chance.choice((0.0, 1e9, -1e300)), chance.choice(BY))
        json.dumps([asdict(one) for one in latest_stretches(path, 0.0, 100)], allow_nan=False)
    except GenreEdgeError as error:
        check_line(error)


SPOOL = Target("spool", spool_attempt, batch=10)
HISTORY = Target("history", history_attempt, batch=20)
