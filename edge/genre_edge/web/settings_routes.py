"""The part of the API that shows and changes the settings."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request

from .problems import Problem
from .queries import json_object
from .state import WebState


def add_settings(app: Flask, state: WebState) -> None:
    """Add the routes below /api/settings, and that which starts the program again."""
    desk = state.settings

    @app.get("/api/settings")
    def settings() -> Response:
        return _versioned(desk.described())

    @app.post("/api/settings")
    def change() -> Response:
        desk.check_allowed()
        changes = json_object().get("changes")
        if not isinstance(changes, dict) or not changes:
            raise Problem(422, 'send JSON: {"changes": {"listen.smooth": 5}}')
        return jsonify(desk.change(changes, _version()))

    @app.post("/api/settings/undo")
    def undo() -> Response:
        desk.check_allowed()
        return jsonify(desk.undo(_version()))

    @app.post("/api/start")
    def start() -> Response:
        desk.check_local()
        answer = Response(status=204)
        answer.call_on_close(desk.control.start_again)  # once it is sent
        return answer


def _versioned(answer: dict[str, object]) -> Response:
    made = jsonify(answer)
    made.set_etag(str(answer["version"]))
    return made


def _version() -> str:
    """The version that the request names. Problem 428 if it names none."""
    found = [*request.if_match.as_set()]
    if len(found) != 1:
        raise Problem(428, "send the version that you have seen: If-Match, with the ETag of GET")
    return found[0]
