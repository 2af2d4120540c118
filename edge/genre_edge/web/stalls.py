"""Which clients have stalled: they take nothing of their answer, or never finish their
request. In a crowd, those that only wait make room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar


class Connection(Protocol):
    """What is looked at; waitress's HTTPChannel has it."""

    total_outbufs_len: int
    """Bytes of the answer that wait to be sent."""
    last_activity: float
    """Changes whenever bytes are sent or received."""
    request: Any
    """The request that is being received, which knows `headers_finished`; None between
    requests."""
    requests: Sequence[object]
    """Requests that are being answered."""


_AnyConnection = TypeVar("_AnyConnection", bound=Connection)


@dataclass
class _Progress:
    """What was seen of one connection, and since when."""

    last_activity: float
    last_taken: float
    """When the client last took something, or nothing waited for it; s."""
    request: object | None
    request_began: float
    """When this request, or the pause before it, was first seen, s."""


class StallDetector:
    """Looks at all connections now and then, and finds those that have stalled.

    Parameters
    ----------
    send_seconds
        Longest time for which a client may take nothing of what waits for it, s.
    receive_seconds
        Longest time for sending one request, s.
    header_seconds
        Longest time for sending its headers, s.
    crowd
        Connections that may be open at once. Of more, those are closed that have waited
        longest for the end of a request, or for its beginning.
    """

    def __init__(
        self, send_seconds: float, receive_seconds: float, header_seconds: float, crowd: int
    ) -> None:
        self._send_seconds, self._receive_seconds = send_seconds, receive_seconds
        self._header_seconds, self._crowd = header_seconds, crowd
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
        stalled = [one for one in open_now if self._has_stalled(self._seen[one], now)]
        return stalled + self._too_many([one for one in open_now if one not in stalled])

    def _too_many(self, connections: list[_AnyConnection]) -> list[_AnyConnection]:
        """The connections that make room for others: first those without headers."""
        waiting = [one for one in connections if not one.requests]
        waiting.sort(key=lambda one: (_has_headers(one.request), self._seen[one].request_began))
        return waiting[: max(0, len(connections) - self._crowd)]

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
        if progress.request is None:
            return False
        has_headers = _has_headers(progress.request)
        limit = self._receive_seconds if has_headers else self._header_seconds
        return now - progress.request_began > limit


def _has_headers(request: Any) -> bool:
    return request is not None and bool(request.headers_finished)
