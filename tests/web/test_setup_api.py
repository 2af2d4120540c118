"""The API helps to choose a microphone by its level, a model and a broker. Microphone,
Mosquitto and mDNS are real."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from genre_edge.live.meter import Level, LevelMeter
from genre_edge.settings.reader import SettingsReader
from genre_edge.settings.tables import WebConfig
from genre_edge.sinks import kinds
from genre_edge.web.app import create_app
from genre_edge.web.control import Control

from tests.helpers.broker import Broker, free_port
from tests.web.conftest import service_state
from tests.web.test_hub import events_in
from tests.web.test_openapi import assert_valid


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return client_of(tmp_path)


def client_of(folder: Path, used: tuple[str, Level] | None = None, **web: object) -> FlaskClient:
    control = Control(SettingsReader(kinds.sections()), lambda: None, None, lambda: used)
    state = service_state(WebConfig(**web), folder)
    return create_app(replace(state, control=control)).test_client()


def levels(client: FlaskClient, query: str = "") -> Iterator[tuple[str, dict]]:
    answer = client.get(f"/api/microphones/level{query}", buffered=False)
    try:
        for event in answer.response:
            text = event.decode() if isinstance(event, bytes) else event
            yield from events_in(text)
    finally:
        answer.close()


def test_the_microphones_are_listed_and_one_is_watched(mic, client, monkeypatch) -> None:
    for name, value in mic.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(mic.home / "config"))
    found = client.get("/api/microphones").json
    assert_valid(found, "Microphones")
    assert "name:fakemic" in [one["token"] for one in found["devices"]]
    assert (found["used"], found["trouble"]) == (None, "")
    tone = 0.3 * np.sin(np.arange(48_000 * 60) * 0.05)
    mic.play_samples(tone.astype(np.float32), 48_000)
    seen = levels(client, "?device=name:fakemic")
    loud = next(data for name, data in seen if name == "level" and data["state"] == "good")
    assert -20 < loud["dbfs"] < -5
    seen.close()


def test_a_microphone_that_is_not_there_says_why(client, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ((name, data),) = levels(client, "?device=name:nobody")
    assert name == "trouble"
    assert "no" in data["detail"]


def test_what_the_program_hears_is_not_opened_again(tmp_path: Path) -> None:
    seen = levels(client_of(tmp_path, ("usb:1:2", Level(-70.0, "quiet"))))
    assert next(seen) == ("level", {"dbfs": -70.0, "state": "quiet"})
    seen.close()


@pytest.mark.parametrize(
    ("amplitude", "state"), [(0.0, "dead"), (0.0005, "quiet"), (0.1, "good"), (1.0, "clipping")]
)
def test_a_level_is_judged_in_a_word(amplitude: float, state: str) -> None:
    meter = LevelMeter(1000)
    assert meter.level() is None
    for _ in range(50):
        meter.add(amplitude * np.where(np.arange(100) % 2, 1, -1).astype(np.float32))
    found = meter.level()
    assert found is not None
    assert found.state == state
    assert found.dbfs == pytest.approx(20 * np.log10(max(amplitude, 1e-6)), abs=0.1)


def test_the_models_that_are_installed_are_listed(client) -> None:
    found = client.get("/api/models").json
    for one in found:
        assert_valid(one, "InstalledModel")
    assert "gtzan-edge.int8" in [one["name"] for one in found]


# --- brokers


def tried(client: FlaskClient, url: str, password: str | None = None) -> dict:
    answer = client.post("/api/brokers/test", json={"url": url, "password": password})
    assert answer.status_code == 200, answer.json
    assert_valid(answer.json, "TriedBroker")
    return answer.json


def test_a_broker_is_tried_and_what_is_wrong_is_said(client, tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker", password="hunter two")
    url = f"mqtt://edge@127.0.0.1:{broker.port}"
    assert tried(client, url, "x") == {
        "problem": f"127.0.0.1:{broker.port}: Connection refused",
        "kind": "closed",
    }
    broker.start()
    try:
        assert tried(client, url, "hunter two") == {"problem": "", "kind": "ok"}
        assert tried(client, url, "wrong")["kind"] == "denied"
    finally:
        broker.stop()
    assert tried(client, "mqtt://nobody.invalid")["kind"] == "unknown"
    answer = client.post("/api/brokers/test", json={"url": "http://x"})
    assert (answer.status_code, "must be mqtt://" in answer.json["detail"]) == (422, True)


def test_brokers_that_announce_themselves_are_found() -> None:
    zeroconf = pytest.importorskip("zeroconf")
    from genre_edge.sinks.mqtt.discovery import brokers

    kind, port = "_mqtt._tcp.local.", free_port()
    network = zeroconf.Zeroconf(interfaces=zeroconf.InterfaceChoice.Default)
    info = zeroconf.ServiceInfo(
        kind, f"kitchen broker.{kind}", port, addresses=[socket.inet_aton("127.0.0.1")]
    )
    try:
        network.register_service(info)
        assert {"name": "kitchen broker", "url": f"mqtt://127.0.0.1:{port}"} in brokers(2.0)
    finally:
        network.close()


def test_only_who_may_change_settings_tries_brokers(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "genre-edge").mkdir()
    (tmp_path / "genre-edge" / "config.toml").write_text("")
    client = client_of(tmp_path)
    assert client.get("/api/brokers").status_code == 403
    assert client.post("/api/brokers/test", json={"url": "mqtt://x"}).status_code == 403
    network = client_of(tmp_path, host="0.0.0.0", insecure=True)
    for path in ("microphones", "microphones/level"):
        assert network.get(f"/api/{path}").status_code == 403


def test_without_its_library_brokers_are_not_looked_for_and_it_says_so(client, monkeypatch) -> None:
    import subprocess

    done = subprocess.CompletedProcess([], 3, "", "looking for brokers needs zeroconf: pip ...\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    found = client.get("/api/brokers").json
    assert_valid(found, "Brokers")
    assert found == {"brokers": [], "trouble": "looking for brokers needs zeroconf: pip ..."}


def test_the_lines_of_a_search_become_the_answer(client, monkeypatch) -> None:
    import subprocess

    line = {"name": "kitchen", "url": "mqtt://10.0.0.2:1883"}
    done = subprocess.CompletedProcess([], 0, json.dumps(line) + "\n", "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert client.get("/api/brokers").json == {"brokers": [line], "trouble": ""}
