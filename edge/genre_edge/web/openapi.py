"""The API's description, OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from ..version import __version__

Json = dict[str, Any]


def _object(**properties: Json) -> Json:
    """An object that has all of these."""
    return {"type": "object", "required": [*properties], "properties": properties}


_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "number"}
_GUESS: Json = {
    "genre": _TEXT,
    "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    "scores": {
        "type": "object",
        "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
        "description": "Probability of each label.",
    },
}
_SCHEMAS: Json = {
    "Problem": _object(
        title=_TEXT,
        status={"type": "integer"},
        detail={"type": "string", "description": "What is wrong, and what to do."},
    ),
    "FileWindow": _object(
        type={"const": "window"},
        file=_TEXT,
        start={"type": "number", "description": "Seconds from the file's start."},
        end=_NUMBER,
        **_GUESS,
    ),
    "Verdict": _object(
        type={"const": "file"}, file=_TEXT, seconds=_NUMBER, windows={"type": "integer"}, **_GUESS
    ),
    "Window": _object(type={"const": "window"}, level_dbfs=_NUMBER, **_GUESS),
    "Played": _object(
        when={"type": "string", "description": "Hour or day, local time; empty by genre."},
        label=_TEXT,
        seconds=_NUMBER,
        confidence={"type": ["number", "null"]},
    ),
}


def document(wants_token: bool) -> Json:
    """The whole document."""
    made: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "genre-edge",
            "version": __version__,
            "description": "What kind of music is playing, in windows of 3 seconds.",
        },
        "paths": _PATHS,
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    if wants_token:
        made["security"] = [{"token": []}]
    return made


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _answers(ok: Json, *errors: int) -> Json:
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    answers: Json = {"200": ok}
    for status in (401, 403, *errors):
        answers[str(status)] = {"description": "A problem.", "content": problem}
    return answers


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
_BOTH = _object(windows={"type": "array", "items": _ref("FileWindow")}, verdict=_ref("Verdict"))
_PATHS: Json = {
    "/api/classify": {
        "post": {
            "summary": "The genre of each window of an audio file, and a verdict",
            "parameters": [
                _query("stream", {"enum": ["0", "1"]}, "1: JSON lines as they come."),
                _query("name", {"type": "string"}, "What to call the file in the answer."),
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": _AUDIO,
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": ["file"],
                            "properties": {"file": {"type": "string", "format": "binary"}},
                        }
                    },
                },
            },
            "responses": _answers(
                {
                    "description": "Windows and verdict.",
                    "content": {
                        "application/json": {"schema": _BOTH},
                        "application/x-ndjson": {"schema": {"type": "string"}},
                    },
                },
                *(400, 408, 413, 415, 422, 429),
            ),
        }
    },
    "/api/window": {
        "post": {
            "summary": "The genre of 3 seconds of mono PCM",
            "parameters": [
                _query(
                    "rate",
                    {"type": "integer", "minimum": 8000, "maximum": 192000},
                    "Samples a second.",
                    True,
                ),
                _query(
                    "format", {"enum": ["float32", "int16"]}, "Little-endian; float32 by default."
                ),
            ],
            "requestBody": {"required": True, "content": {"application/octet-stream": _AUDIO}},
            "responses": _answers(_json("The window.", _ref("Window")), 400, 413, 415, 422),
        }
    },
    "/api/model": {
        "get": {
            "summary": "What the model is, and what the service allows",
            "responses": _answers(
                _json("The bundle's description.", {"type": "object", "required": ["labels"]})
            ),
        }
    },
    "/api/history": {
        "get": {
            "summary": "What was heard, and for how long",
            "parameters": [
                _query(
                    "since",
                    {"type": "string", "pattern": r"^[0-9]{1,4}[mhdw]$"},
                    "30m, 12h, 7d, 4w.",
                ),
                _query(
                    "by",
                    {"enum": ["genre", "hour", "day"]},
                    "One row a label; a label and hour; a label and day.",
                ),
            ],
            "responses": _answers(
                _json("Rows.", {"type": "array", "items": _ref("Played")}), 404, 422, 503
            ),
        }
    },
    "/api/live": {
        "get": {
            "summary": "What is heard now: server-sent events recent, window, state, gap, sinks, "
            "spectrum",
            "responses": _answers(
                {"description": "Events, without end.", "content": {"text/event-stream": {}}},
                409,
                429,
            ),
        }
    },
    "/healthz": {
        "get": {
            "summary": "200 while model and source work",
            "security": [],
            "responses": {
                "200": _json("Well.", {"type": "object", "required": ["status"]}),
                "503": _json(
                    "The microphone is waited for.", {"type": "object", "required": ["status"]}
                ),
            },
        }
    },
    "/metrics": {
        "get": {
            "summary": "Counters for Prometheus",
            "responses": _answers(
                {"description": "Text format 0.0.4.", "content": {"text/plain": {}}}
            ),
        }
    },
}
