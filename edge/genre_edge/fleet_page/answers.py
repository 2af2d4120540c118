"""What the API says of a device, as JSON."""

from __future__ import annotations

from typing import Any

from ..fleet.device_rows import DeviceRow
from ..fleet.reading import HeardStretch, NotedChange, presence, trouble_of
from ..records import iso8601

_PRESENT_SECONDS = 900.0
"""A label is what a device hears now if it was heard not longer ago, s. Older devices
tell of a stretch alone, when it ends, after ten minutes at the latest."""
_HEARING = ("listening", "clipping")

Json = dict[str, Any]


def hears(row: DeviceRow, now: float) -> str | None:
    """The label of what a device hears now; None if it is not there, hears nothing, or
    has told nothing lately.

    Parameters
    ----------
    row : DeviceRow
        The device.
    now : float
        UTC, s since 1970.
    """
    if presence(row, now) != "online" or row.heard_until is None:
        return None
    states = [one.rpartition(": ")[2] for one in (row.state or "listening").split(", ")]
    if not any(one in _HEARING for one in states):
        return None
    ago = now - row.heard_until + (row.clock_ahead or 0.0)
    return row.label if ago <= _PRESENT_SECONDS else None


def tile(row: DeviceRow, now: float) -> Json:
    """What is shown of each device in the list of all."""
    return {
        "device": row.device,
        "presence": presence(row, now),
        "trouble": trouble_of(row),
        "hears": hears(row, now),
        "state": row.state,
        "last_seen": _time(row.last_seen),
        "model": row.model,
        "version": row.version,
    }


def facts(row: DeviceRow, now: float) -> Json:
    """All that is known of one device."""
    return tile(row, now) | {
        "first_seen": _time(row.first_seen),
        "label": row.label,
        "heard_until": _time(row.heard_until),
        "clock_ahead": row.clock_ahead,
        "windows": row.windows,
        "dropped_seconds": row.dropped_seconds,
        "waiting": row.waiting,
    }


def stretch(one: HeardStretch) -> Json:
    """A stretch of one label."""
    return {
        "source": one.source,
        "label": one.label,
        "start": iso8601(one.started),
        "end": iso8601(one.ended),
        "confidence": one.confidence,
    }


def change(one: NotedChange) -> Json:
    """Something that has changed of a device."""
    return {"time": iso8601(one.noticed), "what": one.what, "value": one.value}


def _time(when: float | None) -> str | None:
    return None if when is None else iso8601(when)
