"""The HTTP API and the page, as a Flask application."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from flask import Flask, Response, jsonify, request

from ..arrays import Float32
from ..audio.pcm import as_floats
from ..version import __version__
from . import problems
from .history_routes import add_history
from .metrics import metrics
from .openapi import document
from .page_routes import add_page
from .problems import Problem
from .protection import protect
from .queries import number, switch
from .settings_routes import add_settings
from .setup_routes import add_setup
from .state import WebState
from .teaching_routes import add_teaching
from .upload_file import UploadRequest, descriptor_of
from .uploads import display_name

_PCM_TYPES: dict[str, npt.DTypeLike] = {"int16": "<i2", "float32": "<f4"}
"""Type of one sample of each format that /api/window takes."""
_LOWEST_RATE, _HIGHEST_RATE = 8000, 192_000
"""Sample rates that /api/window takes, Hz."""
_MAX_PCM_SECONDS = 10.0
"""Longest audio that /api/window takes, s."""


def create_app(state: WebState) -> Flask:
    """Make the application.

    Parameters
    ----------
    state
        What the answers are made from.

    Returns
    -------
    Flask
        A WSGI application: the page, the API, /healthz and /metrics.
    """
    app = Flask("genre_edge.web", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.request_class = UploadRequest
    app.config["MAX_FORM_MEMORY_SIZE"] = 100_000
    protect(app, state.guard, state.config)
    _add_classification(app, state)
    _add_reports(app, state)
    _add_live(app, state)
    add_history(app, state)
    add_teaching(app, state)
    add_settings(app, state)
    add_setup(app, state)
    add_page(app)
    return app


def _add_classification(app: Flask, state: WebState) -> None:
    @app.post("/api/classify")
    def classify() -> Response:
        streams = switch("stream")
        body, name = _upload()
        records = state.uploads.classify(body, name)
        if streams:
            return Response(_lines(records), mimetype="application/x-ndjson")
        found = list(records)
        return jsonify({"windows": found[:-1], "verdict": found[-1]})

    @app.post("/api/window")
    def window() -> Response:
        rate = number("rate", _LOWEST_RATE, _HIGHEST_RATE)
        kind = request.args.get("format", "float32")
        if kind not in _PCM_TYPES:
            raise Problem(422, f"format: must be {' or '.join(_PCM_TYPES)}")
        if request.mimetype not in ("", "application/octet-stream", "audio/pcm", "audio/l16"):
            raise Problem(415, "send raw samples: Content-Type: application/octet-stream")
        return jsonify(state.classify_window(_pcm(kind, rate), rate))


def _lines(records: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Write records as JSON lines; a late error becomes the last line."""
    try:
        for record in records:
            yield json.dumps(record, ensure_ascii=False) + "\n"
    except Problem as problem:
        error = json.loads(problems.body(problem.status, problem.detail))
        yield json.dumps({"type": "error", **error}) + "\n"


def _upload() -> tuple[Any, str]:
    """Read the body of an upload, and the name that the client gives it."""
    if request.mimetype == "multipart/form-data":
        file = request.files.get("file")
        if file is None:
            raise Problem(422, "the form needs a part with the name file")
        return file.stream, display_name(file.filename)
    kind = request.mimetype
    if (
        kind
        and kind != "application/octet-stream"
        and not kind.startswith(("audio/", "video/", "application/ogg"))
    ):
        raise Problem(415, f"{kind}: send audio, application/octet-stream or multipart/form-data")
    body = request.environ["wsgi.input"]
    return (
        request.stream if descriptor_of(body) is None else body,
        display_name(request.args.get("name")),
    )


def _pcm(kind: str, rate: int) -> Float32:
    dtype = _PCM_TYPES[kind]
    size = np.dtype(dtype).itemsize
    data = request.stream.read(round(_MAX_PCM_SECONDS * _HIGHEST_RATE) * size + 1)
    if len(data) > _MAX_PCM_SECONDS * rate * size:
        raise Problem(413, f"more than {_MAX_PCM_SECONDS:g} s; send longer audio to /api/classify")
    if len(data) % size:
        raise Problem(422, f"{len(data)} bytes are not a whole number of {kind} samples")
    samples = as_floats(np.frombuffer(data, dtype))
    if not np.isfinite(samples).all():
        raise Problem(422, "some samples are not finite numbers (NaN or infinity)")
    return samples


def _add_reports(app: Flask, state: WebState) -> None:
    @app.get("/api/model")
    def model() -> Response:
        limits = {
            "upload_mb": state.config.upload_mb,
            "upload_minutes": state.config.upload_minutes,
            "live": state.hub is not None,
            "teach": state.teaching is not None,
            "settings": state.control is not None,
            "first": state.settings.is_first,
            "started": state.started,
            "history": os.path.exists(state.history),
        }
        return jsonify({**state.info.to_dict(), "version": __version__, "service": limits})

    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        trouble = state.trouble()
        answer: dict[str, Any] = {
            "status": "waiting" if trouble else "paused" if state.is_paused else "ok",
            "detail": trouble or "",
        }
        if state.health is not None and state.health.named:
            answer |= {"sources": {one.name: one.state for one in state.health.named}}
        return jsonify(answer), 200 if trouble is None else 503

    @app.get("/api/sources")
    def sources() -> Response:
        named = [] if state.health is None else state.health.named
        return jsonify([{"name": one.name, **one.to_json()} for one in named])

    @app.get("/metrics")
    def prometheus() -> Response:
        return Response(metrics(state), content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/api/openapi.json")
    def openapi() -> Response:
        return jsonify(document(state.guard.needs_token))


def _add_live(app: Flask, state: WebState) -> None:
    @app.get("/api/live")
    def live() -> Response:
        if state.hub is None:
            raise Problem(409, "no microphone here; start the service with --live")
        return Response(state.hub.watch(request.args.get("source")), mimetype="text/event-stream")
