"""The fleet's API and its page, as a Flask application."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response, jsonify, request, send_from_directory

from ..errors import GenreEdgeError
from ..fleet.device_rows import DeviceRow, read_devices
from ..fleet.reading import changes_of, hour_seconds, label_seconds, stretches_of
from ..fleet.store import Refused, Store
from ..records import iso8601
from ..settings.tables import WebConfig
from ..version import __version__
from ..web.guard import Guard
from ..web.page_routes import LANGUAGES, add_files, page_text
from ..web.problems import Problem
from ..web.protection import protect
from ..web.queries import number, since
from ..web.turns import Turns
from . import answers
from .database import Database
from .description import document
from .watched import WatchedFleet

STATIC = Path(__file__).parent / "static"
"""The files of the page that the device's page has not."""
_MOST_STRETCHES, _STRETCHES = 10_000, "500"
"""Stretches that one answer may have, and that it has if the client does not say."""
_CHANGES = 200
"""Changes that an answer has, the latest."""
_MOST_LABELS, _MOST_HOURS = 100, 20_000
"""Labels, and rows of an hour and a label, that an answer has at most."""
_SMALL_BYTES = 2000
"""Answers that are smaller are not compressed."""


def create_fleet_app(
    config: WebConfig,
    guard: Guard,
    database: Database,
    clock: Callable[[], float] = time.time,
) -> Flask:
    """Make the application.

    Parameters
    ----------
    config : WebConfig
        Names the site whose pages may ask too.
    guard : Guard
        Decides who may ask.
    database : Database
        Where the answers come from.
    clock : callable
        UTC, s since 1970.

    Returns
    -------
    Flask
        A WSGI application: the page and the API.
    """
    app = Flask("genre_edge.fleet_page", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    protect(app, guard, config)
    _add_devices(app, database, clock)
    _add_page(app)

    @app.get("/api/openapi.json")
    def openapi() -> Response:
        return jsonify(document(guard.needs_token))

    @app.after_request
    def compress(response: Response) -> Response:
        return _compressed(response)

    return app


def _add_devices(app: Flask, database: Database, clock: Callable[[], float]) -> None:
    fleet = WatchedFleet(database, clock)
    turns = Turns("many devices are being looked at", 4, 12)

    @app.get("/api/devices")
    def devices() -> Response:
        with _readable():
            mark, is_whole, found = fleet.since(request.args.get("after", ""))
        return jsonify(
            {
                "mark": mark,
                "whole": is_whole,
                "devices": found,
                "time": iso8601(clock()),
                "database": database.shown,
                "program": __version__,
            }
        )

    @app.get("/api/device")
    def device() -> Response:
        name, begin = request.args.get("name", ""), since()
        limit = number("limit", 1, _MOST_STRETCHES, default=_STRETCHES)
        with turns, _readable(), database.opened() as store:
            row = _device(store, name)
            return jsonify(
                {"device": answers.facts(row, clock()), **_history(store, name, begin, limit)}
            )


def _device(store: Store, name: str) -> DeviceRow:
    """What is known of a device. Problem 404."""
    try:
        row = read_devices(store, [name]).get(name)
    except Refused:  # no database takes such a name
        row = None
    if row is None:
        raise Problem(404, f"{name}: no device of this name was heard of")
    return row


def _history(store: Store, name: str, begin: float, limit: int) -> answers.Json:
    """What a device heard from a time on, and what has changed of it."""
    heard = [*label_seconds(store, name, begin).items()][:_MOST_LABELS]
    return {
        "labels": [{"label": label, "seconds": seconds} for label, seconds in heard],
        "hours": [
            {"when": iso8601(hour), "label": label, "seconds": seconds}
            for hour, label, seconds in hour_seconds(store, name, begin, _MOST_HOURS)
        ],
        "stretches": [
            answers.stretch(one) for one in reversed(stretches_of(store, name, begin, limit))
        ],
        "changes": [
            answers.change(one) for one in reversed(changes_of(store, name, begin, _CHANGES))
        ],
    }


@contextmanager
def _readable() -> Iterator[None]:
    """What is wrong with the database becomes a problem."""
    try:
        yield
    except GenreEdgeError as error:
        raise Problem(503, str(error), retry_after=5) from None


def _add_page(app: Flask) -> None:
    @app.get("/")
    def page() -> Response:
        return Response(page_text(STATIC / "index.html"), mimetype="text/html")

    @app.get("/static/languages/<code>.json")
    def language(code: str) -> Response:
        # What both pages say, and what this one says besides.
        name, texts = f"{code}.json", dict[str, str]()
        for path in (LANGUAGES / name, STATIC / "languages" / name):
            if path.name == name and path.is_file():
                texts |= json.loads(path.read_bytes())
        if not texts:
            raise Problem(404, f"{code}: the page does not speak this language")
        return jsonify(texts)

    @app.get("/fleet/<path:name>")
    def fleet_file(name: str) -> Response:
        # Asked for again each time: modules of two versions must never meet.
        return send_from_directory(STATIC, name, max_age=0)

    add_files(app)


def _compressed(response: Response) -> Response:
    """A large answer of the API, compressed for who takes that."""
    is_large = response.mimetype == "application/json" and (
        (response.content_length or 0) > _SMALL_BYTES
    )
    if is_large and request.accept_encodings.best_match(["gzip"]):
        response.set_data(gzip.compress(response.get_data(), 4))
        response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
    return response
