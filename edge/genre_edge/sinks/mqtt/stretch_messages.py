"""Finished stretches of one label as messages: what a fleet's collector keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...records import Record, compact_json, iso8601, source_name_of
from ..stretches import Stretch, Stretches

TOPIC = "stretch"
"""Last part of their topic."""
LONGEST_SECONDS = 600.0
"""A stretch is finished after this long at the latest, and another one begun, s: so
much is lost at most when the program is killed."""


class StretchMessages:
    """What is to be published of stretches."""

    def __init__(self, session: str, base_of: Callable[[str | None], str]) -> None:
        """Begin with no stretch.

        Parameters
        ----------
        session : str
            What the ids begin with, unlike that of any other run.
        base_of : callable
            What the topics of a source begin with, by its name.
        """
        self._session, self._base_of, self._number = session, base_of, 0
        self._stretches = Stretches(longest_seconds=LONGEST_SECONDS, files=False)

    def after(self, record: Record) -> Iterator[tuple[str, bytes]]:
        """Topic and payload of the stretch that a record finishes, if it does."""
        finished = self._stretches.add(record)
        if finished is not None:
            yield self._message(source_name_of(record), finished)

    def finish(self) -> Iterator[tuple[str, bytes]]:
        """Topic and payload of each stretch that still grew: they end here."""
        for name, stretch in self._stretches.finish().items():
            yield self._message(name, stretch)

    def _message(self, name: str | None, stretch: Stretch) -> tuple[str, bytes]:
        self._number += 1
        values = {
            "type": "stretch",
            "source": stretch.source,
            "label": stretch.label,
            "start": iso8601(stretch.start),
            "end": iso8601(stretch.end),
            "windows": stretch.windows,
            "confidence": stretch.confidence,
            "id": f"{self._session}-s{self._number}",
        }
        return f"{self._base_of(name)}/{TOPIC}", compact_json(values).encode()
