"""What every sink can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..records import Record

CLOSE_SECONDS = 10.0
"""Time that a sink with a thread of its own gets to finish if nothing else is said,
s."""


class Sink(Protocol):
    """Anything that takes records."""

    def write(self, record: Record) -> None:
        """Take one record."""
        ...

    def close(self) -> None:
        """Finish: whatever was taken is written."""
        ...


class BoundedSink(Sink, Protocol):
    """A sink with a thread of its own, which finishes within a given time."""

    def start(self) -> None:
        """Begin to work. Records that were written before wait until then."""
        ...

    def close(self, within: float = CLOSE_SECONDS) -> None:
        """Finish within `within` seconds; what is not written by then may be lost."""
        ...
