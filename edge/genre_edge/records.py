"""Records: what the program reports of windows, files, the microphone and lost audio,
and their form in JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

SILENCE = "silence"
"""The label of a window that is silent."""


@dataclass(frozen=True)
class WindowRecord:
    """The genre of one window of a file."""

    file: str
    """The path as the user gave it or as the folder was walked; "-" for standard
    input."""
    start: float
    """Seconds from the start of the file."""
    end: float
    """Seconds from the start of the file."""
    genre: str | None
    """Top-1 label; None in silence."""
    confidence: float | None
    """Probability of `genre`, 0 to 1; None in silence."""
    scores: dict[str, float]
    """Probability of every label; empty in silence."""

    @property
    def label(self) -> str:
        """What a person is shown: the genre or "silence"."""
        return self.genre or SILENCE

    def to_json(self) -> dict[str, Any]:
        """The JSON contract, in this order of keys."""
        return {
            "type": "window",
            "file": self.file,
            "start": self.start,
            "end": self.end,
            "genre": self.genre,
            "confidence": self.confidence,
            "scores": self.scores,
        }


@dataclass(frozen=True)
class FileRecord:
    """The verdict on one file: the mean of its windows' scores."""

    file: str
    """The path, as in WindowRecord."""
    seconds: float
    """Length of the audio, s."""
    windows: int
    """Number of windows averaged; those of silence do not count."""
    genre: str | None
    """Top-1 label of the mean; None if all is silence."""
    confidence: float | None
    """Mean probability of `genre`; None if all is silence."""
    scores: dict[str, float]
    """Mean probability of every label; empty if all is silence."""

    @property
    def label(self) -> str:
        """What a person is shown: the genre or "silence"."""
        return self.genre or SILENCE

    def to_json(self) -> dict[str, Any]:
        """The JSON contract, in this order of keys."""
        return {
            "type": "file",
            "file": self.file,
            "seconds": self.seconds,
            "windows": self.windows,
            "genre": self.genre,
            "confidence": self.confidence,
            "scores": self.scores,
        }


class Sensed(TypedDict, total=False):
    """What further sensors say of live sound; the keys are those of the JSON. A sensor
    that is off has none, and one that cannot say anything says None."""

    loudness_lufs: float | None
    """Short-term loudness, LUFS."""
    music_score: float | None
    """Whether the window is music, 0 to 1."""
    bpm: float | None
    """Beats per minute of the last 12 s."""
    bpm_confidence: float | None
    """How sure that is, 0 to 1."""


@dataclass(frozen=True)
class LiveRecord:
    """One window heard live."""

    start: float
    """Seconds on the stream's timeline, interruptions counted."""
    end: float
    """Seconds on the stream's timeline."""
    genre: str | None
    """Top-1 label of this window alone; None in silence."""
    confidence: float | None
    """Probability of `genre`; None in silence."""
    scores: dict[str, float]
    """Probability of every label; empty in silence."""
    time: str
    """UTC of the window's start, ISO 8601."""
    source: str
    """The source's name; of one without a name the device's token or the stream's
    address."""
    level_dbfs: float
    """Root-mean-square level of the window, dBFS."""
    state: str
    """State of the signal: "listening", "dead" or "clipping"."""
    latency_ms: float
    """Time from the delivery of the window's last sample to this record, ms."""
    label: str
    """The label that a person is shown: the smoothed genre, "uncertain" or
    "silence"."""
    smoothed_genre: str | None
    """The genre after smoothing, however uncertain; None in silence."""
    smoothed_confidence: float | None
    """Its mean probability over the smoothed windows; None in silence."""
    is_named: bool = False
    """Whether `source` is a name that the user has given."""
    smoothed_scores: dict[str, float] = field(default_factory=dict)
    """Mean probability of every label over the smoothed windows; empty in silence."""
    sensed: Sensed = field(default_factory=Sensed)
    """What the further sensors say that are on."""

    @property
    def source_name(self) -> str | None:
        """The name of the source; None if it has none."""
        return self.source if self.is_named else None

    def to_json(self) -> dict[str, Any]:
        """The JSON contract: that of WindowRecord, and what only live audio has."""
        return {
            "type": "window",
            "file": None,
            "start": self.start,
            "end": self.end,
            "genre": self.genre,
            "confidence": self.confidence,
            "scores": self.scores,
            "time": self.time,
            "source": self.source,
            "level_dbfs": self.level_dbfs,
            "state": self.state,
            "latency_ms": self.latency_ms,
            "label": self.label,
            "smoothed": {
                "genre": self.smoothed_genre,
                "confidence": self.smoothed_confidence,
                "scores": self.smoothed_scores,
            },
            **self.sensed,
        }


