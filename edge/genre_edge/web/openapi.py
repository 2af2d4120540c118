"""The API's description, OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from ..version import __version__

Json = dict[str, Any]

_SCORES: Json = {
    "type": "object",
    "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
    "description": "Probability of each label.",
}
_PROBABILITY: Json = {"type": "number", "minimum": 0, "maximum": 1}
_SCHEMAS: Json = {
    "Problem": {
        "type": "object",
        "required": ["title", "status", "detail"],
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What is wrong, and what to do."},
        },
    },
    "FileWindow": {
        "type": "object",
        "required": ["type", "file", "start", "end", "genre", "confidence", "scores"],
        "properties": {
            "type": {"const": "window"},
            "file": {"type": "string"},
            "start": {"type": "number", "description": "Seconds from the file's start."},
            "end": {"type": "number"},
            "genre": {"type": "string"},
            "confidence": _PROBABILITY,
            "scores": _SCORES,
        },
    },
    "Verdict": {
        "type": "object",
        "required": ["type", "file", "seconds", "windows", "genre", "confidence", "scores"],
        "properties": {
            "type": {"const": "file"},
            "file": {"type": "string"},
            "seconds": {"type": "number"},
            "windows": {"type": "integer"},
            "genre": {"type": "string"},
            "confidence": _PROBABILITY,
            "scores": _SCORES,
        },
    },
    "Window": {
        "type": "object",
        "required": ["type", "genre", "confidence", "level_dbfs", "scores"],
        "properties": {
            "type": {"const": "window"},
            "genre": {"type": "string"},
            "confidence": _PROBABILITY,
            "level_dbfs": {"type": "number"},
            "scores": _SCORES,
        },
    },
    "Played": {
        "type": "object",
        "required": ["when", "label", "seconds", "confidence"],
        "properties": {
            "when": {"type": "string", "description": "Hour or day, local time; empty by genre."},
            "label": {"type": "string"},
            "seconds": {"type": "number"},
            "confidence": {"type": ["number", "null"]},
        },
    },
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
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": text}


_AUDIO: Json = {"schema": {"type": "string", "format": "binary"}}
_BOTH: Json = {
    "type": "object",
    "required": ["windows", "verdict"],
    "properties": {"windows": {"type": "array", "items": _ref("FileWindow")}, "verdict": _ref("Verdict")},
}
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
                    "rate", {"type": "integer", "minimum": 8000, "maximum": 192000}, "Samples a second.", True
                ),
                _query("format", {"enum": ["float32", "int16"]}, "Little-endian; float32 by default."),
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
                _query("since", {"type": "string", "pattern": r"^[0-9]{1,4}[mhdw]$"}, "30m, 12h, 7d, 4w."),
                _query(
                    "by",
                    {"enum": ["genre", "hour", "day"]},
                    "One row a label; a label and hour; a label and day.",
                ),
            ],
            "responses": _answers(_json("Rows.", {"type": "array", "items": _ref("Played")}), 404, 422, 503),
        }
    },
    "/api/live": {
        "get": {
            "summary": "What is heard now: server-sent events recent, window, state, gap, sinks, spectrum",
            "responses": _answers(
                {"description": "Events, without end.", "content": {"text/event-stream": {}}}, 409, 429
            ),
        }
    },
    "/healthz": {
        "get": {
            "summary": "200 while model and source work",
            "security": [],
            "responses": {
                "200": _json("Well.", {"type": "object", "required": ["status"]}),
                "503": _json("The microphone is waited for.", {"type": "object", "required": ["status"]}),
            },
        }
    },
    "/metrics": {
        "get": {
            "summary": "Counters for Prometheus",
            "responses": _answers({"description": "Text format 0.0.4.", "content": {"text/plain": {}}}),
        }
    },
}
