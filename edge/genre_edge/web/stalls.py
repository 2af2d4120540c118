"""Which clients have stalled: they take nothing of their answer, or never finish their
request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar


class Connection(Protocol):
    """What is looked at; waitress's HTTPChannel has it."""

    total_outbufs_len: int
    """Bytes of the answer that wait to be sent."""
    last_activity: float
    """Changes whenever bytes are sent or received."""
    request: object | None
    """The request that is being received; None between requests."""


_AnyConnection = TypeVar("_AnyConnection", bound=Connection)


@dataclass
class _Progress:
    """What was seen of one connection, and since when."""

    last_activity: float
    last_taken: float
    """When the client last took something, or nothing waited for it; s."""
    request: object | None
    request_began: float
    """When this request was first seen, s."""


class StallDetector:
    """Looks at all connections now and then, and finds those that have stalled.

    Parameters
    ----------
    send_seconds
        Longest time for which a client may take nothing of what waits for it, s.
    receive_seconds
        Longest time for sending one request, s.
    """

    def __init__(self, send_seconds: float, receive_seconds: float) -> None:
        self._send_seconds, self._receive_seconds = send_seconds, receive_seconds
        self._seen: dict[object, _Progress] = {}

    def stalled(self, connections: Iterable[_AnyConnection], now: float) -> list[_AnyConnection]:
        """Look at all connections.

        Parameters
        ----------
        connections
            Every connection that is open.
        now
            The time on a clock that only increases, s.

        Returns
        -------
        list of Connection
            Those that should be closed.
        """
        open_now = list(connections)
        self._seen = {one: self._progress(one, now) for one in open_now}
        return [one for one in open_now if self._has_stalled(self._seen[one], now)]

    def _progress(self, connection: Connection, now: float) -> _Progress:
        current = _Progress(connection.last_activity, now, connection.request, now)
        before = self._seen.get(connection)
        if before is None:
            return current
        nothing_waits = connection.total_outbufs_len == 0
        if not nothing_waits and before.last_activity == current.last_activity:
            current.last_taken = before.last_taken
        if before.request is current.request:
            current.request_began = before.request_began
        return current

    def _has_stalled(self, progress: _Progress, now: float) -> bool:
        if now - progress.last_taken > self._send_seconds:
            return True
        is_receiving = progress.request is not None
        return is_receiving and now - progress.request_began > self._receive_seconds