@dataclass(frozen=True)
class StateRecord:
    """A change of state of a source, or of the clock."""

    time: str
    """UTC of the change, ISO 8601."""
    state: str
    """"waiting", "listening", "lost", "dead", "clipping" or "paused"."""
    reason: str
    """Why, in words."""
    source_name: str | None = None
    """The name of the source; None if it has none."""

    @property
    def described(self) -> str:
        """For people: [source: ]state: reason."""
        words = (self.source_name, self.state, self.reason)
        return ": ".join(word for word in words if word is not None)

    def to_json(self) -> dict[str, Any]:
        """The JSON contract, in this order of keys."""
        values = {"type": "state", "time": self.time, "state": self.state, "reason": self.reason}
        return values | _named(self.source_name)


@dataclass(frozen=True)
class GapRecord:
    """Audio that was lost; no window spans it."""

    time: str
    """UTC of its start, ISO 8601."""
    start: float
    """Its start, seconds on the stream's timeline."""
    end: float
    """Its end, seconds on the stream's timeline."""
    source_name: str | None = None
    """The name of the source; None if it has none."""

    def to_json(self) -> dict[str, Any]:
        """The JSON contract, in this order of keys."""
        values = {"type": "gap", "time": self.time, "start": self.start, "end": self.end}
        return values | _named(self.source_name)


def _named(source: str | None) -> dict[str, Any]:
    """What the JSON of a state or a gap has in addition where its source has a name."""
    return {} if source is None else {"source": source}


FileOutput = WindowRecord | FileRecord
"""What classifying files produces."""
LiveOutput = LiveRecord | StateRecord | GapRecord
"""What listening produces."""
Record = FileOutput | LiveOutput


def source_name_of(record: Record) -> str | None:
    """The name of the source that a record is about; None if it has none, and for
    files."""
    if isinstance(record, LiveRecord | StateRecord | GapRecord):
        return record.source_name
    return None


def iso8601(utc: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, with milliseconds.

    >>> iso8601(1769860800.1234)
    '2026-01-31T12:00:00.123Z'
    """
    return (
        datetime.fromtimestamp(utc, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


_CONTROLS = re.compile("[\x7f-\x9f]")


def compact_json(values: object) -> str:
    """JSON without spaces, letters beyond ASCII as they are: for programs to read. It
    cannot control a terminal."""
    return json_text(values, separators=(",", ":"))


def json_text(values: object, separators: tuple[str, str] | None = None) -> str:
    """JSON with letters beyond ASCII as they are, but for those that are no letters:
    U+007F to U+009F, of which JSON allows that terminals obey them."""
    text = json.dumps(values, ensure_ascii=False, separators=separators)
    if not text.isprintable():
        text = _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return valid_utf8(text)


def valid_utf8(text: str) -> str:
    r"""Text that can be written as UTF-8, though a file's name in it is none.

    Python reads the byte 0xFF of such a name as the lone surrogate U+DCFF. It becomes
    the six characters `\udcff`, which in JSON mean the same: a program in Python gets
    the bytes of the name back with `os.fsencode(json.loads(line)["file"])`.

    Examples
    --------
    >>> valid_utf8("caf\udce9.wav")
    'caf\\udce9.wav'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
