"""Updates from a real broker or a real web server, to a program that remembers what it
is asked to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from genre_edge.ed25519 import make_key
from genre_edge.errors import GenreEdgeError, UpdateError
from genre_edge.settings.tables import EngineConfig
from genre_edge.settings.update_table import UpdateConfig
from genre_edge.sinks.mqtt.settings import mqtt_config, parse_mqtt
from genre_edge.update.broker_transport import BrokerTransport
from genre_edge.update.bundle_store import BundleStore
from genre_edge.update.inbox import Received
from genre_edge.update.state import STATE, read_state
from genre_edge.update.transport import Transport
from genre_edge.update.updater import Place, Updater
from genre_edge.update.web_transport import WebTransport
from genre_edge.update_board import UpdateBoard

from tests.helpers.waiting import wait_for

PRIVATE, PUBLIC = make_key()
OTHER_PRIVATE, OTHER_PUBLIC = make_key()
CONFIGURED = "gtzan-two-block.int8"


class _Quiet(SimpleHTTPRequestHandler):
    answers: Mapping[str, int] = {}

    def do_GET(self) -> None:
        if self.path in self.answers:
            self.send_error(self.answers[self.path])
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        """The test's output is for the test."""


@contextmanager
def served(folder: Path, answers: Mapping[str, int] | None = None) -> Iterator[str]:
    """A folder behind a web server, which answers some paths as it is told; gives its
    address."""
    handler = type("_Told", (_Quiet,), {"answers": answers or {}})
    with _running(partial(handler, directory=str(folder))) as url:
        yield url


@contextmanager
def _running(handler: Any) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=partial(server.serve_forever, 0.05), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


class Program:
    """What updates ask of a program that listens."""

    def __init__(self) -> None:
        self.model = CONFIGURED
        self.settings: list[Received] = []
        self.fault: Exception | None = None
        """What comes of the next model's first windows."""

    def try_model(self, model: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.model = model

    def switch_model(self, model: str) -> None:
        self.model = model

    def use_settings(self, received: Received) -> None:
        if "listen.smooth" in received.statement.settings:
            raise UpdateError("listen.smooth: must be at most 1000")
        self.settings.append(received)


def _model_of(folder: Path) -> str:
    """What a program begins with."""
    try:
        used = read_state(folder / STATE).used(CONFIGURED)
    except GenreEdgeError:
        used = None
    return CONFIGURED if used is None else str(BundleStore(folder).path(used.sha256))


class Device:
    """One device that takes updates."""

    def __init__(
        self,
        transport: Transport,
        folder: Path,
        name: str = "kitchen",
        ask: bool = False,
        starts_with: str = "",
    ) -> None:
        self.program, self.said, self.folder = Program(), list[str](), folder
        self.program.model = starts_with or _model_of(folder)
        self.board = UpdateBoard(ask)
        config = UpdateConfig("mqtt", (PUBLIC,), "ask" if ask else "auto")
        place = Place(folder, name, EngineConfig(CONFIGURED))
        self.updater = Updater(config, place, transport, self.program, self.board, self.said.append)
        self.updater.start()

    def hears(self, words: str) -> str:
        """The line that has these words, once it was said."""

        def said() -> str:
            return next((line for line in self.said if words in line), "")

        return wait_for(said, f"{words!r} in {self.said}")

    @property
    def bundles(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.tflite"))

    def close(self) -> None:
        self.updater.close()


def broker_transport(port: int) -> BrokerTransport:
    return BrokerTransport(mqtt_config(parse_mqtt(f"mqtt://127.0.0.1:{port},name=kitchen"), Path()))


def web_transport(url: str) -> WebTransport:
    return WebTransport(url, 0.1)


@contextmanager
def moving(place: str) -> Iterator[str]:
    """A web server that leads everybody to another place; gives its address."""

    class Moved(_Quiet):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", place)
            self.end_headers()

    with _running(Moved) as url:
        yield url
