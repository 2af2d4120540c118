"""What the descriptions of all paths are made of."""

from __future__ import annotations

from .schema_parts import TEXT, Json, ref


def responses(success: Json, *errors: int) -> Json:
    """All answers of a path: success, and an error for each status."""
    problem = {"application/problem+json": {"schema": ref("Problem")}}
    responses: Json = {"200": success}
    for status in (401, 403, *errors):
        responses[str(status)] = {"description": "An error.", "content": problem}
    return responses


def json_answer(text: str, schema: Json) -> Json:
    """An answer in JSON, described."""
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def query(name: str, schema: Json, text: str, required: bool = False) -> Json:
    """A part of the query."""
    return {
        "name": name,
        "in": "query",
        "required": required,
        "schema": schema,
        "description": text,
    }


def header(name: str, text: str) -> Json:
    """A header that is needed."""
    return {
        "name": name,
        "in": "header",
        "required": True,
        "schema": TEXT,
        "description": text,
    }
