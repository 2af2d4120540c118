"""JSON schemas of the API's answers and live events.

They say what the records say; tests/web/test_openapi.py compares them.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def object_of(**properties: Json) -> Json:
    """The schema of an object that has all of these properties."""
    return {"type": "object", "required": [*properties], "properties": properties}


def _with_source(schema: Json) -> Json:
    """The same, and the name of a source where it has one."""
    source = _described(TEXT, "The name of the source; absent if it has none.")
    return {**schema, "properties": {**schema["properties"], "source": source}}


def _health(**properties: Json) -> Json:
    """The schema of the health, with the state of each source where they have names."""
    schema = object_of(**properties)
    states: Json = {"type": "object", "additionalProperties": {"type": "string"}}
    sources = _described(states, "State of each source by its name; absent without names.")
    return {**schema, "properties": {**schema["properties"], "sources": sources}}


def _described(schema: Json, text: str) -> Json:
    return {**schema, "description": text}


def ref(name: str) -> Json:
    """A reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Json) -> Json:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


TEXT: Json = {"type": "string"}
"""The schema of a string."""
_NUMBER: Json = {"type": "number"}
_INTEGER: Json = {"type": "integer"}
_PROBABILITY: Json = {"type": "number", "minimum": 0, "maximum": 1}
_SCORES: Json = {
    "type": "object",
    "additionalProperties": _PROBABILITY,
    "description": "Probability of each label.",
}
_PREDICTION: Json = {"genre": TEXT, "confidence": _PROBABILITY, "scores": _SCORES}
_IN_FILE: Json = {
    "genre": _described(_or_null(TEXT), "Null in silence."),
    "confidence": _described(_or_null(_PROBABILITY), "Null in silence."),
    "scores": _described(_SCORES, "Probability of each label; empty in silence."),
}
_UTC: Json = _described(TEXT, "UTC, ISO 8601.")
_STREAM_SECONDS: Json = _described(_NUMBER, "Seconds since the microphone was first heard.")
_TEXTS: Json = {"type": "array", "items": TEXT}
_FLAG: Json = {"type": "boolean"}
_SETTING = object_of(
    key=_described(TEXT, "section.option"),
    help=TEXT,
    kind={"enum": ["text", "integer", "number", "switch", "list", "choice", "secret", "other"]},
    value={"description": "What is in force; null if it is not set; of a secret whether it is."},
    default={"description": "What is in force without it."},
    low=_or_null(_NUMBER),
    high=_or_null(_NUMBER),
    choices=_TEXTS,
    is_hidden=_described(_FLAG, "Whether value is without its secrets."),
    set_by={"enum": ["default", "file", "environment", "command line"]},
    place=_described(TEXT, "Where it was set."),
    fixed=_described(TEXT, "Why it cannot be changed here; empty if it can."),
    at_once=_described(_FLAG, "Whether a change takes effect without a new start."),
)
_SETTINGS = object_of(
    file=_described(TEXT, "The configuration file."),
    version=_described(TEXT, "Of the file; the ETag too."),
    is_first=_described(_FLAG, "Whether there is no file yet, and this page may write it."),
    can_undo=_FLAG,
    refusal=_described(TEXT, "Why nothing may be changed here; empty if it may."),
    tables={
        "type": "array",
        "items": object_of(
            name=TEXT,
            title=TEXT,
            count=_described(_INTEGER, "How many there are, of tables that may be repeated."),
            settings={"type": "array", "items": _SETTING},
        ),
    },
)
SCHEMAS: Json = {
    "Problem": object_of(
        title=TEXT,
        status=_INTEGER,
        detail=_described(TEXT, "What is wrong, and what to do."),
    ),
    "FileWindow": object_of(
        type={"const": "window"},
        file=_described(TEXT, "The name that the client gave."),
        start=_described(_NUMBER, "Seconds from the start of the file."),
        end=_described(_NUMBER, "Seconds from the start of the file."),
        **_IN_FILE,
    ),
    "Verdict": object_of(
        type={"const": "file"},
        file=_described(TEXT, "The name that the client gave."),
        seconds=_described(_NUMBER, "Length of the audio."),
        windows=_described(_INTEGER, "Number of windows that the scores are the mean of."),
        **_IN_FILE,
    ),
    "Window": object_of(
        type={"const": "window"},
        level_dbfs=_described(_NUMBER, "Root-mean-square level, dBFS."),
        **_PREDICTION,
    ),
    "LiveWindow": object_of(
        type={"const": "window"},
        file={"type": "null"},
        start=_STREAM_SECONDS,
        end=_STREAM_SECONDS,
        genre=_described(_or_null(TEXT), "Of this window alone; null in silence."),
        confidence=_described(_or_null(_PROBABILITY), "Null in silence."),
        scores=_described(_SCORES, "Probability of each label; empty in silence."),
        time=_described(TEXT, "UTC of the start of the window, ISO 8601."),
        source=_described(TEXT, "The microphone, or the name of the source."),
        level_dbfs=_described(_NUMBER, "Root-mean-square level, dBFS."),
        state=_described(TEXT, "listening, dead or clipping."),
        latency_ms=_described(_NUMBER, "From the last sample of the window to this record, ms."),
        label=_described(TEXT, "What to show: a genre, uncertain or silence."),
        smoothed=object_of(
            genre=_described(_or_null(TEXT), "Of the latest windows; null in silence."),
            confidence=_described(_or_null(_PROBABILITY), "Null in silence."),
            scores=_described(_SCORES, "Their mean for each label; empty in silence."),
        ),
    ),
    "State": _with_source(
        object_of(
            type={"const": "state"},
            time=_UTC,
            state=_described(TEXT, "waiting, listening, lost, dead or clipping."),
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
    "LabelTime": object_of(
        when=_described(TEXT, "The hour or day in local time; empty if the rows are by genre."),
        label=TEXT,
        seconds=_described(_NUMBER, "How long it was heard."),
        confidence=_described(_or_null(_PROBABILITY), "The mean; null in silence."),
    ),
    "Stretch": object_of(
        source=_described(TEXT, "The microphone, the name of the source, or a file."),
        label=_described(TEXT, "What was shown: a genre, uncertain or silence."),
        start=_UTC,
        end=_UTC,
        confidence=_described(_or_null(_PROBABILITY), "The mean; null in silence."),
    ),
    "RecentWindow": _with_source(
        object_of(
            time=_described(TEXT, "UTC of the start of the window, ISO 8601."),
            start=_STREAM_SECONDS,
            end=_STREAM_SECONDS,
            label=_described(TEXT, "What was shown: a genre, uncertain or silence."),
            confidence=_described(_or_null(_PROBABILITY), "Null in silence."),
        )
    ),
    "Sink": object_of(
        name=_described(TEXT, "history, mqtt, webhook HOST, ..."),
        written=_described(_INTEGER, "Records written."),
        failures=_described(_INTEGER, "Times that it failed."),
        dropped=_described(_INTEGER, "Records lost."),
        trouble=_described(TEXT, "The last failure; empty if there was none."),
        trouble_time=_described(_NUMBER, "When, UTC, seconds since 1970."),
        stopped=_described(TEXT, "Why its thread is not working; empty while it is."),
    ),
    "Sinks": _with_source(
        object_of(
            state=_described(TEXT, "State of the microphone or source."),
            dropped_seconds=_described(_NUMBER, "Audio dropped because the program was too slow."),
            sinks={"type": "array", "items": ref("Sink")},
        )
    ),
    "Source": object_of(
        name=_described(TEXT, "What the user calls it."),
        state=_described(TEXT, "starting, waiting, listening, lost, dead or clipping."),
        windows=_described(_INTEGER, "Windows heard."),
        losses=_described(_INTEGER, "Times it was lost."),
        dropped_seconds=_described(_NUMBER, "Audio dropped because the program was too slow."),
        overflows=_described(_INTEGER, "Times the driver lost audio."),
        gaps=_described(_INTEGER, "Interruptions of the audio."),
    ),
    "Taught": object_of(
        examples={
            "type": "array",
            "items": object_of(
                number=_INTEGER,
                label=TEXT,
                **{"not": _described({"type": "boolean"}, "Whether it is *not* this label.")},
                name=_described(TEXT, "The file, or when it was heard."),
                windows=_INTEGER,
                curve=_described(
                    _or_null(
                        object_of(
                            seconds=_described(_NUMBER, "From one level to the next."),
                            levels_dbfs=_described(
                                {"type": "array", "items": _INTEGER, "maxItems": 120},
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
            "seconds": _described(_NUMBER, "How far back it was heard; 30 by default."),
            "not": _described({"type": "boolean"}, "Whether it is *not* this label."),
            "source": _described(TEXT, "The source, where several are heard."),
        },
    },
    "Fit": object_of(
        name=_described(TEXT, "What the model goes by: --model NAME."),
        labels={"type": "array", "items": TEXT},
        report=_described({"type": "array", "items": TEXT}, "Lines of the report."),
        doubted=_described(
            {"type": "array", "items": _INTEGER}, "Examples that sound like another label."
        ),
    ),
    "Settings": _SETTINGS,
    "SettingsChange": object_of(
        changes={
            "type": "object",
            "minProperties": 1,
            "description": '{"section.option": value}; null takes an option out of the file.',
        }
    ),
    "ChangedSettings": object_of(
        settings=ref("Settings"),
        now=_described(_TEXTS, "What has taken effect."),
        later=_described(_TEXTS, "What takes effect at the next start."),
    ),
    "Health": _health(
        status={"enum": ["ok", "waiting"]},
        detail=_described(TEXT, "What the service waits for; empty if ok."),
    ),
}
"""JSON schema of each kind of answer and of each live event."""
