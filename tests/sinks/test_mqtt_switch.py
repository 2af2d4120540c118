"""The switch "listening": a person has the program stop listening, over MQTT."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from genre_edge.errors import GenreEdgeError
from genre_edge.listening_switch import ListeningSwitch
from genre_edge.service import pipeline
from genre_edge.service.doctor import check_hours
from genre_edge.service.pausing import Pausing
from genre_edge.settings.settings import Settings
from genre_edge.sinks.mqtt.home_assistant import Described, discovery
from genre_edge.sinks.mqtt.settings import mqtt_config, parse_mqtt

from tests.helpers.broker import Broker, Subscriber
from tests.helpers.waiting import wait_for
from tests.service.test_sources import Led, Running

BASE = "music/shelf"
DEVICE = "homeassistant/device/music_shelf/config"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the program remembers, for this test alone; a source that the test leads."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(pipeline, "StreamSource", Led)
    return tmp_path


@pytest.fixture
def app(broker: Broker) -> Iterator[Subscriber]:
    """Home Assistant, say."""
    found = Subscriber(broker.port, "app")
    yield found
    found.close()


def started(broker: Broker, folder: Path, keys: str = "") -> Running:
    mqtt = f'[mqtt]\nurl = "mqtt://127.0.0.1:{broker.port}/music"\nname = "shelf"\n{keys}'
    return Running(f'{mqtt}[[source]]\nurl = "http://h/a"\nname = "bar"\n', folder)


def test_off_closes_every_source_and_on_opens_it(
    broker: Broker, app: Subscriber, home: Path
) -> None:
    program = started(broker, home)
    health = program.program.health
    try:
        app.wait_for(lambda: app.on(f"{BASE}/listening") == [b"ON"])
        wait_for(lambda: health.windows, "a window")
        app.publish(f"{BASE}/listening/set", b"OFF")
        app.wait_for(lambda: app.on(f"{BASE}/listening") == [b"ON", b"OFF"])
        wait_for(lambda: health.is_paused, "the pause")
        heard = health.windows
        app.wait_for(lambda: b"offline" in app.on(f"{BASE}/bar/status"))
        shown = json.loads(app.on("/bar/state")[-1])
        assert (shown["state"], shown["reason"]) == (
            "paused",
            'by the switch "listening", until it is on again',
        )
        app.publish(f"{BASE}/listening/set", b"perhaps")
        app.publish(f"{BASE}/listening/set", b"ON")
        app.wait_for(lambda: app.on(f"{BASE}/listening") == [b"ON", b"OFF", b"ON"])
        wait_for(lambda: health.windows > heard, "windows again")
    finally:
        program.stop()
    assert (health.losses, health.gaps) == (0, 0)


def test_off_stays_off_through_a_restart_and_is_told_whoever_comes_later(
    broker: Broker, app: Subscriber, home: Path
) -> None:
    program = started(broker, home)
    app.wait_for(lambda: app.on(f"{BASE}/listening") == [b"ON"])
    app.publish(f"{BASE}/listening/set", b"OFF")
    wait_for(lambda: program.program.health.is_paused, "the pause")
    program.stop()
    again = started(broker, home)
    try:
        wait_for(lambda: again.program.health.is_paused, "the pause, at once")
        assert again.program.health.windows == 0
        late = Subscriber(broker.port, "late")
        late.wait_for(lambda: (f"{BASE}/listening", b"OFF", True) in late.heard)
        late.close()
        (found,) = check_hours(Settings(), False)
        assert (found.status, found.text) == ("warn", 'the switch "listening" is off')
    finally:
        again.stop()


def test_a_command_that_the_broker_keeps_is_not_obeyed(
    broker: Broker, app: Subscriber, home: Path
) -> None:
    app.publish(f"{BASE}/listening/set", b"OFF", retain=True)
    program = started(broker, home)
    try:
        app.wait_for(lambda: app.on(f"{BASE}/listening") == [b"ON"])
        wait_for(lambda: program.program.health.windows >= 3, "windows")
        assert app.on(f"{BASE}/listening") == [b"ON"]
    finally:
        program.stop()
        app.publish(f"{BASE}/listening/set", b"", retain=True)


def test_without_the_switch_nobody_is_obeyed(broker: Broker, app: Subscriber, home: Path) -> None:
    program = started(broker, home, "switch = false\n")
    try:
        app.wait_for(lambda: app.on(DEVICE))
        shown = json.loads(app.on(DEVICE)[-1])["components"]["listening"]
        assert shown == {"platform": "switch"}, "what was announced before is taken back"
        app.publish(f"{BASE}/listening/set", b"OFF")
        app.wait_for(lambda: app.on("/listening/set"))
        before = program.program.health.windows
        wait_for(lambda: program.program.health.windows > before + 3, "windows")
        assert app.on(f"{BASE}/listening") == []
    finally:
        program.stop()


def test_home_assistant_is_told_of_it() -> None:
    config = mqtt_config(parse_mqtt("mqtt://h/music,name=shelf"), Path("/nonexistent"))
    told = discovery(config, Described(("jazz",), "m", has_switch=True))
    assert told[DEVICE]["components"]["listening"] == {
        "platform": "switch",
        "name": "Listening",
        "icon": "mdi:microphone",
        "state_topic": "music/shelf/listening",
        "command_topic": "music/shelf/listening/set",
        "availability": [{"topic": "music/shelf/status"}],
        "availability_mode": "all",
        "unique_id": "music_shelf_listening",
        "default_entity_id": "switch.music_shelf_listening",
    }
    files = discovery(config, Described(("jazz",), "m"))
    assert "listening" not in files[DEVICE]["components"], "a program that hears files has none"


def test_a_switch_that_cannot_be_remembered_works_and_says_so() -> None:
    switch = ListeningSwitch(Path("/proc/none/off"))
    with pytest.raises(GenreEdgeError, match=r"/proc/none/off: .*; a restart will forget that"):
        switch.turn(False)
    assert not switch.is_on


def test_the_switch_and_the_hours_must_both_allow_it(tmp_path: Path) -> None:
    switch = ListeningSwitch(tmp_path / "off")
    night = time.strptime("2026-03-02 03:00", "%Y-%m-%d %H:%M")
    found = Pausing(["07:00-22:00"], switch, lambda: night)
    by_hours = found.reason()
    switch.turn(False)
    assert found.reason().startswith("by the switch")
    switch.turn(True)
    assert found.reason() == by_hours == "by the hours of the settings, until 07:00"
