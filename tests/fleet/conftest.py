"""A PostgreSQL server, and databases of both kinds."""

from __future__ import annotations

import re

import pytest
from genre_edge.fleet.address import parse_address
from genre_edge.fleet.open_store import store_at
from genre_edge.fleet.roles import SQL

from tests.helpers.postgres import Postgres


@pytest.fixture(scope="session")
def server():
    postgres = Postgres()
    try:
        postgres.start("fsync=off")
        yield postgres
    finally:
        postgres.close()


@pytest.fixture
def make_url(request, tmp_path):
    """Makes an empty database of a kind; returns its address."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/fleet.db"
        return str(request.getfixturevalue("server").make())

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.devices)])
def url(request, make_url):
    """An empty database, of each kind."""
    return make_url(request.param)


@pytest.fixture
def store(url):
    """An open one with its tables."""
    found = store_at(parse_address(url))
    found.open()
    found.migrate()
    yield found
    found.close()


@pytest.fixture
def owned(server):
    """An open database of PostgreSQL, as its owner has it, with tables and roles."""
    found = store_at(parse_address(server.make()))
    found.open()
    found.migrate()
    is_first = not found.run("SELECT 1 FROM pg_roles WHERE rolname = 'genre_edge_viewer'")
    sql = SQL if is_first else re.sub("CREATE ROLE .*", "", SQL)  # roles are the server's
    with found._errors():
        found._opened().execute(sql)
    yield found
    found.close()


@pytest.fixture
def url_as(server, owned):
    """The address of that database for the role of the collector or the viewer."""
    (name,) = owned.run("SELECT current_database()")[0]
    return lambda role: server.url(name, f"genre_edge_{role}")
