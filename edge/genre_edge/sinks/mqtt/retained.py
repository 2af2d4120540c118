"""What a broker keeps of each source, for whoever comes later: whether it is heard, its
state, its label, and whether music plays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...records import (
    FileRecord,
    LiveRecord,
    Record,
    StateRecord,
    WindowRecord,
    compact_json,
    source_name_of,
)
from ...settings.source_table import topic_of
from ...states import DEAF
from ..changes import NO_MUSIC, ChangeFilter, label_of

HEARING = "hearing"
"""Last part of the topic that says whether the only source is heard: "online", or
"offline" while it is waited for. A named source has its own status instead."""
OF_UNNAMED = (HEARING, "state", "music", "genre")
"""Ends of what a broker keeps of the only source, if that has no name."""


class Retained:
    """The latest message on each topic that a broker keeps."""

    def __init__(self, base: str, sources: Sequence[str], hold_seconds: float) -> None:
        """Say of each source that it is not heard yet.

        Parameters
        ----------
        base : str
            What all topics begin with.
        sources : sequence of str
            Names of the sources that have one.
        hold_seconds : float
            Music counts as playing this long after it was last heard, s.
        """
        self._base, self._hold = base, hold_seconds
        self._changes = ChangeFilter()
        self._music_end: dict[str, float] = {}
        """{topics' begin: where the last music ended on the source's timeline, s}."""
        self._states: dict[str, str] = {}
        """{topics' begin: the source's state}."""
        self._labels: dict[str, str] = {}
        """{topics' begin: the label heard now}; at the end what has changed last."""
        self.messages: dict[str, bytes] = {}
        """{topic: payload}, to be published on each new connection."""
        if not sources:
            self.messages[f"{base}/{HEARING}"] = b"offline"
        for source in sources or (None,):
            self.messages[f"{self.base_of(source)}/state"] = _state("starting", "", None)

    def base_of(self, source: str | None) -> str:
        """What the topics of a source begin with, None if it has no name."""
        return self._base if source is None else f"{self._base}/{topic_of(source)}"

    @property
    def label(self) -> str | None:
        """What is heard now; of several sources, where it changed last. None before the
        first window, and while nothing is heard."""
        return next(reversed(self._labels.values()), None)

    def changed_by(self, record: Record) -> dict[str, bytes]:
        """{topic: payload} of what a record changes."""
        changed = {
            topic: payload
            for topic, payload in self._after(record)
            if self.messages.get(topic) != payload
        }
        self.messages |= changed
        return changed

    def _after(self, record: Record) -> Iterator[tuple[str, bytes]]:
        source = source_name_of(record)
        base = self.base_of(source)
        if isinstance(record, StateRecord):
            is_deaf = record.state in DEAF
            yield f"{base}/{_heard_end(source)}", b"offline" if is_deaf else b"online"
            self._states[base] = record.state
            yield f"{base}/state", _state(record.state, record.reason, record.time)
            if is_deaf:
                self._music_end.pop(base, None)
                self._labels.pop(base, None)
                yield f"{base}/music", b"OFF"
        elif isinstance(record, LiveRecord | WindowRecord):
            yield f"{base}/{_heard_end(source)}", b"online"
            if isinstance(record, LiveRecord) and self._states.get(base) != record.state:
                self._states[base] = record.state  # it was reported before this began
                yield f"{base}/state", _state(record.state, "", record.time)
            if self._labels.get(base) != record.label:
                self._labels.pop(base, None)
                self._labels[base] = record.label
            yield f"{base}/music", b"ON" if self._is_music(base, record) else b"OFF"
            found = label_of(record)
            if self._changes.is_change(record) and found is not None:
                yield f"{base}/genre", compact_json(genre_message(record, found[1])).encode()
        elif isinstance(record, FileRecord):  # what was heard in it ends with it
            self._changes.is_change(record)
            self._music_end.clear()
            self._labels.clear()

    def _is_music(self, base: str, record: LiveRecord | WindowRecord) -> bool:
        """Whether there was music within the hold time up to a window's end."""
        if record.label.casefold() not in NO_MUSIC:
            self._music_end[base] = record.end
        last = self._music_end.get(base)
        return last is not None and 0.0 <= record.end - last <= self._hold


def _heard_end(source: str | None) -> str:
    return HEARING if source is None else "status"


def _state(state: str, reason: str, time: str | None) -> bytes:
    return compact_json({"state": state, "reason": reason, "time": time}).encode()


def is_state(payload: bytes) -> bool:
    """Whether this is a message on a source's state topic."""
    return payload.startswith(b'{"state":')


def genre_message(record: LiveRecord | WindowRecord, label: str) -> dict[str, Any]:
    """The message on the genre topic."""
    if isinstance(record, LiveRecord):
        return {
            "label": label,
            "confidence": record.smoothed_confidence,
            "since": record.time,
            "scores": record.smoothed_scores,
        }
    return {
        "label": label,
        "confidence": record.confidence,
        "since": None,
        "scores": record.scores,
    }
