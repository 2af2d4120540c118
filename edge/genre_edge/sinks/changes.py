"""Which records are changes of the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..records import Record


class ChangeFilter:
    """Finds the windows whose label differs from that of the window before."""

    def __init__(self) -> None:
        self._last: tuple[str, str] | None = None

    def is_change(self, record: Record) -> bool:
        """Whether a record is the first window, or one with another label or source
        than the window before.

        A file's verdict ends its source: the next window is a change whatever its
        label.
        """
        from ..records import FileRecord

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
    from ..records import LiveRecord, WindowRecord

    if isinstance(record, LiveRecord):
        return record.source, record.label
    return (record.file, record.label) if isinstance(record, WindowRecord) else None
