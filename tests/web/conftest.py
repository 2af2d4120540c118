"""Fixtures of the web's tests: the service as a user starts it, and its application
without a server."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from genre_edge.health import Health
from genre_edge.settings.tables import EngineConfig, WebConfig
from genre_edge.sinks.history_rows import SCHEMA
from genre_edge.web.app import create_app
from genre_edge.web.hub import Hub
from genre_edge.web.session_key import session_key
from genre_edge.web.state import WebState

from tests.helpers.pages import BACKSTOP_MS, Errors
from tests.helpers.webserver import WebServer

CHROMIUM = shutil.which("chromium") or ""
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
"""With these the microphone beeps, and nobody is asked."""


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A page of a browser; `errors` has its complaints."""
    context = browser.new_context(viewport={"width": 900, "height": 1100}, locale="en-GB")
    context.set_default_timeout(BACKSTOP_MS)
    opened = context.new_page()
    opened.errors = Errors()
    opened.errors.watch(opened)
    yield opened
    context.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[WebServer]:
    """A service without a microphone; an upload may take long on a busy machine."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "genre-edge.toml").write_text("[web]\nupload_seconds = 3600\n")
    running = WebServer(folder, "--config", folder / "genre-edge.toml")
    yield running
    assert running.stop() == 0


def service_state(
    config: WebConfig, folder: Path, health: Health | None = None, hub: Hub | None = None
) -> WebState:
    """What the application answers from; no history is kept."""
    key = session_key(folder)
    return WebState(config, EngineConfig(), folder / "history.db", health, hub, session_key=key)


def client_of(
    config: WebConfig, folder: Path, health: Health | None = None, hub: Hub | None = None
) -> FlaskClient:
    """Asks the application as a browser would, without a server in between."""
    app = create_app(service_state(config, folder, health, hub))
    return app.test_client()


@pytest.fixture
def write_history(tmp_path: Path) -> Callable[..., Path]:
    """Write a history of stretches: source, label, and how long ago it began and ended,
    s."""

    def write(*stretches: tuple[str, str, float, float]) -> Path:
        path, now = tmp_path / "history.db", time.time()
        with closing(sqlite3.connect(path)) as file:
            file.executescript(SCHEMA)
            for source, label, began, ended in stretches:
                confidence = None if label == "silence" else 0.8
                row = (source, label, now - began, now - ended, round((began - ended) / 3))
                file.execute(
                    "INSERT INTO stretches (source, label, start, end, windows, confidence) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (*row, confidence),
                )
            file.commit()
        return path

    return write
