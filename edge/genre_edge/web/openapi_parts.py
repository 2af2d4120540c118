"""What the descriptions of all paths are made of."""

from __future__ import annotations

from ..version import __version__
from .schema_parts import TEXT, Json, ref


def whole_document(
    title: str, description: str, paths: Json, schemas: Json, needs_token: bool
) -> Json:
    """A description of an API, OpenAPI 3.1.

    Parameters
    ----------
    title, description
        What it is, for people.
    paths
        Each path.
    schemas
        By name.
    needs_token
        Whether the service asks for the access token.
    """
    made: Json = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__, "description": description},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    if needs_token:
        made["security"] = [{"token": []}]
    return made


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
