"""The part of the API that helps to choose: a microphone, a model, a broker."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify, request

from ..errors import GenreEdgeError
from ..model.bundle import read_bundle, shipped_models
from ..settings.places import own_models
from .brokers import Brokers
from .microphones import Microphones
from .problems import Problem
from .queries import json_object
from .state import WebState

_LONGEST_TEXT = 500
"""Characters of a device's token, an address or a password."""


def add_setup(app: Flask, state: WebState) -> None:
    """Add the routes below /api/microphones, /api/models and /api/brokers."""
    microphones, brokers, desk = Microphones(), Brokers(), state.settings

    @app.get("/api/microphones")
    def listed() -> Response:
        desk.check_local()
        return jsonify(microphones.listed(desk.control))

    @app.get("/api/microphones/level")
    def level() -> Response:
        desk.check_local()
        device = request.args.get("device")
        if device is not None and (len(device) > _LONGEST_TEXT or not device.isprintable()):
            raise Problem(422, "device: must be the token of a microphone")
        events = microphones.levels(desk.control, device)
        return Response(events, mimetype="text/event-stream")

    @app.get("/api/models")
    def models() -> Response:
        own = own_models()
        found = [_model(name, path, False) for name, path in shipped_models().items()]
        found += [_model(name, path, True) for name, path in own.items() if _is_whole(name, own)]
        return jsonify([one for one in found if one is not None])

    @app.get("/api/brokers")
    def found() -> Response:
        desk.check_allowed()
        return jsonify(brokers.found())

    @app.post("/api/brokers/test")
    def tried() -> Response:
        desk.check_allowed()
        given = json_object()
        url, password = given.get("url"), given.get("password")
        if not isinstance(url, str) or not isinstance(password, str | None):
            raise Problem(422, 'send JSON: {"url": "mqtt://user@broker", "password": "..."}')
        if max(len(url), len(password or "")) > _LONGEST_TEXT:
            raise Problem(422, f"url and password: may have {_LONGEST_TEXT} characters")
        return jsonify(brokers.tried(desk.control.reader, url, password))


def _is_whole(name: str, own: dict[str, str]) -> bool:
    """Whether this is the only name of a model of one's own, or the longer of two."""
    return not any(other != name and own[other] == own[name] and other > name for other in own)


def _model(name: str, path: str, is_own: bool) -> dict[str, Any] | None:
    """What to know of a bundle; None if it cannot be read."""
    try:
        bundle = read_bundle(path)
    except GenreEdgeError:
        return None
    size = len(bundle.flatbuffer)
    return {"name": name, "labels": list(bundle.info.labels), "bytes": size, "is_own": is_own}
