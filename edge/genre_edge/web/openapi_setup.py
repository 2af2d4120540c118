"""The description of the paths of settings and setup."""

from __future__ import annotations

from .openapi_parts import header, json_answer, query, responses
from .schema_parts import TEXT, Json, ref

_IF_MATCH = header("If-Match", "The version that was seen: the ETag of GET /api/settings.")
_LEVEL_EVENTS = """\
Events whose data is JSON:

- level: dbfs, and state: dead, clipping, quiet, good, or waiting while nothing comes
- trouble: detail, why the microphone cannot be heard; the last event
"""
SETUP_PATHS: Json = {
    "/api/settings": {
        "get": {
            "summary": "List all settings: what is in force, where it was set, what it may be",
            "responses": responses(json_answer("The settings.", ref("Settings")), 409, 422),
        },
        "post": {
            "summary": "Change settings in the configuration file, and have them take effect",
            "parameters": [_IF_MATCH],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ref("SettingsChange")}},
            },
            "responses": responses(
                json_answer("The settings as they are now.", ref("ChangedSettings")),
                *(409, 412, 415, 422, 428, 429),
            ),
        },
    },
    "/api/settings/undo": {
        "post": {
            "summary": "Take back the last change of the settings",
            "parameters": [_IF_MATCH],
            "responses": responses(
                json_answer("The settings as they are now.", ref("ChangedSettings")),
                *(409, 412, 422, 428, 429),
            ),
        }
    },
    "/api/start": {
        "post": {
            "summary": "Start the program again with its configuration file; it listens then",
            "responses": responses({"description": "It ends, and starts again."}, 409),
        }
    },
    "/api/microphones": {
        "get": {
            "summary": "List the microphones, and which one is in use",
            "responses": responses(
                json_answer("The microphones.", ref("Microphones")), 409, 429, 503
            ),
        }
    },
    "/api/microphones/level": {
        "get": {
            "summary": "Follow the level of a microphone, as server-sent events",
            "parameters": [
                query("device", TEXT, "Its token; without it the one that is in use, or would be.")
            ],
            "responses": responses(
                {"description": _LEVEL_EVENTS, "content": {"text/event-stream": {}}}, 409, 422, 429
            ),
        }
    },
    "/api/models": {
        "get": {
            "summary": "List the models that are installed",
            "responses": responses(
                json_answer("The models.", {"type": "array", "items": ref("InstalledModel")})
            ),
        }
    },
    "/api/brokers": {
        "get": {
            "summary": "Look for MQTT brokers in the network",
            "responses": responses(
                json_answer("Those that answer.", ref("Brokers")), 409, 429, 503
            ),
        }
    },
    "/api/brokers/test": {
        "post": {
            "summary": "Connect to an MQTT broker, and leave again",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ref("BrokerToTry")}},
            },
            "responses": responses(
                json_answer("What came of it.", ref("TriedBroker")), 409, 415, 422, 429
            ),
        }
    },
}
"""Each path, as OpenAPI describes it."""
