"""Places to publish to, and devices that look there."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from genre_edge.cli import main
from genre_edge.model.bundle import find_model

from tests.helpers.updates import PRIVATE, Device, broker_transport, served, web_transport


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The private key that devices trust."""
    path = tmp_path / "key.pem"
    path.write_bytes(PRIVATE)
    return path


@pytest.fixture
def better() -> str:
    """A model that is not the one the devices have."""
    return find_model("gtzan-two-block.float32")


Publish = Callable[..., int]


@pytest.fixture
def publish(key: Path) -> Publish:
    """genre-edge publish, with the trusted key; returns its exit status."""

    def run(*words: object, to: object, key: Path = key) -> int:
        return main(["publish", *map(str, words), "--key", str(key), "--to", str(to)])

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the web server serves."""
    path = tmp_path / "www"
    path.mkdir()
    return path


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """The web server's address."""
    with served(folder) as url:
        yield url


@pytest.fixture
def device(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Device]]:
    """Makes a device that looks at a broker (given its port) or a web server; it keeps
    what it has through another start."""
    made: list[Device] = []
    numbers = itertools.count()

    def make(where: int | str, **how: object) -> Device:
        transport = broker_transport(where) if isinstance(where, int) else web_transport(where)
        home = tmp_path / f"device{next(numbers) if how.pop('new', False) else ''}"
        made.append(Device(transport, home, **how))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()
