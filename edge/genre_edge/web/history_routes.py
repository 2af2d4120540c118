"""What was heard: the requests of the API for the history."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from flask import Flask, Response, jsonify, request

from ..errors import GenreEdgeError, UsageError
from ..sinks.history_report import BY, heard_sources, latest_stretches, summarise
from .problems import Problem
from .queries import number, since
from .state import WebState

_READ_SECONDS = 30.0
"""Longest time for reading the history, s."""
_MOST_STRETCHES, _STRETCHES = 10_000, "500"
"""Stretches that one answer may have, and that it has if the client does not say."""


def add_history(app: Flask, state: WebState) -> None:
    """Add /api/history and what is below it."""

    @app.get("/api/history")
    def history() -> Response:
        by = request.args.get("by", "genre")
        if by not in BY:
            raise Problem(422, f"by: must be {', '.join(BY)}")
        begin, source = since(), request.args.get("source")
        with _readable(state) as path:
            rows = summarise(path, begin, by, source, _READ_SECONDS)
            return jsonify([asdict(row) for row in rows])

    @app.get("/api/history/stretches")
    def stretches() -> Response:
        limit = number("limit", 1, _MOST_STRETCHES, default=_STRETCHES)
        begin, source = since(), request.args.get("source")
        with _readable(state) as path:
            found = latest_stretches(path, begin, limit, source, _READ_SECONDS)
            return jsonify([asdict(one) for one in found])

    @app.get("/api/history/sources")
    def history_sources() -> Response:
        begin = since()
        with _readable(state) as path:
            return jsonify(heard_sources(path, begin, _READ_SECONDS))


@contextmanager
def _readable(state: WebState) -> Iterator[Path]:
    """The history's file; what is wrong with it becomes a problem."""
    if not os.path.exists(state.history):
        raise Problem(404, "this service keeps no history; start it with --history")
    try:
        with state.history_turns:
            yield state.history
    except UsageError as error:
        raise Problem(404, str(error)) from None
    except GenreEdgeError as error:
        raise Problem(503, str(error)) from None
