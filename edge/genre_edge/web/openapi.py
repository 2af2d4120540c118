"""The description of the API, OpenAPI 3.1.

Its schemas say what the records say; tests/web/test_openapi.py compares them.
"""

from __future__ import annotations

from typing import Any

from ..version import __version__

Json = dict[str, Any]


def _object(**properties: Json) -> Json:
    """An object that has all of these properties."""
    return {"type": "object", "required": [*properties], "properties": properties}


def _described(schema: Json, text: str) -> Json:
    return {**schema, "description": text}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Json) -> Json:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "number"}
_INTEGER: Json = {"type": "integer"}
_PROBABILITY: Json = {"type": "number", "minimum": 0, "maximum": 1}
_SCORES: Json = {
    "type": "object",
    "additionalProperties": _PROBABILITY,
    "description": "Probability of each label.",
}
_PREDICTION: Json = {"genre": _TEXT, "confidence": _PROBABILITY, "scores": _SCORES}
_IN_FILE: Json = {
    "genre": _described(_or_null(_TEXT), "Null in silence."),
    "confidence": _described(_or_null(_PROBABILITY), "Null in silence."),
    "scores": _described(_SCORES, "Probability of each label; empty in silence."),
}
_UTC: Json = _described(_TEXT, "UTC, ISO 8601.")
_STREAM_SECONDS: Json = _described(_NUMBER, "Seconds since the microphone was first heard.")
SCHEMAS: Json = {
    "Problem": _object(
        title=_TEXT,
        status=_INTEGER,
        detail=_described(_TEXT, "What is wrong, and what to do."),
    ),
    "FileWindow": _object(
        type={"const": "window"},
        file=_described(_TEXT, "The name that the client gave."),
        start=_described(_NUMBER, "Seconds from the start of the file."),
        end=_described(_NUMBER, "Seconds from the start of the file."),
        **_IN_FILE,
    ),
    "Verdict": _object(
        type={"const": "file"},
        file=_described(_TEXT, "The name that the client gave."),
        seconds=_described(_NUMBER, "Length of the audio."),
        windows=_described(_INTEGER, "Number of windows that the scores are the mean of."),
        **_IN_FILE,
    ),
    "Window": _object(
        type={"const": "window"},
        level_dbfs=_described(_NUMBER, "Root-mean-square level, dBFS."),
        **_PREDICTION,
    ),
    "LiveWindow": _object(
        type={"const": "window"},
        file={"type": "null"},
        start=_STREAM_SECONDS,
        end=_STREAM_SECONDS,
        genre=_described(_or_null(_TEXT), "Of this window alone; null in silence."),
        confidence=_described(_or_null(_PROBABILITY), "Null in silence."),
        scores=_described(_SCORES, "Probability of each label; empty in silence."),
        time=_described(_TEXT, "UTC of the start of the window, ISO 8601."),
        source=_described(_TEXT, "The microphone."),
        level_dbfs=_described(_NUMBER, "Root-mean-square level, dBFS."),
        state=_described(_TEXT, "listening, dead or clipping."),
        latency_ms=_described(_NUMBER, "From the last sample of the window to this record, ms."),
        label=_described(_TEXT, "What to show: a genre, uncertain or silence."),
        smoothed=_object(
            genre=_described(_or_null(_TEXT), "Of the latest windows; null in silence."),
            confidence=_described(_or_null(_PROBABILITY), "Null in silence."),
        ),
    ),
    "State": _object(
        type={"const": "state"},
        time=_UTC,
        state=_described(_TEXT, "waiting, listening, lost, dead or clipping."),
        reason=_TEXT,
    ),
    "Gap": _object(
        type={"const": "gap"},
        time=_UTC,
        start=_STREAM_SECONDS,
        end=_STREAM_SECONDS,
    ),
    "LabelTime": _object(
        when=_described(_TEXT, "The hour or day in local time; empty if the rows are by genre."),
        label=_TEXT,
        seconds=_described(_NUMBER, "How long it was heard."),
        confidence=_described(_or_null(_PROBABILITY), "The mean; null in silence."),
    ),
    "RecentWindow": _object(
        time=_described(_TEXT, "UTC of the start of the window, ISO 8601."),
        start=_STREAM_SECONDS,
        end=_STREAM_SECONDS,
        label=_described(_TEXT, "What was shown: a genre, uncertain or silence."),
        confidence=_described(_or_null(_PROBABILITY), "Null in silence."),
    ),
    "Sink": _object(
        name=_described(_TEXT, "history, mqtt, webhook HOST, ..."),
        written=_described(_INTEGER, "Records written."),
        failures=_described(_INTEGER, "Times that it failed."),
        dropped=_described(_INTEGER, "Records lost."),
        trouble=_described(_TEXT, "The last failure; empty if there was none."),
        trouble_time=_described(_NUMBER, "When, UTC, seconds since 1970."),
    ),
    "Sinks": _object(
        state=_described(_TEXT, "State of the microphone."),
        dropped_seconds=_described(_NUMBER, "Audio dropped because the program was too slow."),
        sinks={"type": "array", "items": _ref("Sink")},
    ),
    "Health": _object(
        status={"enum": ["ok", "waiting"]},
        detail=_described(_TEXT, "What the service waits for; empty if ok."),
    ),
}
"""JSON schema of each kind of answer and of each live event."""


