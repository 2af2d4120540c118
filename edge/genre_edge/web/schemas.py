"""JSON schemas of the API's answers and live events.

They say what the records say; tests/web/test_openapi.py compares them.
"""

from __future__ import annotations

from .schema_parts import INTEGER, NUMBER, TEXT, Json, described, object_of, or_null, ref
from .schemas_setup import SETUP_SCHEMAS


def _with_source(schema: Json) -> Json:
    """The same, and the name of a source where it has one."""
    source = described(TEXT, "The name of the source; absent if it has none.")
    return {**schema, "properties": {**schema["properties"], "source": source}}


def _health(**properties: Json) -> Json:
    """The schema of the health, with the state of each source where they have names."""
    schema = object_of(**properties)
    states: Json = {"type": "object", "additionalProperties": {"type": "string"}}
    sources = described(states, "State of each source by its name; absent without names.")
    return {**schema, "properties": {**schema["properties"], "sources": sources}}


_PROBABILITY: Json = {"type": "number", "minimum": 0, "maximum": 1}
_SCORES: Json = {
    "type": "object",
    "additionalProperties": _PROBABILITY,
    "description": "Probability of each label.",
}
_PREDICTION: Json = {
    "genre": described(or_null(TEXT), "Null in silence."),
    "confidence": described(or_null(_PROBABILITY), "Null in silence."),
    "scores": described(_SCORES, "Probability of each label; empty in silence."),
}
_UTC: Json = described(TEXT, "UTC, ISO 8601.")
_STREAM_SECONDS: Json = described(NUMBER, "Seconds since the microphone was first heard.")
_SENSED: Json = {
    "loudness_lufs": described(
        or_null(NUMBER), "Short-term loudness, LUFS; null until 3 s were heard."
    ),
    "music_score": described(
        or_null(_PROBABILITY), "Whether the window is music; null where the model cannot tell."
    ),
    "bpm": described(
        or_null(NUMBER), "Beats per minute of the last 12 s; null where that is not sure."
    ),
    "bpm_confidence": described(
        or_null(_PROBABILITY), "How sure that is; null in silence and until 12 s were heard."
    ),
}
"""What a window has in addition where further sensors are on."""


def _with_sensed(schema: Json) -> Json:
    """The same, and what further sensors say where they are on."""
    return {**schema, "properties": {**schema["properties"], **_SENSED}}


