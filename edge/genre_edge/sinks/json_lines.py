"""JSON lines: one object a line, written at once so that a reader sees it live."""

from __future__ import annotations

from typing import TextIO

from ..records import Record, compact_json


class JsonlSink:
    """Writes each record's JSON contract as one line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, record: Record) -> None:
        """Write and flush one line."""
        self._out.write(compact_json(record.to_json()) + "\n")
        self._out.flush()

    def close(self) -> None:
        """Nothing is held back."""
