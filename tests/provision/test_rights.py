"""The rights that genre-edge provision gives, in a real Mosquitto: all that a device,
the collector and Home Assistant need, and nothing of another device."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import genre_edge.cli
import paho.mqtt.client as paho
import pytest
from genre_edge.fleet.alert import Alert
from genre_edge.fleet.alert_memory import AlertMemory
from genre_edge.fleet.alert_mqtt import MqttTeller, parse_alert_broker
from genre_edge.service import pipeline
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.publish import single

from tests.helpers.broker import Broker
from tests.helpers.fleet import Collecting
from tests.helpers.updates import PRIVATE
from tests.helpers.waiting import wait_for
from tests.service.test_sources import Led, Running

SOURCES = '[[source]]\nurl = "http://h/a"\nname = "bar"\n'
DEVICE = "homeassistant/device/music_kitchen/config"
BAR = "homeassistant/device/music_kitchen_bar/config"


class User:
    """A client with the password of one user, that hears all it may."""

    def __init__(self, fleet: Path, port: int, name: str) -> None:
        folder = "devices" if (fleet / "devices" / name).is_dir() else "services"
        password = (fleet / folder / name / "mqtt-password").read_text().strip()
        self.heard: list[tuple[str, bytes]] = []
        self.refused = ""
        subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"test-{name}")
        self._port, self._login = port, {"username": name, "password": password}
        self._client.username_pw_set(name, password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = lambda _c, _d, m: self.heard.append((m.topic, m.payload))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        wait_for(lambda: subscribed.is_set() or self.refused, f"{name} at the broker")

    def _on_connect(self, client, data, flags, reason, properties) -> None:
        if reason.is_failure:
            self.refused = str(reason)
        else:
            client.subscribe("#", qos=1)

    @property
    def topics(self) -> set[str]:
        return {topic for topic, _ in self.heard}

    def on(self, topic: str) -> list[bytes]:
        return [payload for one, payload in self.heard if one == topic]

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload)

    def try_to_publish(self, topic: str) -> None:
        """On a connection of its own: the broker cuts off whom it denies something."""
        single(topic, b"denied", hostname="127.0.0.1", port=self._port, auth=self._login)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Fleet:
    """A fleet's folder, its broker, and its users."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.path = folder, folder / "fleet"
        self.broker = Broker(folder / "broker", fleet=self.path / "mosquitto")
        self._users: list[User] = []

    def provision(self, *arguments: object) -> None:
        command = ["provision", "--to", str(self.path), *map(str, arguments)]
        assert genre_edge.cli.main(command) == 0

    def user(self, name: str) -> User:
        self._users.append(User(self.path, self.broker.port, name))
        return self._users[-1]

    def address(self, service: str) -> str:
        """The broker's address for a program that serves the fleet."""
        secret = self.path / "services" / service / "mqtt-password"
        return f"mqtt://{service}@127.0.0.1:{self.broker.port}/music,password-file={secret}"

    def denied(self) -> list[str]:
        return [line for line in self.broker.log().splitlines() if "denied" in line.lower()]

    def close(self) -> None:
        for user in self._users:
            user.close()
        self.broker.stop()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    found = Fleet(tmp_path)
    yield found
    found.close()


