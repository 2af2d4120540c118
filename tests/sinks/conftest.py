"""A broker, and sinks that publish to it."""

from __future__ import annotations

import pytest

from tests.helpers.broker import Broker
from tests.helpers.publisher import Publisher


@pytest.fixture
def broker(tmp_path):
    server = Broker(tmp_path / "broker")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def publish(broker, tmp_path):
    made: list[Publisher] = []

    def make(keys: str = "", *sources: str) -> Publisher:
        url = f"mqtt://127.0.0.1:{broker.port}/music,name=shelf{keys}"
        made.append(Publisher(url, tmp_path, *sources))
        return made[-1]

    yield make
    for publisher in made:
        publisher.sink.close()