def document(needs_token: bool) -> Json:
    """Write the whole document.

    Parameters
    ----------
    needs_token
        Whether this service asks for the access token.

    Returns
    -------
    dict
        JSON-ready; what /api/openapi.json answers.
    """
    made: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "genre-edge",
            "version": __version__,
            "description": "Recognises the genre of music, in windows of 3 seconds.",
        },
        "paths": _PATHS,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    if needs_token:
        made["security"] = [{"token": []}]
    return made


def _responses(success: Json, *errors: int) -> Json:
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    responses: Json = {"200": success}
    for status in (401, 403, *errors):
        responses[str(status)] = {"description": "An error.", "content": problem}
    return responses


def _json(text: str, schema: Json) -> Json:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _query(name: str, schema: Json, text: str, required: bool = False) -> Json:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "schema": schema,
        "description": text,
    }


_AUDIO: Json = {"schema": {"type": "string", "format": "binary"}}
_FILE_RESULT = _object(
    windows={"type": "array", "items": _ref("FileWindow")}, verdict=_ref("Verdict")
)
_LIVE_EVENTS = """\
Events without end. Their data is JSON:

- recent: what was heard in the last hour, an array of RecentWindow; comes first
- window: LiveWindow
- state: State, when the state of the microphone changes
- gap: Gap, audio that was lost
- sinks: Sinks, where the records are sent
- spectrum: levels of 48 mel bands, 0 to 255, about ten times a second
"""
_PATHS: Json = {
    "/api/classify": {
        "post": {
            "summary": "Recognise the genre of an audio file, window by window and as a whole",
            "parameters": [
                _query("stream", {"enum": ["0", "1"]}, "1: JSON lines, sent as they are ready."),
                _query("name", _TEXT, "What to call the file in the answer."),
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": _AUDIO,
                    "multipart/form-data": {
                        "schema": _object(file={"type": "string", "format": "binary"})
                    },
                },
            },
            "responses": _responses(
                {
                    "description": "All windows and the verdict; or JSON lines of the same.",
                    "content": {
                        "application/json": {"schema": _FILE_RESULT},
                        "application/x-ndjson": {"schema": _TEXT},
                    },
                },
                *(400, 408, 413, 415, 422, 429),
            ),
        }
    },
    "/api/window": {
        "post": {
            "summary": "Recognise the genre of 3 seconds of mono PCM",
            "parameters": [
                _query(
                    "rate",
                    {"type": "integer", "minimum": 8000, "maximum": 192000},
                    "Sample rate, Hz.",
                    required=True,
                ),
                _query(
                    "format",
                    {"enum": ["float32", "int16"]},
                    "Type of the samples, little-endian; float32 by default.",
                ),
            ],
            "requestBody": {"required": True, "content": {"application/octet-stream": _AUDIO}},
            "responses": _responses(_json("The window.", _ref("Window")), 400, 413, 415, 422),
        }
    },
    "/api/model": {
        "get": {
            "summary": "Describe the model, and the limits of this service",
            "responses": _responses(
                _json(
                    "Description of the model bundle.", {"type": "object", "required": ["labels"]}
                )
            ),
        }
    },
    "/api/history": {
        "get": {
            "summary": "List what was heard, and for how long",
            "parameters": [
                _query(
                    "since",
                    {"type": "string", "pattern": r"^[0-9]{1,4}[mhdw]$"},
                    "How far back: 30m, 12h, 7d or 4w, for example.",
                ),
                _query(
                    "by",
                    {"enum": ["genre", "hour", "day"]},
                    "One row for each genre; for each hour and genre; for each day and genre.",
                ),
            ],
            "responses": _responses(
                _json("The rows.", {"type": "array", "items": _ref("LabelTime")}), 404, 422, 503
            ),
        }
    },
    "/api/live": {
        "get": {
            "summary": "Follow what the microphone hears now, as server-sent events",
            "responses": _responses(
                {"description": _LIVE_EVENTS, "content": {"text/event-stream": {}}}, 409, 429
            ),
        }
    },
    "/healthz": {
        "get": {
            "summary": "Tell whether the model and the microphone work",
            "security": [],
            "responses": {
                "200": _json("OK.", _ref("Health")),
                "503": _json("The service waits for the microphone.", _ref("Health")),
            },
        }
    },
    "/metrics": {
        "get": {
            "summary": "Counters for Prometheus",
            "responses": _responses(
                {"description": "Text format 0.0.4.", "content": {"text/plain": {}}}
            ),
        }
    },
}
