"""The description of the API, OpenAPI 3.1."""

from __future__ import annotations

from ..version import __version__
from .schemas import SCHEMAS, TEXT, Json, object_of, ref


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
    problem = {"application/problem+json": {"schema": ref("Problem")}}
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


def _header(name: str, text: str) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "schema": TEXT,
        "description": text,
    }


_IF_MATCH = _header("If-Match", "The version that was seen: the ETag of GET /api/settings.")
_AUDIO: Json = {"schema": {"type": "string", "format": "binary"}}
_FILE_RESULT = object_of(
    windows={"type": "array", "items": ref("FileWindow")}, verdict=ref("Verdict")
)
_LIVE_EVENTS = """\
Events without end. Their data is JSON:

- recent: what was heard in the last hour, an array of RecentWindow; comes first
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
                _query("stream", {"enum": ["0", "1"]}, "1: JSON lines, sent as they are ready."),
                _query("name", TEXT, "What to call the file in the answer."),
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
            "responses": _responses(
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
            "responses": _responses(_json("The window.", ref("Window")), 400, 413, 415, 422),
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
                _query("source", TEXT, "The name of one source; all are added up without it."),
            ],
            "responses": _responses(
                _json("The rows.", {"type": "array", "items": ref("LabelTime")}), 404, 422, 429, 503
            ),
        }
    },
    "/api/history/stretches": {
        "get": {
            "summary": "List the stretches of one label that were heard, the latest first",
            "parameters": [
                _query(
                    "since",
                    {"type": "string", "pattern": r"^[0-9]{1,4}[mhdw]$"},
                    "How far back: 30m, 12h, 7d or 4w, for example.",
                ),
                _query(
                    "limit",
                    {"type": "integer", "minimum": 1, "maximum": 10_000},
                    "How many at most; 500 by default.",
                ),
                _query("source", TEXT, "The name of one source; all without it."),
            ],
            "responses": _responses(
                _json("The stretches.", {"type": "array", "items": ref("Stretch")}), 404, 422, 503
            ),
        }
    },
    "/api/live": {
        "get": {
            "summary": "Follow what the microphone or the sources hear now, as server-sent events",
            "parameters": [_query("source", TEXT, "The name of one source; all without it.")],
            "responses": _responses(
                {"description": _LIVE_EVENTS, "content": {"text/event-stream": {}}}, 404, 409, 429
            ),
        }
    },
    "/api/sources": {
        "get": {
            "summary": "List the sources that have names, with state and counters",
            "responses": _responses(
                _json("The sources.", {"type": "array", "items": ref("Source")})
            ),
        }
    },
    "/api/teach": {
        "get": {
            "summary": "List what was taught",
            "responses": _responses(_json("The examples.", ref("Taught")), 409, 422, 429),
        },
        "post": {
            "summary": "Teach that what was just heard has a label, or has not",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ref("Lesson")}},
            },
            "responses": _responses(_json("All examples.", ref("Taught")), 409, 415, 422, 429),
        },
        "delete": {
            "summary": "Forget one example",
            "parameters": [
                _query("number", {"type": "integer"}, "Its number in the list.", required=True)
            ],
            "responses": _responses(_json("All examples.", ref("Taught")), 404, 409, 422, 429),
        },
    },
    "/api/teach/fit": {
        "post": {
            "summary": "Learn from everything that was taught, and write the model",
            "responses": _responses(_json("What the fit is worth.", ref("Fit")), 409, 422, 429),
        }
    },
    "/api/settings": {
        "get": {
            "summary": "List all settings: what is in force, where it was set, what it may be",
            "responses": _responses(_json("The settings.", ref("Settings")), 409, 422),
        },
        "post": {
            "summary": "Change settings in the configuration file, and have them take effect",
            "parameters": [_IF_MATCH],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ref("SettingsChange")}},
            },
            "responses": _responses(
                _json("The settings as they are now.", ref("ChangedSettings")),
                *(409, 412, 415, 422, 428, 429),
            ),
        },
    },
    "/api/settings/undo": {
        "post": {
            "summary": "Take back the last change of the settings",
            "parameters": [_IF_MATCH],
            "responses": _responses(
                _json("The settings as they are now.", ref("ChangedSettings")),
                *(409, 412, 422, 428, 429),
            ),
        }
    },
    "/api/start": {
        "post": {
            "summary": "Start the program again with its configuration file; it listens then",
            "responses": _responses({"description": "It ends, and starts again."}, 409),
        }
    },
    "/healthz": {
        "get": {
            "summary": "Tell whether the model and the microphone work",
            "security": [],
            "responses": {
                "200": _json("OK.", ref("Health")),
                "503": _json("The service waits for the microphone.", ref("Health")),
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
