"""Errors of the API as RFC 9457 defines them: application/problem+json."""

from __future__ import annotations

import json

from flask import Response
from werkzeug.exceptions import HTTPException

TITLES = {
    400: "Bad request",
    401: "Access token needed",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Took too long",
    409: "Not listening",
    411: "Length needed",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not audio",
    422: "Cannot be processed",
    428: "Version needed",
    429: "Busy",
    431: "Headers too large",
    500: "Internal error",
    501: "Not implemented",
    503: "Not ready",
}


class Problem(Exception):
    """Ends a request with an error.

    Parameters
    ----------
    status
        HTTP status.
    detail
        What is wrong, and what to do.
    retry_after
        After how many seconds the client may try again; None to say nothing.
    """

    def __init__(self, status: int, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.retry_after = status, detail, retry_after


def body(status: int, detail: str) -> str:
    """Write the JSON document of an error."""
    return json.dumps({"title": TITLES.get(status, "Error"), "status": status, "detail": detail})


def headers(problem: Problem) -> list[tuple[str, str]]:
    """The headers that go with an error."""
    found = []
    if problem.retry_after is not None:
        found.append(("Retry-After", str(problem.retry_after)))
    if problem.status == 401:
        found.append(("WWW-Authenticate", "Bearer"))
    return found


def response(problem: Problem) -> Response:
    """Make the answer that the client gets."""
    made = Response(
        body(problem.status, problem.detail), problem.status, mimetype="application/problem+json"
    )
    made.headers.extend(headers(problem))
    return made


def from_http(error: HTTPException) -> Response:
    """Answer errors of Flask itself in the same form; the header Allow is kept."""
    made = response(Problem(error.code or 500, error.description or error.name))
    for name, value in error.get_headers():
        if name.lower() == "allow":
            made.headers[name] = value
    return made
