"""The part of the API that teaches labels."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request

from .problems import Problem
from .queries import json_object
from .state import WebState
from .teaching import LONGEST_SECONDS, Teaching


def add_teaching(app: Flask, state: WebState) -> None:
    """Add the routes below /api/teach."""

    def teaching() -> Teaching:
        if state.teaching is None:
            raise Problem(
                409, "nothing can be taught here: it needs --live and a model that can be taught"
            )
        return state.teaching

    @app.get("/api/teach")
    def taught() -> Response:
        return jsonify(teaching().described())

    @app.post("/api/teach")
    def teach() -> Response:
        known = teaching()
        given = json_object()
        if not isinstance(given.get("label"), str):
            raise Problem(422, 'send JSON: {"label": "choir", "seconds": 30}')
        seconds, source = given.get("seconds", 30), given.get("source", "")
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not is_number or not 3 <= seconds <= LONGEST_SECONDS:
            raise Problem(422, f"seconds: must be from 3 to {LONGEST_SECONDS}")
        if not isinstance(source, str) or not isinstance(given.get("not", False), bool):
            raise Problem(422, "source: must be a name; not: must be true or false")
        return jsonify(known.add(given["label"], given.get("not", False), seconds, source))

    @app.delete("/api/teach")
    def forget() -> Response:
        number = request.args.get("number", "")
        known = teaching()
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise Problem(422, "number: must be the number of an example")
        return jsonify(known.remove(int(number)))

    @app.post("/api/teach/fit")
    def fit() -> Response:
        return jsonify(teaching().fit())
