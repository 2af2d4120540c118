"""What devices publish, as rows: every field is checked, for a device may be broken or
hostile, and none may stop the collector."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..records import valid_utf8
from ..sinks.mqtt.stretch_messages import TOPIC as STRETCH
from ..states import PAUSED

_LONGEST_TEXT = 300
"""Most letters of a name, a label or an id."""
_LONGEST_TROUBLE = 1000
_MOST_SOURCES = 100
_MOST_COUNT = 2**53
_RECENT_SECONDS = 120.0
"""An output's last trouble counts for so long, s."""
_FINE = ("listening", "starting", PAUSED)


class BadMessage(Exception):
    """A message that is not what its topic says."""


@dataclass(frozen=True)
class StretchRow:
    """A stretch of one label."""

    device: str
    """Its name in the topics."""
    source: str
    """What was heard."""
    id: str
    """Its own on this device."""
    label: str
    """What a person is shown."""
    started: float
    """UTC, s since 1970."""
    ended: float
    """UTC, s since 1970."""
    windows: int
    """Windows in it."""
    confidence: float | None
    """Their mean confidence; None in silence."""


@dataclass(frozen=True)
class WindowRow:
    """One window."""

    device: str
    """Its name in the topics."""
    source: str
    """What was heard."""
    id: str
    """Its own on this device."""
    label: str
    """What a person is shown."""
    started: float
    """UTC, s since 1970."""
    ended: float
    """UTC, s since 1970."""
    genre: str | None
    """Of this window alone; None in silence."""
    confidence: float | None
    """Of `genre`."""
    level_dbfs: float | None
    """How loud it was, dBFS."""


@dataclass(frozen=True)
class HealthNote:
    """A device's own account of itself."""

    device: str
    """Its name in the topics."""
    state: str
    """Of the microphone, or of the sources."""
    trouble: str
    """What does not work, in one line; empty if all does."""
    model: str
    """Name of the model."""
    version: str | None
    """Of genre-edge; None for one that does not tell."""
    time: float | None
    """By the device's clock, UTC s since 1970; None for one that does not tell."""
    windows: int
    """Heard since it started."""
    dropped_seconds: float
    """Audio lost since it started, s."""
    waiting: int
    """Messages that wait on the device."""
    label: str | None = None
    """What is heard now; None for one that hears nothing, or does not tell."""


@dataclass(frozen=True)
class StatusNote:
    """Whether a device is connected."""

    device: str
    """Its name in the topics."""
    online: bool
    """By its own word, or the broker's."""


Row = StretchRow | WindowRow | HealthNote | StatusNote


def device_of(topic: str, prefix: str) -> str:
    """The device that a topic belongs to."""
    return topic[len(prefix) + 1 :].partition("/")[0]


def parse(topic: str, payload: bytes, prefix: str) -> Row | None:
    """A message as a row.

    Parameters
    ----------
    topic : str
        One that a collector subscribes to.
    payload : bytes
        Whatever was published there.
    prefix : str
        What all topics begin with.

    Returns
    -------
    Row or None
        None for what is fine and of no interest: windows of files, which have no time.

    Raises
    ------
    BadMessage
        If it is not what its topic says.
    """
    device, kind = device_of(topic, prefix), topic.rpartition("/")[2]
    if kind == "status":
        if payload not in (b"online", b"offline"):
            raise BadMessage("is neither online nor offline")
        return StatusNote(_checked(device, "device"), payload == b"online")
    values = _object(payload)
    _checked(device, "device")
    if kind == "health":
        return _health(device, values)
    if kind == "window" and values.get("time") is None and values.get("file") is not None:
        return None
    return _stretch(device, values) if kind == STRETCH else _window(device, values)


def _object(payload: bytes) -> dict[str, Any]:
    try:
        values = json.loads(payload)
    except (ValueError, RecursionError):
        raise BadMessage("is no JSON") from None
    if not isinstance(values, dict):
        raise BadMessage("is no JSON object")
    return values


def _stretch(device: str, values: dict[str, Any]) -> StretchRow:
    started, ended = _moment(values, "start"), _moment(values, "end")
    if ended < started:
        raise BadMessage("its end is before its start")
    return StretchRow(
        device,
        _text(values, "source"),
        _text(values, "id"),
        _text(values, "label"),
        started,
        ended,
        _count(values, "windows", 2**31 - 1),
        _number(values, "confidence", 0.0, 1.0),
    )


