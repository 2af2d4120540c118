"""What each source has heard lately, and for how long: the occasions for a message."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...records import LiveRecord, Record, StateRecord


@dataclass(frozen=True)
class Occasion:
    """A label or a state that lasts."""

    source: str | None
    """The name of the source; None if it has none."""
    what: str
    """The label or the state."""
    since: str
    """When it began, UTC, ISO 8601; it names the stay."""
    seconds: float
    """How long it has lasted, s."""
    is_state: bool = False
    """Whether it is a state."""
    confidence: float | None = None
    """Of the label, 0 to 1; None in silence and for states."""
    reason: str = ""
    """Why, for a state."""


@dataclass(frozen=True)
class _Stay:
    """A label's."""

    begin: float
    """Seconds on the stream's timeline, as `end`."""
    end: float
    """End of its last window so far."""
    since: str
    """Its begin, UTC, ISO 8601."""


@dataclass(frozen=True)
class _State:
    """The state that a source is in."""

    record: StateRecord
    began: float
    """By a clock that only increases, s."""


class Heard:
    """Follows labels by the stream's own timeline and states by a clock that only
    increases: a step of the system's clock changes no duration."""

    def __init__(self, pause_seconds: float, before: Heard | None = None) -> None:
        """Begin.

        Parameters
        ----------
        pause_seconds : float
            Other labels for this long do not end a label's stay, s.
        before : Heard or None
            What was heard so far, if anything was.
        """
        self._pause = pause_seconds
        self._stays: dict[tuple[str | None, str], _Stay] = dict(before._stays) if before else {}
        self.ended: float | None = None
        """Since when it takes no more records, s; None while it does."""
        self._states: dict[str | None, _State] = dict(before._states) if before else {}

    def write(self, record: Record, now: float) -> Occasion | None:
        """Take one record.

        Parameters
        ----------
        record : Record
            Any; those of files say nothing here.
        now : float
            The time, by a clock that only increases, s.

        Returns
        -------
        Occasion or None
            The label that is heard now; None if the record is no window.
        """
        from ...records import LiveRecord, StateRecord

        if isinstance(record, LiveRecord):
            return self._label(record)
        if isinstance(record, StateRecord):
            known = self._states.get(record.source_name)
            if known is None or known.record.state != record.state:
                self._states[record.source_name] = _State(record, now)
        return None

    def _label(self, record: LiveRecord) -> Occasion:
        key = record.source_name, record.label
        stay = self._stays.get(key)
        if stay is None or not stay.begin <= record.start <= stay.end + self._pause:
            stay = _Stay(record.start, record.end, record.time)
        self._stays[key] = stay = replace(stay, end=max(stay.end, record.end))
        seconds = stay.end - stay.begin
        return Occasion(*key, stay.since, seconds, confidence=record.smoothed_confidence)

    def states(self, now: float) -> list[Occasion]:
        """The states that sources are in, and for how long at `now`."""
        return [
            Occasion(
                source,
                one.record.state,
                one.record.time,
                now - one.began,
                True,
                None,
                one.record.reason,
            )
            for source, one in self._states.items()
        ]
