"""The description of the fleet's API, OpenAPI 3.1."""

from __future__ import annotations

from ..web.openapi_parts import json_answer, query, responses, whole_document
from ..web.schema_parts import INTEGER, NUMBER, TEXT, Json, described, object_of, or_null, ref
from ..web.schemas import SCHEMAS as DEVICE_SCHEMAS

_TIME = described(TEXT, "UTC, ISO 8601.")
_TILE: Json = {
    "device": described(TEXT, "Its name in the topics."),
    "presence": {"type": "string", "enum": ["online", "silent", "offline"]},
    "trouble": described(TEXT, "What does not work, in one line; empty if all does."),
    "hears": described(or_null(TEXT), "The label of what it hears now; null: nothing is known."),
    "state": described(or_null(TEXT), "Of its microphone or its sources."),
    "last_seen": or_null(_TIME),
    "model": described(or_null(TEXT), "Name of its model."),
    "version": described(or_null(TEXT), "Of genre-edge."),
}
SCHEMAS: Json = {
    "Tile": object_of(**_TILE),
    "Device": object_of(
        **_TILE,
        first_seen=or_null(_TIME),
        label=described(or_null(TEXT), "What it heard when it last told."),
        heard_until=described(or_null(TEXT), "When that was, by its clock, UTC, ISO 8601."),
        clock_ahead=described(or_null(NUMBER), "How far its clock is ahead, s."),
        windows=described(or_null(INTEGER), "Heard since it started."),
        dropped_seconds=described(or_null(NUMBER), "Audio lost since it started, s."),
        waiting=described(or_null(INTEGER), "Messages that wait on it."),
    ),
    "Devices": object_of(
        mark=described(TEXT, "Name it as after= to be told no more than what changes."),
        whole={"type": "boolean", "description": "Whether these are all devices there are."},
        devices={"type": "array", "items": ref("Tile")},
        time=described(TEXT, "Now, by the clock of this program, UTC, ISO 8601."),
        database=described(TEXT, "Its address, without secrets."),
        program=described(TEXT, "The version of genre-edge that answers."),
    ),
    "History": object_of(
        device=ref("Device"),
        labels={
            "type": "array",
            "description": "How long each label was heard, the longest first.",
            "items": object_of(label=TEXT, seconds=NUMBER),
        },
        hours={
            "type": "array",
            "description": "The same in each hour (its beginning, UTC).",
            "items": object_of(when=_TIME, label=TEXT, seconds=NUMBER),
        },
        stretches={
            "type": "array",
            "description": "Stretches of one label, the latest first.",
            "items": ref("Stretch"),
        },
        changes={
            "type": "array",
            "description": "What has changed of it, the latest first.",
            "items": object_of(
                time=_TIME,
                what={"enum": ["online", "state", "trouble", "model", "version"]},
                value=TEXT,
            ),
        },
    ),
    "Stretch": DEVICE_SCHEMAS["Stretch"],
    "Problem": DEVICE_SCHEMAS["Problem"],
}
"""By name."""
_PATHS: Json = {
    "/api/devices": {
        "get": {
            "summary": "List the devices of the fleet: who is there, what it hears, what is wrong",
            "parameters": [
                query("after", TEXT, "The mark of an earlier answer: only what has changed since.")
            ],
            "responses": responses(json_answer("The devices.", ref("Devices")), 503),
        }
    },
    "/api/device": {
        "get": {
            "summary": "Tell all about one device, and what it heard",
            "parameters": [
                query("name", TEXT, "Its name.", required=True),
                query(
                    "since",
                    {"type": "string", "pattern": r"^[0-9]{1,4}[mhdw]$"},
                    "How far back: 30m, 12h, 7d or 4w, for example; 7d by default.",
                ),
                query(
                    "limit",
                    {"type": "integer", "minimum": 1, "maximum": 10_000},
                    "How many stretches at most; 500 by default.",
                ),
            ],
            "responses": responses(json_answer("The device.", ref("History")), 404, 422, 429, 503),
        }
    },
}


def document(needs_token: bool) -> Json:
    """Write the whole document.

    Parameters
    ----------
    needs_token
        Whether this service asks for the access token.
    """
    return whole_document(
        "genre-edge fleet",
        "The devices of a fleet, and what they heard.",
        _PATHS,
        SCHEMAS,
        needs_token,
    )
