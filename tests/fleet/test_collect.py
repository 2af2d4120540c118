"""genre-edge collect with real brokers and databases that come and go."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.helpers.fleet import collecting, health_payload, stretch_payload, subscribed
from tests.helpers.postgres import Postgres
from tests.helpers.waiting import wait_for


class Devices:
    """Devices that publish stretches until the broker has acknowledged them."""

    def __init__(self, port: int) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="devices")
        self.client.reconnect_delay_set(0.05, 0.2)  # type: ignore[arg-type]
        self.acknowledged: set[int] = set()
        self.client.on_publish = lambda client, data, mid, *_: self.acknowledged.add(mid)
        self.client.connect_async("127.0.0.1", port, keepalive=10)
        self.client.loop_start()
        self.sent: list[tuple[str, str]] = []

    def publish(self, topic: str, payload: bytes, **more: object) -> None:
        mid = self.client.publish(f"genre-edge/{topic}", payload, qos=1, **more).mid
        wait_for(lambda: mid in self.acknowledged, "the broker's acknowledgement")

    def hear(self, numbers: range) -> None:
        """Each of five devices ends a stretch for each number."""
        mids = set()
        for number in numbers:
            for device in "abcde":
                payload = stretch_payload(number, time.time() - 40)
                topic = f"genre-edge/{device}/stretch"
                mids.add(self.client.publish(topic, payload, qos=1).mid)
                self.sent.append((device, f"abc-s{number}"))
        wait_for(lambda: mids <= self.acknowledged, "the broker's acknowledgements")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def devices(broker):
    found = Devices(broker.port)
    yield found
    found.close()


def stored(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as file:
        return sorted(file.execute("SELECT device, id FROM stretches").fetchall())


def test_every_stretch_is_there_once_whoever_dies(broker, devices, tmp_path) -> None:
    """A collector is killed, the broker and the database are restarted, and something
    is published each time before all is back."""
    postgres = Postgres()
    try:
        postgres.start("fsync=off")
        parts = [
            (f"mqtt://127.0.0.1:{broker.port}", postgres.url(), "--part", f"{part}/2")
            for part in (1, 2)
        ]
        with collecting(*parts[0]) as first, collecting(*parts[1]) as second:
            for part in (1, 2):
                wait_for(lambda p=part: subscribed(tmp_path / "broker", f"collect-{p}of2"), "it")
            devices.hear(range(20))
            first.kill()
            devices.hear(range(20, 40))
            postgres.stop()
            devices.hear(range(40, 60))
            second.wait_to_say("trying again")
            broker.stop()
            broker.start()
            devices.hear(range(60, 80))
            postgres.start("fsync=off")
            with collecting(*parts[0]) as again:
                second.wait_to_say("works again")
                devices.hear(range(80, 90))
                import psycopg

                with psycopg.connect(postgres.url(), autocommit=True) as link:
                    sql = "SELECT device, id FROM stretches"
                    wait_for(
                        lambda: len(link.execute(sql).fetchall()) >= len(devices.sent), "all rows"
                    )
                    assert sorted(link.execute(sql).fetchall()) == sorted(devices.sent)
                assert (again.end(), second.end()) == (0, 0)
        assert not any("Traceback" in line for one in (first, second, again) for line in one.said)
    finally:
        postgres.close()


def test_what_comes_while_nobody_collects_waits_at_the_broker(broker, devices, tmp_path) -> None:
    database = tmp_path / "fleet.db"
    addresses = (f"mqtt://127.0.0.1:{broker.port}", f"sqlite:///{database}")
    devices.publish("a/health", health_payload(time.time()), retain=True)
    with collecting(*addresses, "--windows") as first:
        wait_for(lambda: subscribed(tmp_path / "broker", "collect"), "its subscription")
        devices.hear(range(3))
        wait_for(lambda: len(stored(database)) == 15, "rows")
        assert first.end() == 0
        assert "15 stretches" in first.said[-1]
    devices.hear(range(3, 5))
    devices.publish("a/window", b"no longer asked for")
    with collecting(*addresses, "--once") as second:
        assert second.wait() == 0
        assert "10 stretches, 0 windows, 0 seen before" in second.said[-1]
    assert stored(database) == sorted(devices.sent)
    assert database.stat().st_mode & 0o777 == 0o600
    with collecting(*addresses, "--forget") as third:
        assert third.wait() == 0
    devices.hear(range(5, 6))
    with collecting(*addresses, "--once") as fourth:
        assert fourth.wait() == 0
        assert "0 stretches" in fourth.said[-1], "the broker held nothing for a forgotten one"
    with closing(sqlite3.connect(database)) as file:
        assert file.execute("SELECT device, version FROM devices WHERE state != ''").fetchall() == [
            ("a", "0.2.0")
        ]


def test_two_collectors_of_one_name_say_so(broker, tmp_path) -> None:
    """Mosquitto 2.0 cuts the first one off without a reason."""
    addresses = (f"mqtt://127.0.0.1:{broker.port}", f"sqlite:///{tmp_path}/fleet.db")
    with collecting(*addresses) as first, collecting(*addresses) as second:
        first.wait_to_say("is another collector connected as genre-edge-collect-collect?")
        assert {first.end(), second.end()} == {0}


def test_hostile_devices_stop_nobody(broker, devices, tmp_path) -> None:
    database = tmp_path / "fleet.db"
    with collecting(f"mqtt://127.0.0.1:{broker.port}", f"sqlite:///{database}") as collector:
        wait_for(lambda: subscribed(tmp_path / "broker", "collect"), "its subscription")
        for payload in (b"", b"\xff" * 100_000, b"[" * 100_000, b'{"id": 1e999}'):
            devices.publish("mallory/stretch", payload)
        devices.publish("mallory/" + "x" * 500 + "/stretch", stretch_payload(1, time.time()))
        devices.publish("m" * 400 + "/stretch", stretch_payload(1, time.time()))
        devices.hear(range(1))
        wait_for(lambda: database.exists() and len(stored(database)) == 6, "rows")
        assert collector.end() == 0
    assert "5 dead letters" in collector.said[-1]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["mqtt://me:hunter2@h", "sqlite:///a.db"], "a password in the address is seen"),
        (["mqtt://h", "postgresql://me:hunter2@h/a"], "a password in the address is seen"),
        (["mqtt://h", "postgresql://h/a?password=hunter2"], "a password in the address is seen"),
        (["mqtt://h", "postgresql://h/a?foo=hunter2"], 'invalid URI query parameter: "foo"'),
        (["mqtt://h", "mysql://h/a"], "must be postgresql://USER@HOST/NAME or sqlite:///FILE"),
        (["mqtt://h,spool=x", "sqlite:///a.db"], "spool=x is none of password-file="),
        (["mqtt://h"], "give the BROKER and the DATABASE"),
        (["mqtt://h", "sqlite:///a.db", "--part", "3/2"], "--part 3/2: must be"),
        (["mqtt://h", "sqlite:///a.db", "--keep-months", "0"], "--keep-months 0: must be between"),
        (["mqtt://h", "sqlite:///no/a.db"], "sqlite:///no/a.db: there is no folder no"),
        (["--check", "sqlite:///none.db"], "no such file (genre-edge collect makes it)"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(cli, tmp_path, arguments, message) -> None:
    done = cli("collect", *arguments, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "hunter2" not in done.stderr
    assert os.listdir(tmp_path) == []


def test_passwords_come_from_files_and_are_shown_nowhere(tmp_path, monkeypatch) -> None:
    from genre_edge.fleet.address import PASSWORD_VARIABLE, parse_address

    (tmp_path / "pw").write_text("hunter2\n")
    by_file = parse_address("postgresql://me@h/a", tmp_path / "pw")
    monkeypatch.setenv(PASSWORD_VARIABLE, "hunter3")
    by_variable = parse_address("postgresql://me@h/a")
    assert (by_file.password, by_variable.password) == ("hunter2", "hunter3")
    assert "hunter" not in f"{by_file!r}{by_variable!r}{by_file.shown}"


def test_tables_are_made_and_checked_by_themselves(cli, tmp_path) -> None:
    url = f"sqlite:///{tmp_path}/fleet.db"
    made = cli("collect", "--migrate-only", url)
    assert "devices, what they heard" in made.stdout
    assert "nothing to do" in cli("collect", "--migrate-only", url).stdout
    assert cli("collect", "--check", url).returncode == 0
    with closing(sqlite3.connect(tmp_path / "fleet.db")) as file:
        file.execute("PRAGMA user_version = 0")
    refused = cli("collect", "--check", url)
    assert refused.returncode == 1
    assert "run genre-edge collect --migrate-only" in refused.stderr


@pytest.mark.parametrize("kind", ["song", "history"])
def test_a_file_of_another_program_is_left_alone(cli, tmp_path, kind) -> None:
    path = tmp_path / kind
    path.write_bytes(b"ID3" + bytes(5000))
    if kind == "history":
        path.unlink()
        with closing(sqlite3.connect(path)) as file:
            file.execute("CREATE TABLE stretches (x)")
    before = path.read_bytes()
    done = cli("collect", "mqtt://h", f"sqlite:///{path}")
    assert done.returncode == 1
    assert f"{path}: is no database of genre-edge collect: give another file" in done.stderr
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [kind]
