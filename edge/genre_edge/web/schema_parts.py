"""What JSON schemas are made of."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def object_of(**properties: Json) -> Json:
    """The schema of an object that has all of these properties."""
    return {"type": "object", "required": [*properties], "properties": properties}


def described(schema: Json, text: str) -> Json:
    """The same, with a description."""
    return {**schema, "description": text}


def ref(name: str) -> Json:
    """A reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: Json) -> Json:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


TEXT: Json = {"type": "string"}
"""The schema of a string."""
NUMBER: Json = {"type": "number"}
INTEGER: Json = {"type": "integer"}
