"""Which records are changes of the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.bundle_checks import RESERVED

if TYPE_CHECKING:
    from ..records import Record

NO_MUSIC = frozenset({*RESERVED, "speech", "noise", "no music"})
"""Labels that are no music, in small letters: the program's own, and those that a
taught model may have."""


class ChangeFilter:
    """Finds the windows whose label differs from that of the window before; sources
    that have names are looked at one by one."""

    def __init__(self) -> None:
        self._last: dict[str | None, tuple[str, str]] = {}

    def is_change(self, record: Record) -> bool:
        """Whether a record is the first window, or one with another label or source
        than the window before.

        A file's verdict ends its source: the next window is a change whatever its
        label.
        """
        from ..records import FileRecord, source_name_of

        if isinstance(record, FileRecord):
            self._last.clear()
            return False
        now, name = label_of(record), source_name_of(record)
        if now is None or now == self._last.get(name):
            return False
        self._last[name] = now
        return True


def label_of(record: Record) -> tuple[str, str] | None:
    """(source, label) of a window; None for other records."""
    from ..records import LiveRecord, WindowRecord

    if isinstance(record, LiveRecord):
        return record.source, record.label
    return (record.file, record.label) if isinstance(record, WindowRecord) else None
