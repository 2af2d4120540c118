"""A small fleet in a database, and its page served from there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from genre_edge.fleet.address import parse_address
from genre_edge.fleet.batch import Incoming, sort_out
from genre_edge.fleet.months import Believed
from genre_edge.fleet.open_store import store_at
from genre_edge.fleet.writing import write
from genre_edge.fleet_page.page import FleetPage
from genre_edge.settings.tables import WebConfig

from tests.fleet.conftest import make_url as make_url
from tests.fleet.conftest import server as server
from tests.helpers.fleet import health_payload, incoming, stretch_payload
from tests.web.conftest import browser as browser
from tests.web.conftest import page as page

HOSTILE = "<img src=x onerror=\"document.title='taken'\">"
"""A device that would like to be a part of the page."""
Put = Callable[..., None]


def messages_at(now: float) -> list[Incoming]:
    """What five devices have published: bar is well, cellar is gone without a word,
    shop has said goodbye, kitchen is in trouble, and one has a hostile name."""
    return [
        *(
            incoming("bar/stretch", stretch_payload(k, now - 300 + 60 * k, label=label), now)
            for k, label in enumerate(("jazz", "rock", "jazz"))
        ),
        incoming("bar/status", b"online", now - 300),
        incoming("bar/health", health_payload(now - 5), now - 5),
        incoming("cellar/stretch", stretch_payload(1, now - 7200), now - 7000),
        incoming("cellar/health", health_payload(now - 7000), now - 7000),
        incoming("kitchen/stretch", stretch_payload(1, now - 90, label="silence"), now),
        incoming("kitchen/health", health_payload(now - 9, state="dead"), now - 9),
        incoming("shop/health", health_payload(now - 9000, version="0.1.0"), now - 9000),
        incoming("shop/status", b"offline", now - 9000),
        incoming(f"{HOSTILE}/stretch", stretch_payload(1, now - 60, label="constructor"), now),
        incoming(f"{HOSTILE}/health", health_payload(now - 20, model="<b>m</b>"), now - 20),
    ]


@pytest.fixture
def put() -> Put:
    """Write messages into a database, whose tables are made if they are missing."""

    def write_them(url: str, messages: list[Incoming], now: float) -> None:
        store = store_at(parse_address(url))
        store.open()
        store.migrate()
        write(store, sort_out(messages, "music", Believed(), now), now)
        store.close()

    return write_them


@pytest.fixture
def fleet(make_url, put) -> str:
    """The address of a database in which those devices have been."""
    now, url = time.time(), make_url("sqlite")
    put(url, messages_at(now), now)
    return url


@pytest.fixture
def serve() -> Iterator[Callable[[str], FleetPage]]:
    """Serve the page of a database on a free port."""
    pages = []

    def begin(url: str) -> FleetPage:
        pages.append(FleetPage(WebConfig(port=0), parse_address(url), print))
        return pages[-1]

    yield begin
    for one in pages:
        one.close()