def _window(device: str, values: dict[str, Any]) -> WindowRow:
    started = _moment(values, "time")
    begin, end = (_number(values, key, -1e15, 1e15) for key in ("start", "end"))
    if begin is None or end is None or not 0.0 <= end - begin <= 3600.0:
        raise BadMessage("start and end are not those of a window")
    genre = None if values.get("genre") is None else _text(values, "genre")
    return WindowRow(
        device,
        _text(values, "source"),
        _text(values, "id"),
        _text(values, "label"),
        started,
        started + end - begin,
        genre,
        _number(values, "confidence", 0.0, 1.0),
        _number(values, "level_dbfs", -1000.0, 1000.0),
    )


def _health(device: str, values: dict[str, Any]) -> HealthNote:
    sources = values.get("sources")
    states = {"": _text(values, "state")}
    if isinstance(sources, dict) and sources:
        if len(sources) > _MOST_SOURCES:
            raise BadMessage(f"sources are more than {_MOST_SOURCES}")
        states = {
            _checked(name, "source"): _text(one, "state")
            for name, one in sources.items()
            if isinstance(one, dict)
        }
    when = None if values.get("time") is None else _moment(values, "time")
    return HealthNote(
        device,
        ", ".join(f"{name}: {state}" if name else state for name, state in states.items()),
        _trouble(states, values.get("sinks"), when)[:_LONGEST_TROUBLE],
        _text(values, "model"),
        None if values.get("version") is None else _text(values, "version"),
        when,
        _count(values, "windows", _MOST_COUNT),
        _number(values, "dropped_seconds", 0.0, 1e12) or 0.0,
        _count(values, "waiting", 2**31 - 1),
        None if values.get("label") is None else _text(values, "label"),
    )


def _trouble(states: dict[str, str], sinks: Any, when: float | None) -> str:
    """What does not work: sources that are not heard well, outputs that fail now."""
    found = [_source_trouble(name, state) for name, state in states.items() if state not in _FINE]
    for sink in sinks if isinstance(sinks, list) else ():
        if not isinstance(sink, dict):
            continue
        text, at = sink.get("stopped") or "", sink.get("trouble_time")
        # No difference: JSON has whole numbers that are too large for one.
        is_recent = isinstance(at, int | float) and when is not None and at > when - _RECENT_SECONDS
        if not text and is_recent:
            text = sink.get("trouble") or ""
        if isinstance(text, str) and text:
            found.append(valid_utf8(text.replace("\0", "?")))
    return "; ".join(found)


def _source_trouble(name: str, state: str) -> str:
    return f"{name or 'microphone'} {state}"


def source_troubles(state: str) -> list[str]:
    """What is wrong with a device's microphone or sources, in the words of its trouble.

    Parameters
    ----------
    state : str
        That of a `HealthNote`.

    Examples
    --------
    >>> source_troubles("hall: listening, roof: lost"), source_troubles("dead")
    (['roof lost'], ['microphone dead'])
    """
    found = []
    for one in state.split(", ") if state else ():
        name, _, word = one.rpartition(": ")
        if word not in _FINE:
            found.append(_source_trouble(name, word))
    return found


def _text(values: dict[str, Any], key: str) -> str:
    return _checked(values.get(key), key)


def _checked(text: Any, key: str) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_TEXT:
        raise BadMessage(f"{key} is no text of 1 to {_LONGEST_TEXT} letters")
    if "\0" in text or not _is_unicode(text):
        raise BadMessage(f"{key} has letters that no database takes")
    return text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _moment(values: dict[str, Any], key: str) -> float:
    text = values.get(key)
    try:
        when = datetime.fromisoformat(text) if isinstance(text, str) else None
        if when is not None and when.tzinfo is not None:
            time = when.timestamp()
            datetime.fromtimestamp(time, UTC)  # a zone may take it out of the years 1 to 9999
            return time
    except (ValueError, OverflowError):
        pass
    raise BadMessage(f"{key} is no time with a zone")


def _count(values: dict[str, Any], key: str, most: int) -> int:
    number = values.get(key)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most:
        raise BadMessage(f"{key} is no count")
    return number


def _number(values: dict[str, Any], key: str, low: float, high: float) -> float | None:
    number = values.get(key)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise BadMessage(f"{key} is no number")
    if not low <= number <= high:  # never true of what is no number
        raise BadMessage(f"{key} is not between {low:g} and {high:g}")
    return float(number)
