"""One batch of messages, sorted by what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .messages import BadMessage, HealthNote, StatusNote, StretchRow, WindowRow, device_of, parse
from .months import Believed, Month, month_of


@dataclass(frozen=True)
class Incoming:
    """A message as it came."""

    topic: str
    """Where it was published."""
    payload: bytes
    """What was published."""
    received: float
    """When it came, UTC, s since 1970."""
    retained: bool = False
    """Whether the broker had kept it: it may be old."""
    ticket: object = None
    """By which the receiver acknowledges it."""


@dataclass(frozen=True)
class DeadLetter:
    """A message that is not what its topic says."""

    topic: str
    """Where it was published."""
    payload: bytes
    """What was published."""
    reason: str
    """What is wrong with it."""
    received: float
    """When it came, UTC, s since 1970."""


@dataclass(frozen=True)
class Note:
    """What a device says of itself, and when that came."""

    said: HealthNote | StatusNote
    """What it says."""
    received: float
    """When it came, UTC, s since 1970."""
    retained: bool
    """Whether the broker had kept it: it may be old."""


@dataclass
class Batch:
    """What is written in one transaction."""

    stretches: list[StretchRow] = field(default_factory=list)
    """Stretches whose time is believed."""
    windows: list[WindowRow] = field(default_factory=list)
    """Windows likewise."""
    quarantined: list[StretchRow | WindowRow] = field(default_factory=list)
    """Those whose time is not."""
    notes: list[Note] = field(default_factory=list)
    """Health and status, in the order in which they came."""
    letters: list[DeadLetter] = field(default_factory=list)
    """What is not what its topic says."""
    seen: dict[str, float] = field(default_factory=dict)
    """{device: when it was last heard of, UTC s since 1970}."""
    ignored: int = 0
    """Messages that are fine and of no interest."""
    latest: float | None = None
    """Latest time that a message tells, UTC, s since 1970."""

    @property
    def months(self) -> set[Month]:
        """Months of its rows."""
        times = [row.started for row in self.stretches] + [row.started for row in self.windows]
        return {month_of(time) for time in times}


def sort_out(messages: Sequence[Incoming], prefix: str, believed: Believed, now: float) -> Batch:
    """Sort messages by what becomes of them.

    Parameters
    ----------
    messages : sequence of Incoming
        In the order in which they came.
    prefix : str
        What all topics begin with.
    believed : Believed
        Which times are.
    now : float
        UTC, s since 1970.
    """
    batch = Batch()
    for message in messages:
        try:
            row = parse(message.topic, message.payload, prefix)
        except BadMessage as error:
            batch.letters.append(
                DeadLetter(message.topic, message.payload, str(error), message.received)
            )
            continue
        if not message.retained:
            batch.seen[device_of(message.topic, prefix)] = message.received
        if row is None:
            batch.ignored += 1
        elif isinstance(row, HealthNote | StatusNote):
            batch.notes.append(Note(row, message.received, message.retained))
            if isinstance(row, HealthNote) and not message.retained:
                _note_time(batch, row.time, now)
        elif not believed.has(row.started, row.ended, now):
            batch.quarantined.append(row)
        else:
            _note_time(batch, row.ended, now)
            if isinstance(row, StretchRow):
                batch.stretches.append(row)
            else:
                batch.windows.append(row)
    return batch


def _note_time(batch: Batch, time: float | None, now: float) -> None:
    if time is not None:
        batch.latest = max(batch.latest or 0.0, min(time, now))