SCHEMAS: Json = {
    "Problem": object_of(
        title=TEXT,
        status=INTEGER,
        detail=described(TEXT, "What is wrong, and what to do."),
    ),
    "FileWindow": object_of(
        type={"const": "window"},
        file=described(TEXT, "The name that the client gave."),
        start=described(NUMBER, "Seconds from the start of the file."),
        end=described(NUMBER, "Seconds from the start of the file."),
        **_PREDICTION,
    ),
    "Verdict": object_of(
        type={"const": "file"},
        file=described(TEXT, "The name that the client gave."),
        seconds=described(NUMBER, "Length of the audio."),
        windows=described(INTEGER, "Number of windows that the scores are the mean of."),
        **_PREDICTION,
    ),
    "Window": object_of(
        type={"const": "window"},
        level_dbfs=described(NUMBER, "Root-mean-square level, dBFS."),
        **_PREDICTION,
    ),
    "LiveWindow": _with_sensed(
        object_of(
            type={"const": "window"},
            file={"type": "null"},
            start=_STREAM_SECONDS,
            end=_STREAM_SECONDS,
            genre=described(or_null(TEXT), "Of this window alone; null in silence."),
            confidence=described(or_null(_PROBABILITY), "Null in silence."),
            scores=described(_SCORES, "Probability of each label; empty in silence."),
            time=described(TEXT, "UTC of the start of the window, ISO 8601."),
            source=described(TEXT, "The microphone, or the name of the source."),
            level_dbfs=described(NUMBER, "Root-mean-square level, dBFS."),
            state=described(TEXT, "listening, dead or clipping."),
            latency_ms=described(NUMBER, "From the last sample of the window to this record, ms."),
            label=described(TEXT, "What to show: a genre, uncertain or silence."),
            smoothed=object_of(
                genre=described(or_null(TEXT), "Of the latest windows; null in silence."),
                confidence=described(or_null(_PROBABILITY), "Null in silence."),
                scores=described(_SCORES, "Their mean for each label; empty in silence."),
            ),
        )
    ),
    "State": _with_source(
        object_of(
            type={"const": "state"},
            time=_UTC,
            state=described(TEXT, "waiting, listening, lost, dead, clipping or paused."),
            reason=TEXT,
        )
    ),
    "Gap": _with_source(
        object_of(
            type={"const": "gap"},
            time=_UTC,
            start=_STREAM_SECONDS,
            end=_STREAM_SECONDS,
        )
    ),
    "HearingModel": object_of(
        name=described(TEXT, "What the model is called."),
        labels={"type": "array", "items": TEXT},
        window_seconds=described(NUMBER, "Length of its windows."),
    ),
    "LabelTime": object_of(
        when=described(TEXT, "The hour or day in local time; empty if the rows are by genre."),
        label=TEXT,
        seconds=described(NUMBER, "How long it was heard."),
        confidence=described(or_null(_PROBABILITY), "The mean; null in silence."),
    ),
    "Stretch": object_of(
        source=described(TEXT, "The microphone, the name of the source, or a file."),
        label=described(TEXT, "What was shown: a genre, uncertain or silence."),
        start=_UTC,
        end=_UTC,
        confidence=described(or_null(_PROBABILITY), "The mean; null in silence."),
    ),
    "RecentWindow": _with_source(
        object_of(
            time=described(TEXT, "UTC of the start of the window, ISO 8601."),
            start=_STREAM_SECONDS,
            end=_STREAM_SECONDS,
            label=described(TEXT, "What was shown: a genre, uncertain or silence."),
            confidence=described(or_null(_PROBABILITY), "Null in silence."),
        )
    ),
    "Sink": object_of(
        name=described(TEXT, "history, mqtt, webhook HOST, ..."),
        written=described(INTEGER, "Records written."),
        failures=described(INTEGER, "Times that it failed."),
        dropped=described(INTEGER, "Records lost."),
        trouble=described(TEXT, "The last failure; empty if there was none."),
        trouble_time=described(NUMBER, "When, UTC, seconds since 1970."),
        stopped=described(TEXT, "Why its thread is not working; empty while it is."),
    ),
    "Sinks": _with_source(
        object_of(
            state=described(TEXT, "State of the microphone or source."),
            dropped_seconds=described(NUMBER, "Audio dropped because the program was too slow."),
            sinks={"type": "array", "items": ref("Sink")},
        )
    ),
    "Source": object_of(
        name=described(TEXT, "What the user calls it."),
        state=described(TEXT, "starting, waiting, listening, lost, dead, clipping or paused."),
        windows=described(INTEGER, "Windows heard."),
        losses=described(INTEGER, "Times it was lost."),
        dropped_seconds=described(NUMBER, "Audio dropped because the program was too slow."),
        overflows=described(INTEGER, "Times the driver lost audio."),
        gaps=described(INTEGER, "Interruptions of the audio."),
    ),
    "Taught": object_of(
        examples={
            "type": "array",
            "items": object_of(
                number=INTEGER,
                label=TEXT,
                **{"not": described({"type": "boolean"}, "Whether it is *not* this label.")},
                name=described(TEXT, "The file, or when it was heard."),
                windows=INTEGER,
                curve=described(
                    or_null(
                        object_of(
                            seconds=described(NUMBER, "From one level to the next."),
                            levels_dbfs=described(
                                {"type": "array", "items": INTEGER, "maxItems": 120},
                                "Root-mean-square levels, dBFS, -120 to 0.",
                            ),
                        )
                    ),
                    "How loud it was; null if it was taught before levels were kept.",
                ),
            ),
        }
    ),
    "Lesson": {
        "type": "object",
        "required": ["label"],
        "properties": {
            "label": TEXT,
            "seconds": described(NUMBER, "How far back it was heard; 30 by default."),
            "not": described({"type": "boolean"}, "Whether it is *not* this label."),
            "source": described(TEXT, "The source, where several are heard."),
        },
    },
    "Fit": object_of(
        name=described(TEXT, "What the model goes by: --model NAME."),
        labels={"type": "array", "items": TEXT},
        report=described({"type": "array", "items": TEXT}, "Lines of the report."),
        doubted=described(
            {"type": "array", "items": INTEGER}, "Examples that sound like another label."
        ),
    ),
    **SETUP_SCHEMAS,
    "Health": _health(
        status={"enum": ["ok", "waiting", "paused"]},
        detail=described(TEXT, "What the service waits for; empty if ok or paused."),
    ),
}
"""JSON schema of each kind of answer and of each live event."""
