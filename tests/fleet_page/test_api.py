"""The fleet's API: what it says of devices, and to whom."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient
from genre_edge.errors import UsageError
from genre_edge.fleet.address import parse_address
from genre_edge.fleet.device_rows import DeviceRow
from genre_edge.fleet.open_store import store_at
from genre_edge.fleet.roles import SQL
from genre_edge.fleet_page.answers import hears
from genre_edge.fleet_page.app import create_fleet_app
from genre_edge.fleet_page.database import Database
from genre_edge.fleet_page.description import document
from genre_edge.fleet_page.watched import WatchedFleet
from genre_edge.settings.tables import WebConfig
from genre_edge.web.guard import Guard

from tests.fleet_page.conftest import HOSTILE, messages_at
from tests.helpers.fleet import health_payload, incoming, stretch_payload
from tests.web.test_openapi import bare, shape_of

GOLDEN = Path(__file__).parent.parent / "golden" / "fleet_page.json"
NOW = 1_790_000_000.0
TOKEN = "correct horse"


@pytest.fixture
def past(make_url, put) -> str:
    """The devices at a time that stays."""
    url = make_url("sqlite")
    put(url, messages_at(NOW), NOW)
    return url


def client_of(
    url: str, config: WebConfig | None = None, clock: Callable[[], float] = lambda: NOW
) -> FlaskClient:
    """Asks the application as a browser would, without a server in between."""
    found = config or WebConfig()
    database = Database(parse_address(url), print)
    return create_fleet_app(found, Guard(found), database, clock).test_client()


def asked(client: FlaskClient, path: str, **query: str) -> Any:
    answer = client.get(path, query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def problem(client: FlaskClient, status: int, path: str, **query: str) -> str:
    answer = client.get(path, query_string=query)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    return str(answer.get_json()["detail"])


def test_the_answers_are_those_that_were_promised(past) -> None:
    """Other programs read them: a change of the golden file is a change for them."""
    client = client_of(past)
    devices = asked(client, "/api/devices")
    assert devices.pop("mark")
    assert devices.pop("program")
    assert devices.pop("database") == past
    found = {
        "devices": devices,
        "bar": asked(client, "/api/device", name="bar", since="9999w"),
        "kitchen": asked(client, "/api/device", name="kitchen", since="9999w", limit="1"),
    }
    assert found == json.loads(GOLDEN.read_text())


def test_the_description_says_what_the_answers_say(past) -> None:
    client = client_of(past)
    schemas = document(False)["components"]["schemas"]

    def check(value: object, name: str) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        jsonschema.validate(value, schema, jsonschema.Draft202012Validator)

    devices = asked(client, "/api/devices")
    check(devices, "Devices")
    assert shape_of(devices["devices"]).get("required") == sorted(schemas["Tile"]["required"])
    for one in ("bar", "shop", HOSTILE):
        history = asked(client, "/api/device", name=one, since="9999w")
        check(history, "History")
        assert history["device"].keys() == schemas["Device"]["properties"].keys()
    assert bare(schemas["Stretch"])["required"] == sorted(
        asked(client, "/api/device", name="bar", since="9999w")["stretches"][0]
    )
    paths = document(False)["paths"]
    assert {rule.rule for rule in client.application.url_map.iter_rules()} >= {*paths}
    assert asked(client, "/api/openapi.json") == document(False)
    assert document(True)["security"] == [{"token": []}]


@pytest.mark.parametrize(
    ("change", "heard"),
    [
        ({}, "jazz"),
        ({"online": True, "state": "bar: listening, cellar: lost"}, "jazz"),
        ({"state": "clipping"}, "jazz"),
        ({"state": None}, "jazz"),
        ({"state": "paused"}, None),
        ({"online": False}, None),
        ({"last_seen": NOW - 400}, None),
        ({"heard_until": NOW - 1000}, None),
        ({"heard_until": NOW + 3000, "clock_ahead": 3600.0}, "jazz"),
        ({"heard_until": NOW, "clock_ahead": 3600.0}, None),
        ({"label": None, "heard_until": None}, None),
    ],
)
def test_what_a_device_hears_now_was_heard_lately_by_one_that_is_there(change, heard) -> None:
    row = DeviceRow("bar", 0.0, NOW, None, "listening", label="jazz", heard_until=NOW - 60)
    assert hears(replace(row, **change), NOW) == heard


def test_who_names_an_earlier_answer_is_told_what_has_changed_since(make_url, put) -> None:
    url, now = make_url("sqlite"), NOW
    watched = WatchedFleet(Database(parse_address(url), print), lambda: now, fresh_seconds=0.0)
    put(url, messages_at(NOW), NOW)
    first, is_whole, all_of_them = watched.since("")
    assert is_whole
    assert len(all_of_them) == 5
    assert watched.since(first) == (first, False, [])
    put(url, [incoming("cellar/health", health_payload(NOW), NOW)], NOW)
    second, is_whole, changed = watched.since(first)
    assert (is_whole, [one["device"] for one in changed]) == (False, ["cellar"])
    assert watched.since(second) == (second, False, [])
    assert [one["device"] for one in watched.since(first)[2]] == ["cellar"]
    now += 400  # time alone makes devices silent
    assert {one["presence"] for one in watched.since(second)[2]} == {"silent"}
    for other in ("", "x", "x-1", first.partition("-")[0], f"{first}x", first + "9" * 99):
        assert watched.since(other)[1:] == (True, watched.since("")[2])
    third = watched.since(second)[0]
    store = store_at(parse_address(url))
    store.open()
    store.run("DELETE FROM devices WHERE device = 'bar'")
    store.close()
    _, is_whole, left = watched.since(third)
    assert (is_whole, len(left)) == (True, 4)


def test_a_database_that_is_away_is_said_and_comes_back(make_url, put, capsys) -> None:
    url = make_url("sqlite")
    path = Path(url.removeprefix("sqlite:///"))
    client = client_of(url)
    words = "no such file (genre-edge collect makes it)"
    assert words in problem(client, 503, "/api/devices")
    assert words in problem(client, 503, "/api/device", name="bar")
    path.write_text("not a database, but long enough to be looked at" * 90)
    assert "is no database of genre-edge" in problem(client, 503, "/api/device", name="bar")
    path.unlink()
    put(url, messages_at(NOW), NOW)
    assert asked(client, "/api/device", name="bar")["device"]["device"] == "bar"
    said = capsys.readouterr().out.splitlines()
    assert [line.rpartition(": ")[2] for line in said] == [
        f"{words}; trying again",
        "can be read again",
    ]


def test_tables_of_another_version_are_said(make_url) -> None:
    url = make_url("sqlite")
    store = store_at(parse_address(url))
    store.open()
    store.close()
    assert "genre-edge collect --migrate-only" in problem(client_of(url), 503, "/api/devices")


def test_a_wrong_question_is_told_what_is_wrong(past) -> None:
    client = client_of(past)
    for name in ("", "nobody", "a\0b", "../x"):
        assert "no device of this name" in problem(client, 404, "/api/device", name=name)
    assert "since: must be" in problem(client, 422, "/api/device", name="bar", since="x")
    assert "limit: must be" in problem(client, 422, "/api/device", name="bar", limit="0")
    assert "does not speak" in problem(client, 404, "/static/languages/xx.json")
    assert client.get("/fleet/..%2fapp.py").status_code == 404


def test_large_answers_are_compressed_for_who_takes_that(past, put) -> None:
    many = [incoming(f"d{k}/stretch", stretch_payload(k, NOW - 99), NOW) for k in range(50)]
    put(past, many, NOW)
    client = client_of(past)
    plain = client.get("/api/devices")
    small = client.get("/api/devices", headers={"Accept-Encoding": "br, gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert len(small.data) < len(plain.data) / 4
    assert json.loads(gzip.decompress(small.data)) == plain.get_json()
    assert "Content-Encoding" not in plain.headers


def test_nobody_reads_it_without_the_token_or_from_another_site(past, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    client = client_of(past, WebConfig(token_file=tmp_path / "token"))
    for path in ("/api/devices", "/api/device?name=bar"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/").status_code == 200
    assert client.post("/api/session", json={"token": TOKEN}).status_code == 204
    assert client.get("/api/devices").status_code == 200, "the session's cookie"
    local = client_of(past)
    assert local.get("/api/devices", headers={"Origin": "https://example.org"}).status_code == 403
    assert local.get("/api/devices", headers={"Host": "example.org"}).status_code == 403
    assert local.post("/api/devices").status_code == 405
    with pytest.raises(UsageError, match="is open to the network"):
        client_of(past, WebConfig(host="0.0.0.0"))


def test_the_page_may_load_nothing_from_elsewhere(past) -> None:
    answer = client_of(past).get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "http" not in answer.text.replace("http-equiv", "")


@pytest.mark.devices
def test_the_viewers_rights_are_enough_and_both_databases_say_the_same(
    server, make_url, put
) -> None:
    now = round(time.time() - 1, 3)
    urls = [make_url("sqlite"), make_url("postgresql")]
    for url in urls:
        put(url, messages_at(now), now)
    owner = store_at(parse_address(urls[1]))
    owner.open()
    with owner._errors():
        owner._opened().execute(SQL)
    name = owner.run("SELECT current_database()")[0][0]
    owner.close()
    urls[1] = server.url(name, "genre_edge_viewer")
    home, viewer = (client_of(url, clock=lambda: now) for url in urls)
    tiles = [asked(one, "/api/devices")["devices"] for one in (home, viewer)]
    assert {one["device"]: one for one in tiles[0]} == {one["device"]: one for one in tiles[1]}
    for device in ("bar", HOSTILE):
        found = [asked(one, "/api/device", name=device) for one in (home, viewer)]
        for history in found:
            history["changes"].sort(key=str)
            for stretch in history["stretches"]:
                assert stretch.pop("confidence") == pytest.approx(0.8)
        assert found[0] == found[1]
    assert "no device of this name" in problem(viewer, 404, "/api/device", name="a\0b")
    server.stop()
    try:
        assert problem(viewer, 503, "/api/device", name="bar")
    finally:
        server.start("fsync=off")
    assert asked(viewer, "/api/device", name="bar")["device"]["device"] == "bar"
