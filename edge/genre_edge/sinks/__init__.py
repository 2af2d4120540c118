"""Where records go. A Sink takes records one by one and writes them somewhere."""

from __future__ import annotations

from typing import Protocol

from ..records import Record


class Sink(Protocol):
    """Anything that takes records."""

    def write(self, record: Record) -> None:
        """Take one record."""
        ...

    def close(self) -> None:
        """Finish: whatever was taken is written."""
        ...
