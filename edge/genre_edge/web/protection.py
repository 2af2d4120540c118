"""What every application of the web has around its own routes: checks before a request,
headers after it, errors as problem+json, and the login of a browser."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from ..settings.tables import WebConfig
from . import problems
from .admission import WITHOUT_TOKEN
from .guard import Guard
from .problems import Problem
from .queries import json_object


def protect(app: Flask, guard: Guard, config: WebConfig) -> None:
    """Let the guard look at each request and answer; add /api/session.

    Parameters
    ----------
    app
        The application, whose routes may follow.
    guard
        Decides who may ask.
    config
        Names the site whose pages may ask too.
    """

    @app.before_request
    def check() -> Response | None:
        if request.method == "OPTIONS" and config.allow_origin:
            return Response(status=204)
        if request.path != "/healthz":
            guard.check_sender(request)
        if request.path.startswith(("/api/", "/metrics")):
            guard.check_site(request)
            if request.path not in WITHOUT_TOKEN:
                guard.check_token(request)
        return None

    @app.after_request
    def add_headers(response: Response) -> Response:
        return guard.add_headers(request, response)

    app.register_error_handler(Problem, problems.response)
    app.register_error_handler(HTTPException, problems.from_http)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        app.logger.exception("%s", request.path)
        detail = "internal error; the log of the service has the details"
        return problems.response(Problem(500, detail))

    @app.post("/api/session")
    def session() -> Response:
        token = json_object().get("token")
        if guard.asks_for_token(request) and not (
            isinstance(token, str) and guard.is_token(token, guard.client(request))
        ):
            raise Problem(401, "wrong access token")
        answer = Response(status=204)
        guard.start_session(request, answer)
        return answer
