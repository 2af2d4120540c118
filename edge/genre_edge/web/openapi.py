"""The description of the API, OpenAPI 3.1."""

from __future__ import annotations

from .openapi_parts import json_answer, query, responses, whole_document
from .openapi_setup import SETUP_PATHS
from .schema_parts import TEXT, Json, object_of, ref
from .schemas import SCHEMAS


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
    return whole_document(
        "genre-edge",
        "Recognises the genre of music, in windows of 3 seconds.",
        _PATHS,
        SCHEMAS,
        needs_token,
    )


_SINCE = query(
    "since",
    {"type": "string", "pattern": r"^[0-9]{1,4}[mhdw]$"},
    "How far back: 30m, 12h, 7d or 4w, for example.",
)
_AUDIO: Json = {"schema": {"type": "string", "format": "binary"}}
_FILE_RESULT = object_of(
    windows={"type": "array", "items": ref("FileWindow")}, verdict=ref("Verdict")
)
_LIVE_EVENTS = """\
Events without end. Their data is JSON:

- recent: what was heard in the last hour, an array of RecentWindow; comes first
- model: HearingModel, at the beginning and when another model hears
- window: LiveWindow
- state: State, when the state of the microphone changes
- gap: Gap, audio that was lost
- sinks: Sinks, where the records are sent
- spectra: what the events spectrum told in the last 30 s, an array of such levels; comes
  once, at the beginning
- spectrum: levels of 48 mel bands, 0 to 255, about ten times a second; where several
  sources are heard, only with the query source
"""
_PATHS: Json = {
    "/api/classify": {
        "post": {
            "summary": "Recognise the genre of an audio file, window by window and as a whole",
            "parameters": [
                query("stream", {"enum": ["0", "1"]}, "1: JSON lines, sent as they are ready."),
                query("name", TEXT, "What to call the file in the answer."),
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": _AUDIO,
                    "multipart/form-data": {
                        "schema": object_of(file={"type": "string", "format": "binary"})
                    },
                },
            },
            "responses": responses(
                {
                    "description": "All windows and the verdict; or JSON lines of the same.",
                    "content": {
                        "application/json": {"schema": _FILE_RESULT},
                        "application/x-ndjson": {"schema": TEXT},
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
                query(
                    "rate",
                    {"type": "integer", "minimum": 8000, "maximum": 192000},
                    "Sample rate, Hz.",
                    required=True,
                ),
                query(
                    "format",
                    {"enum": ["float32", "int16"]},
                    "Type of the samples, little-endian; float32 by default.",
                ),
            ],
            "requestBody": {"required": True, "content": {"application/octet-stream": _AUDIO}},
            "responses": responses(json_answer("The window.", ref("Window")), 400, 413, 415, 422),
        }
    },
    "/api/model": {
        "get": {
            "summary": "Describe the model, and the limits of this service",
            "responses": responses(
                json_answer(
                    "Description of the model bundle.", {"type": "object", "required": ["labels"]}
                )
            ),
        }
    },
    "/api/history": {
        "get": {
            "summary": "List what was heard, and for how long",
            "parameters": [
                _SINCE,
                query(
                    "by",
                    {"enum": ["genre", "hour", "day"]},
                    "One row for each genre; for each hour and genre; for each day and genre.",
                ),
                query("source", TEXT, "The name of one source; all are added up without it."),
            ],
            "responses": responses(
                json_answer("The rows.", {"type": "array", "items": ref("LabelTime")}),
                404,
                422,
                429,
                503,
            ),
        }
    },
    "/api/history/stretches": {
        "get": {
            "summary": "List the stretches of one label that were heard, the latest first",
            "parameters": [
                _SINCE,
                query(
                    "limit",
                    {"type": "integer", "minimum": 1, "maximum": 10_000},
                    "How many at most; 500 by default.",
                ),
                query("source", TEXT, "The name of one source; all without it."),
            ],
            "responses": responses(
                json_answer("The stretches.", {"type": "array", "items": ref("Stretch")}),
                404,
                422,
                503,
            ),
        }
    },
    "/api/history/sources": {
        "get": {
            "summary": "List the sources that the history has something from",
            "parameters": [_SINCE],
            "responses": responses(
                json_answer("Their names.", {"type": "array", "items": TEXT}), 404, 422, 429, 503
            ),
        }
    },
    "/api/live": {
        "get": {
            "summary": "Follow what the microphone or the sources hear now, as server-sent events",
            "parameters": [query("source", TEXT, "The name of one source; all without it.")],
            "responses": responses(
                {"description": _LIVE_EVENTS, "content": {"text/event-stream": {}}}, 404, 409, 429
            ),
        }
    },
    "/api/sources": {
        "get": {
            "summary": "List the sources that have names, with state and counters",
            "responses": responses(
                json_answer("The sources.", {"type": "array", "items": ref("Source")})
            ),
        }
    },
    "/api/teach": {
        "get": {
            "summary": "List what was taught",
            "responses": responses(json_answer("The examples.", ref("Taught")), 409, 422, 429),
        },
        "post": {
            "summary": "Teach that what was just heard has a label, or has not",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ref("Lesson")}},
            },
            "responses": responses(json_answer("All examples.", ref("Taught")), 409, 415, 422, 429),
        },
        "delete": {
            "summary": "Forget one example",
            "parameters": [
                query("number", {"type": "integer"}, "Its number in the list.", required=True)
            ],
            "responses": responses(json_answer("All examples.", ref("Taught")), 404, 409, 422, 429),
        },
    },
    "/api/teach/fit": {
        "post": {
            "summary": "Learn from everything that was taught, and write the model",
            "responses": responses(
                json_answer("What the fit is worth.", ref("Fit")), 409, 422, 429
            ),
        }
    },
    **SETUP_PATHS,
    "/healthz": {
        "get": {
            "summary": "Tell whether the model and the microphone work",
            "security": [],
            "responses": {
                "200": json_answer("OK.", ref("Health")),
                "503": json_answer("The service waits for the microphone.", ref("Health")),
            },
        }
    },
    "/metrics": {
        "get": {
            "summary": "Counters for Prometheus",
            "responses": responses(
                {"description": "Text format 0.0.4.", "content": {"text/plain": {}}}
            ),
        }
    },
}
