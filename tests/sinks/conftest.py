"""Sinks that publish to a broker."""

from __future__ import annotations

import pytest

from tests.helpers.publisher import Publisher


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