@pytest.fixture
def run(fleet: Fleet, tmp_path: Path, monkeypatch) -> Callable[[], Running]:
    """The service of the kitchen, with its configuration and its password, as systemd
    gives it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(fleet.path / "devices/kitchen"))
    monkeypatch.setattr(pipeline, "StreamSource", Led)
    return lambda: Running((fleet.path / "devices/kitchen/genre-edge.toml").read_text(), tmp_path)


def ready(fleet: Fleet, template: Path, *names: str) -> None:
    template.write_text(f'[mqtt]\nurl = "mqtt://127.0.0.1:{fleet.broker.port}/music"\n{SOURCES}')
    fleet.provision("--template", template, *names)


@pytest.mark.devices
def test_nothing_that_a_device_a_collector_and_home_assistant_need_is_denied(
    fleet: Fleet, run: Callable[[], Running], tmp_path: Path
) -> None:
    template = tmp_path / "common.toml"
    ready(fleet, template, "kitchen", "cellar")
    fleet.broker.start()
    home = fleet.user("homeassistant")
    home.publish("homeassistant/status", b"online")
    database = tmp_path / "fleet.db"
    collector = Collecting(fleet.address("collector"), f"sqlite:///{database}")
    program = run()
    try:
        wait_for(lambda: home.on(DEVICE) and home.on(BAR), "the announcement")
        home.publish("homeassistant/status", b"online")
        wait_for(lambda: len(home.on(DEVICE)) > 1, "the announcement to another start")
        home.publish("music/kitchen/listening/set", b"OFF")
        wait_for(lambda: home.on("music/kitchen/listening") == [b"ON", b"OFF"], "the switch")
        for end in ("status", "health", "bar/window", "bar/genre", "bar/music", "bar/state"):
            wait_for(lambda end=end: home.on(f"music/kitchen/{end}"), end)
    finally:
        program.stop()
    template.write_text(template.read_text().replace('"bar"', '"radio"'))
    fleet.provision("--template", template, "kitchen", "--replace")
    fleet.broker.reload()
    program = run()
    try:
        wait_for(lambda: home.on(BAR)[-1:] == [b""], "what was announced of a former source")
        wait_for(lambda: home.on("music/kitchen/bar/status")[-1:] == [b""], "what it left")
        wait_for(lambda: json.loads(home.on(DEVICE)[-1]), "the device")
    finally:
        program.stop()

    def stored() -> int:
        with closing(sqlite3.connect(database)) as file:
            return int(file.execute("SELECT count(*) FROM stretches").fetchone()[0])

    wait_for(stored, "a stretch in the database")
    assert collector.end() == 0
    assert fleet.denied() == []


@pytest.mark.devices
def test_updates_are_published_and_alerts_are_told_with_the_rights_there_are(
    fleet: Fleet, tmp_path: Path
) -> None:
    ready(fleet, tmp_path / "common.toml", "kitchen")
    fleet.broker.start()
    kitchen, home = fleet.user("kitchen"), fleet.user("homeassistant")
    key, said = tmp_path / "key.pem", list[str]()
    key.write_bytes(PRIVATE)
    published = ["publish", "settings", "listen.smooth=5", "--key", str(key)]
    assert genre_edge.cli.main([*published, "--to", fleet.address("publisher")]) == 0
    wait_for(lambda: "music-updates/settings/all" in kitchen.topics, "the statement")
    teller = MqttTeller(parse_alert_broker(fleet.address("alerts")), said.append)
    memory = AlertMemory(tmp_path / "alerts.json", [teller.name], said.append)
    memory.keep([Alert("kitchen", "silent", "silent for 10 min", 1_790_000_000.0)])
    teller.start(memory)
    try:
        for topic in (
            "music/fleet/alerts/kitchen/silent",
            "music/fleet/alerts/status",
            "homeassistant/device/music_fleet_alerts/config",
        ):
            wait_for(lambda topic=topic: topic in home.topics, topic)
    finally:
        teller.stop()
        memory.close()
    assert (fleet.denied(), said) == ([], [])


@pytest.mark.devices
def test_each_user_may_do_its_own_and_no_more(fleet: Fleet, tmp_path: Path) -> None:
    ready(fleet, tmp_path / "common.toml", "kitchen", "cellar")
    fleet.broker.start()
    users = {
        name: fleet.user(name)
        for name in ("kitchen", "cellar", "collector", "alerts", "publisher", "homeassistant")
    }
    allowed = {
        "kitchen": ["music/kitchen/window", "music/kitchen/bar/state", DEVICE, BAR],
        "alerts": ["music/fleet/alerts/cellar/silent"],
        "publisher": ["music-updates/model/all"],
        "homeassistant": ["music/cellar/listening/set", "homeassistant/status"],
    }
    denied = {
        "kitchen": [
            "music/cellar/window",
            "music/cellar/listening/set",
            "music/kitchen_2/window",
            "music/fleet/alerts/state",
            "music-updates/model/all",
            "homeassistant/status",
            "homeassistant/device/music_cellar/config",
            "homeassistant/sensor/music_cellar/genre/config",
            "music",
        ],
        "collector": ["music/kitchen/stretch", "homeassistant/status", "anything"],
        "alerts": ["music/kitchen/health", DEVICE, "music-updates/model/all"],
        "publisher": ["music/kitchen/window", "homeassistant/status"],
        "homeassistant": ["music/kitchen/window", "music/x/set", "music-updates/model/all"],
    }
    for name, topics in denied.items():
        for topic in topics:
            users[name].try_to_publish(topic)
    count = sum(map(len, denied.values()))
    wait_for(lambda: len(fleet.denied()) >= count, "the broker's no")
    for name, topics in allowed.items():
        for topic in topics:
            users[name].publish(topic, b"allowed")
    own = {"music/kitchen/window", "music/kitchen/bar/state", DEVICE, BAR}
    shared = {"music-updates/model/all", "homeassistant/status"}
    heard = {
        "kitchen": own | shared,
        "cellar": {"music/cellar/listening/set"} | shared,
        "collector": {"music/kitchen/window"},
        "alerts": {"music/fleet/alerts/cellar/silent", "homeassistant/status"},
        "publisher": {"music-updates/model/all"},
        "homeassistant": {topic for topics in allowed.values() for topic in topics}
        - {"music-updates/model/all"},
    }
    wait_for(lambda: {name: user.topics for name, user in users.items()} == heard, "all of it")
    said = {payload for user in users.values() for _, payload in user.heard}
    assert said == {b"allowed"}
    assert len(fleet.denied()) == count


@pytest.mark.devices
def test_a_revoked_device_is_let_in_no_more(fleet: Fleet, tmp_path: Path) -> None:
    ready(fleet, tmp_path / "common.toml", "kitchen", "cellar")
    fleet.broker.start()
    secret = fleet.path / "devices/cellar/mqtt-password"
    password = secret.read_text()
    assert fleet.user("cellar").refused == ""
    fleet.provision("--revoke", "cellar")
    fleet.broker.reload()
    secret.parent.mkdir()
    secret.write_text(password)
    assert fleet.user("cellar").refused == "Not authorized"
    assert fleet.user("kitchen").refused == ""


def test_hashes_are_as_mosquitto_makes_them(tmp_path: Path) -> None:
    """So a broker of any age that knows its own passwords knows these."""
    from genre_edge.provision.passwords import fits

    path = tmp_path / "passwords"
    path.write_text("kitchen:a password\n")
    path.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", str(path)], check=True)
    assert fits("a password", path.read_text().strip().partition(":")[2])


@pytest.mark.devices
def test_the_publisher_alone_publishes_updates(fleet: Fleet, tmp_path: Path, capsys) -> None:
    ready(fleet, tmp_path / "common.toml", "kitchen")
    fleet.broker.start()
    key = tmp_path / "key.pem"
    key.write_bytes(PRIVATE)

    def publish(user: str, folder: str) -> int:
        password = fleet.path / folder / user / "mqtt-password"
        broker = f"mqtt://{user}@127.0.0.1:{fleet.broker.port}/music,password-file={password}"
        words = ["publish", "settings", "--revoke", "--key", str(key), "--to", broker]
        return genre_edge.cli.main(words)

    assert publish("publisher", "services") == 0
    capsys.readouterr()
    assert publish("kitchen", "devices") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "music-updates/settings/all was refused (Not authorized)" in line
