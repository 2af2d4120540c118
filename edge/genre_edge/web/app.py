"""The HTTP API and the page's files, as a Flask application."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from flask import Flask, Response, abort, jsonify, request, send_file, send_from_directory
from werkzeug.exceptions import HTTPException

from ..arrays import Float32
from ..audio.pcm import as_floats
from ..demo import clip_path
from ..errors import GenreEdgeError, UsageError
from ..sinks.history_report import BY, parse_age, summarise
from ..version import __version__
from . import problems
from .admission import WITHOUT_TOKEN
from .guard import CONTENT_SECURITY_POLICY
from .metrics import metrics
from .openapi import document
from .problems import Problem
from .state import WebState
from .teaching_routes import add_teaching
from .upload_file import UploadRequest, descriptor_of
from .uploads import display_name

STATIC = Path(__file__).parent / "static"
"""The files of the page."""
VENDOR = Path(__file__).parent / "vendor"
"""Libraries of the page; script/web downloads them, a fresh checkout has none."""
_PCM_TYPES: dict[str, npt.DTypeLike] = {"int16": "<i2", "float32": "<f4"}
"""Type of one sample of each format that /api/window takes."""
_LOWEST_RATE, _HIGHEST_RATE = 8000, 192_000
"""Sample rates that /api/window takes, Hz."""
_HISTORY_SECONDS = 30.0
"""Longest time for reading the history, s."""
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
    _protect(app, state)
    _add_classification(app, state)
    _add_reports(app, state)
    _add_live(app, state)
    add_teaching(app, state)
    _add_page(app, state)
    return app


def _protect(app: Flask, state: WebState) -> None:
    @app.before_request
    def check() -> Response | None:
        if request.method == "OPTIONS" and state.config.allow_origin:
            return Response(status=204)
        if request.path.startswith(("/api/", "/metrics")):
            state.guard.check_site(request)
            if request.path not in WITHOUT_TOKEN:
                state.guard.check_token(request)
        return None

    @app.after_request
    def add_headers(response: Response) -> Response:
        return state.guard.add_headers(request, response)

    app.register_error_handler(Problem, problems.response)
    app.register_error_handler(HTTPException, problems.from_http)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        app.logger.exception("%s", request.path)
        detail = "internal error; the log of the service has the details"
        return problems.response(Problem(500, detail))


def _add_classification(app: Flask, state: WebState) -> None:
    @app.post("/api/classify")
    def classify() -> Response:
        streams = _switch("stream")
        body, name = _upload()
        records = state.uploads.classify(body, name)
        if streams:
            return Response(_lines(records), mimetype="application/x-ndjson")
        found = list(records)
        return jsonify({"windows": found[:-1], "verdict": found[-1]})

    @app.post("/api/window")
    def window() -> Response:
        rate = _number("rate", _LOWEST_RATE, _HIGHEST_RATE)
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
            "history": os.path.exists(state.history),
        }
        return jsonify({**state.info.to_dict(), "version": __version__, "service": limits})

    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        trouble = state.trouble()
        answer: dict[str, Any] = {
            "status": "ok" if trouble is None else "waiting",
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

    @app.get("/api/history")
    def history() -> Response:
        by = request.args.get("by", "genre")
        if by not in BY:
            raise Problem(422, f"by: must be {', '.join(BY)}")
        try:
            age = parse_age(request.args.get("since", "7d"))
        except (UsageError, OverflowError):
            raise Problem(
                422, "since: must be a number and m, h, d or w, such as 12h or 7d"
            ) from None
        if not os.path.exists(state.history):
            raise Problem(404, "this service keeps no history; start it with --history")
        try:
            since, source = max(0.0, time.time() - age), request.args.get("source")
            with state.history_turns:
                rows = summarise(state.history, since, by, source, _HISTORY_SECONDS)
        except UsageError as error:
            raise Problem(404, str(error)) from None
        except GenreEdgeError as error:
            raise Problem(503, str(error)) from None
        return jsonify([asdict(row) for row in rows])

    @app.get("/api/openapi.json")
    def openapi() -> Response:
        return jsonify(document(state.guard.needs_token))


def _add_live(app: Flask, state: WebState) -> None:
    @app.get("/api/live")
    def live() -> Response:
        if state.hub is None:
            raise Problem(409, "no microphone here; start the service with --live")
        return Response(state.hub.watch(request.args.get("source")), mimetype="text/event-stream")

    @app.post("/api/session")
    def session() -> Response:
        given = request.get_json(silent=True)
        token = given.get("token") if isinstance(given, dict) else None
        if state.guard.needs_token and not (
            isinstance(token, str) and state.guard.is_token(token, request.remote_addr)
        ):
            raise Problem(401, "wrong access token")
        answer = Response(status=204)
        state.guard.start_session(answer)
        return answer


def _add_page(app: Flask, state: WebState) -> None:
    @app.get("/")
    def page() -> Response:
        # The waveform library adds a style sheet of its own. The nonce allows that one
        # and no other.
        nonce = secrets.token_urlsafe(16)
        text = (STATIC / "index.html").read_text(encoding="utf-8").replace("@NONCE@", nonce)
        answer = Response(text, mimetype="text/html")
        policy = CONTENT_SECURITY_POLICY.replace(
            "style-src 'self'", f"style-src 'self' 'nonce-{nonce}'"
        )
        answer.headers["Content-Security-Policy"] = policy
        return answer

    @app.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        return send_from_directory(STATIC, name, max_age=3600)

    @app.get("/vendor/<path:name>")
    def vendor_file(name: str) -> Response:
        if not VENDOR.is_dir():
            abort(404, "the libraries of the page are missing; run script/web to download them")
        return send_from_directory(VENDOR, name, max_age=3600)

    @app.get("/api/demo.flac")
    def demo() -> Response:
        return send_file(clip_path(), mimetype="audio/flac", max_age=3600)


def _switch(name: str) -> bool:
    value = request.args.get(name, "0")
    if value not in ("0", "1"):
        raise Problem(422, f"{name}: must be 0 or 1")
    return value == "1"


def _number(name: str, low: int, high: int) -> int:
    text = request.args.get(name, "")
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not (is_number and low <= int(text) <= high):
        raise Problem(422, f"{name}: must be a whole number from {low} to {high}")
    return int(text)
