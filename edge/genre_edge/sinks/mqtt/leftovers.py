"""What earlier runs left with the broker of sources that are configured no more: found
by what it keeps under this device's own topics, and emptied."""

from __future__ import annotations

from collections.abc import Sequence

from ...settings.source_table import topic_of
from .connection import Connection
from .retained import OF_UNNAMED, is_state

_HEALTH = "health"
"""A topic that devices have and sources have not."""


class Leftovers:
    """The sources that are no more, on one connection."""

    def __init__(self, base: str, sources: Sequence[str], connection: Connection) -> None:
        """Ask the broker which sources it knows.

        Parameters
        ----------
        base : str
            What the device's topics begin with.
        sources : sequence of str
            Names of the sources that are configured.
        connection : Connection
            One that has just been made.
        """
        self._base, self._connection = base, connection
        self._known = {topic_of(source) for source in sources}
        self._asked: set[str] = set()
        self._gone: set[str] = set()
        self._unnamed = [f"{base}/{end}" for end in OF_UNNAMED] if sources else []
        filters = [f"{base}/+/state", f"{base}/+/status", *self._unnamed]
        connection.subscribe_to_kept(filters)

    def look(self) -> bool:
        """Ask for everything of the sources that were found since the last call.
        Whether there were any; their topics need a moment to come."""
        kept = self._connection.kept
        found = {self._source(topic) for topic, payload in kept.items() if _is_mark(topic, payload)}
        new = found - self._known - self._asked - {""}
        self._asked |= new
        self._connection.subscribe_to_kept([f"{self._base}/{one}/+" for one in sorted(new)])
        return bool(new)

    def gone(self) -> list[str]:
        """The sources that are no more and were not told by an earlier call. Another
        device, whose topics happen to lie below this one's, is none of them."""
        kept = self._connection.kept
        devices = {one for one in self._asked if f"{self._base}/{one}/{_HEALTH}" in kept}
        new = self._asked - devices - self._gone
        self._gone |= new
        return sorted(new)

    def clear(self) -> None:
        """Empty every topic of theirs that the broker keeps."""
        for topic in sorted(self._connection.kept):
            if topic in self._unnamed or self._source(topic) in self._gone:
                self._connection.publish(topic, b"")
                del self._connection.kept[topic]

    def _source(self, topic: str) -> str:
        """The part of a topic that names its source; empty if there is none."""
        name, _, end = topic.removeprefix(f"{self._base}/").partition("/")
        return name if end else ""


def _is_mark(topic: str, payload: bytes) -> bool:
    """Whether a message shows that its topic is a source's."""
    end = topic.rsplit("/", 1)[-1]
    return end == "status" or (end == "state" and is_state(payload))
