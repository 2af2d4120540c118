"""Which records are news: the first window of each label."""

from __future__ import annotations

from ..records import FileRecord, LiveRecord, Record, WindowRecord


class ChangeFilter:
    """Says of each record whether it is a window with another label than the one
    before."""

    def __init__(self) -> None:
        self._last: tuple[str, str] | None = None

    def is_change(self, record: Record) -> bool:
        """True for the first window, and for each whose label or source is new. A
        file's verdict ends its source."""
        if isinstance(record, FileRecord):
            self._last = None
            return False
        now = label_of(record)
        if now is None or now == self._last:
            return False
        self._last = now
        return True


def label_of(record: Record) -> tuple[str, str] | None:
    """(source, label) of a window; None for other records."""
    if isinstance(record, LiveRecord):
        return record.source, record.label
    return (record.file, record.genre) if isinstance(record, WindowRecord) else None
