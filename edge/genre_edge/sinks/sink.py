"""What every sink can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..errors import GenreEdgeError

if TYPE_CHECKING:
    from ..records import Record

CLOSE_SECONDS = 10.0
"""Time that a sink with a thread of its own gets to finish if nothing else is said,
s."""


class StillWaiting(GenreEdgeError):
    """Something went wrong for now. The record is kept, and tried again later."""


class Sink(Protocol):
    """Anything that takes records."""

    def write(self, record: Record) -> int | None:
        """Take one record.

        Returns
        -------
        int or None
            How many records are delivered now that were not before: 0 if nothing had
            to be done with this one, or if it waits. None means this one.

        Raises
        ------
        StillWaiting
            If it could not be delivered yet. After any other exception it is lost.
        """
        ...

    def close(self) -> int | None:
        """Finish: whatever was taken is written. Returns how many records that
        delivered; None means none."""
        ...


@runtime_checkable
class HoldingSink(Sink, Protocol):
    """A sink that keeps records for later."""

    @property
    def held(self) -> int:
        """Records that it was given and that are neither delivered nor counted as lost.
        Any thread may ask."""
        ...

    def tend(self) -> int:
        """Deliver what is held if it is time to; called now and then while no record
        comes. Returns and raises as `write`."""
        ...


class BoundedSink(Protocol):
    """A sink with a thread of its own, which finishes within a given time. It keeps its
    own count of what was delivered and lost."""

    def write(self, record: Record) -> None:
        """Take one record. It never raises."""
        ...

    def start(self) -> None:
        """Begin to work. Records that were written before wait until then."""
        ...

    def close(self, within: float = CLOSE_SECONDS) -> None:
        """Finish within `within` seconds; what is not written by then may be lost."""
        ...
