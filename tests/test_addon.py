"""The add-on for Home Assistant: what the Supervisor reads of it, and its start, with a
Supervisor that the test plays."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from genre_edge import __version__
from genre_edge.settings.load import load
from genre_edge.settings.options import option_fields
from genre_edge.settings.settings import all_sections
from genre_edge.sinks import kinds
from genre_edge.sinks.mqtt.settings import PASSWORD_VARIABLE

from tests.conftest import ROOT
from tests.helpers.broker import Broker, Subscriber, free_port
from tests.helpers.ingress import Ingress, own_address
from tests.helpers.waiting import BACKSTOP_SECONDS, wait_for

yaml = pytest.importorskip("yaml")

ADDON = ROOT / "addon"
CONFIG = yaml.safe_load((ADDON / "config.yaml").read_text())
SCHEMA = CONFIG["schema"]


def start() -> ModuleType:
    """The script that the add-on's container runs."""
    spec = importlib.util.spec_from_file_location("start", ADDON / "start.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- what the Supervisor reads. Source of these rules: supervisor/apps/validate.py and
# options.py of github.com/home-assistant/supervisor. It drops keys that it does not
# know.

REQUIRED = {"name": str, "version": str, "slug": str, "description": str, "arch": list}
OPTIONAL = {
    "audio": bool,
    "backup": str,
    "boot": str,
    "homeassistant": str,
    "ingress": bool,
    "ingress_port": int,
    "ingress_stream": bool,
    "init": bool,
    "map": list,
    "options": dict,
    "panel_icon": str,
    "panel_title": str,
    "ports": dict,
    "schema": dict,
    "services": list,
    "stage": str,
    "startup": str,
}
ELEMENT = re.compile(
    r"(bool|email|url|port|device(\(subsystem=[a-z]+\))?|(str|password)(\(\d*,\d*\))?"
    r"|int\((?P<i_low>-?\d*),(?P<i_high>-?\d*)\)"
    r"|float\((?P<f_low>-?[\d.]*),(?P<f_high>-?[\d.]*)\)"
    r"|match\((?P<match>.*)\)|list\(.+\))(?P<optional>\?)?"
)


def test_every_key_is_one_that_the_supervisor_knows() -> None:
    kinds_of = REQUIRED | OPTIONAL
    assert REQUIRED.keys() <= CONFIG.keys() <= kinds_of.keys()
    for key, value in CONFIG.items():
        assert type(value) is kinds_of[key], key
    assert CONFIG["version"] == __version__
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", CONFIG["slug"])
    assert set(CONFIG["arch"]) <= {"aarch64", "amd64"}, "the others are deprecated"
    assert CONFIG["startup"] in ("initialize", "system", "services", "application", "once")
    assert CONFIG["boot"] in ("auto", "manual", "manual_only")
    assert CONFIG["stage"] in ("stable", "experimental", "deprecated")
    assert CONFIG["backup"] in ("hot", "cold")
    for service in CONFIG["services"]:
        assert re.fullmatch(r"(mqtt|mysql):(provide|want|need)", service)
    for entry in CONFIG["map"]:
        assert entry.keys() <= {"type", "read_only", "path"}
        assert entry["type"] in ("addon_config", "share", "media", "ssl")
    assert CONFIG["audio"] and CONFIG["ingress"] and "mqtt:want" in CONFIG["services"]


def test_every_option_has_a_kind_a_limit_and_a_fitting_default() -> None:
    for key, kind in SCHEMA.items():
        found = ELEMENT.fullmatch(kind)
        assert found, f"{key}: {kind}"
        if not found["optional"]:
            assert key in CONFIG["options"], key
    for key, value in CONFIG["options"].items():
        found = ELEMENT.fullmatch(SCHEMA[key])
        assert found
        if found["match"]:
            assert re.match(found["match"], str(value))
        else:
            assert (SCHEMA[key], type(value)) == ("bool", bool)


def test_options_are_settings_with_the_same_limits() -> None:
    fields = {
        f"{section.name}_{one.name}".upper(): one
        for section in all_sections(kinds.sections())
        if not section.repeated
        for one in option_fields(section.options)
    }
    for key, name in start().VARIABLES.items():
        kind = ELEMENT.fullmatch(SCHEMA[key])
        assert kind
        if name == "MQTT_PASSWORD":
            continue
        for letter in "if":
            for low_or_high in ("low", "high"):
                given = kind[f"{letter}_{low_or_high}"]
                limit = getattr(fields[name].option, low_or_high)
                if given and limit is not None and key != "hop_seconds":
                    assert float(given) == limit, key
    assert set(SCHEMA) == {*start().VARIABLES, "mqtt", "token"}


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_option_and_port_is_explained(language: str) -> None:
    said = yaml.safe_load((ADDON / "translations" / f"{language}.yaml").read_text())
    assert said.keys() == {"configuration", "network"}
    assert said["configuration"].keys() == SCHEMA.keys()
    assert all(one.keys() == {"name", "description"} for one in said["configuration"].values())
    assert said["network"].keys() == CONFIG["ports"].keys()


def test_the_port_is_that_of_the_page_and_closed_at_first() -> None:
    assert CONFIG["ingress_port"] == start().PORT
    assert CONFIG["ports"] == {f"{start().PORT}/tcp": None}


def test_pictures_have_the_size_that_the_store_shows() -> None:
    image = pytest.importorskip("PIL.Image")
    for name, size in (("icon", (128, 128)), ("logo", (250, 100))):
        with image.open(ADDON / f"{name}.png") as picture:
            assert picture.size == size


def packages(dockerfile: Path) -> list[set[str]]:
    """Debian packages of each stage."""
    text = dockerfile.read_text().replace("\\\n", " ")
    found = re.findall(r"--no-install-recommends ([^&\n]+)", text)
    return [set(names.split()) for names in found]


def test_the_image_has_what_the_other_image_has() -> None:
    build, runs = packages(ADDON / "Dockerfile")
    other_build, other_runs = packages(ROOT / "Dockerfile")
    assert build == other_build - {"npm"}, "it is built from a wheel"
    assert runs == other_runs - {"tini"}, "the Supervisor's own init reaps processes"


def test_the_folder_holds_all_that_the_image_is_made_of(tmp_path: Path) -> None:
    """The wheel itself is built by a test of the packaging."""
    for name in ("script", "addon"):
        shutil.copytree(ROOT / name, tmp_path / "root" / name)
    for name in ("docs/home-assistant-addon.md", "requirements-image.txt", "CHANGELOG.md"):
        (tmp_path / "root" / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "root" / name)
    wheel = f"genre_edge-{__version__}-py3-none-any.whl"
    stub = f'#!/bin/sh\ntouch "$1/{wheel}"\necho "$1/{wheel}"\n'
    (tmp_path / "root/script/build").write_text(stub)
    made = tmp_path / "made"
    command = [tmp_path / "root/script/home-assistant-addon", made]
    for _ in range(2):  # it can be made again
        subprocess.run(command, check=True, capture_output=True)
    sources = [
        word
        for line in (made / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in shlex.split(line)[1:-1]
    ]
    assert "start.py" in sources and len(sources) == 3
    for source in sources:
        assert len(list(made.glob(source))) == 1, source
    for name in ("config.yaml", "DOCS.md", "CHANGELOG.md", "icon.png", "translations/de.yaml"):
        assert (made / name).is_file()
    assert "](" not in (made / "DOCS.md").read_text(), "no link that leads nowhere"
    (tmp_path / "full").mkdir()
    refused = subprocess.run([command[0], tmp_path / "full"], capture_output=True, text=True)
    assert refused.returncode == 1 and "is no add-on" in refused.stderr


# --- its start


class Supervisor:
    """Answers what an add-on asks."""

    def __init__(self, mqtt: dict[str, Any] | None, version: str = "2025.12.5") -> None:
        answers = {
            "/addons/self/info": {"slug": "local_genre_edge"},
            "/info": {"homeassistant": version},
            "/services/mqtt": mqtt,
        }
        self.refused = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_GET(handler) -> None:  # noqa: N805
                data = answers[handler.path]
                status = 200 if data else 400
                if handler.headers["Authorization"] != "Bearer s3cret":
                    status = 401
                    self.refused += 1
                handler.send_response(status)
                handler.end_headers()
                good = {"result": "ok", "data": data}
                bad = {"result": "error", "message": "Service not enabled"}
                handler.wfile.write(json.dumps(good if status == 200 else bad).encode())

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.environment = {
            "SUPERVISOR_API": f"http://127.0.0.1:{self._server.server_port}",
            "SUPERVISOR_TOKEN": "s3cret",
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def supervise(monkeypatch) -> Iterator[Any]:
    """Plays a Supervisor with a broker, or without one."""
    running: list[Supervisor] = []

    def play(mqtt: dict[str, Any] | None, **more: str) -> Supervisor:
        running.append(Supervisor(mqtt, **more))
        for name, value in running[-1].environment.items():
            monkeypatch.setenv(name, value)
        return running[-1]

    yield play
    for one in running:
        one.close()


HOUSE = {"host": "core-mosquitto", "port": 1883, "ssl": False, "username": "add@ons"}


def told(folder: Path, **options: Any) -> dict[str, str]:
    return start().variables(options, folder / "genre-edge.toml", folder / "run")


def test_the_broker_comes_from_the_supervisor(tmp_path, supervise) -> None:
    supervise({**HOUSE, "password": "pass word"})
    found = told(tmp_path, name="hall", mqtt=True, mqtt_password="of another")
    assert found["GENRE_EDGE_MQTT_URL"] == "mqtt://add%40ons@core-mosquitto:1883"
    assert found[PASSWORD_VARIABLE] == "pass word"
    assert found["GENRE_EDGE_MQTT_PAGE"] == "homeassistant://hassio/ingress/local_genre_edge"
    settings, _ = load(kinds.sections(), environment=found)
    assert settings.web.trusted_proxies == ("172.30.32.2",)
    assert settings.web.proxy_login and settings.web.token() is None


@pytest.mark.parametrize(
    ("version", "place"),
    [
        ("2024.11.0", "hassio/ingress"),
        ("2026.1.3", "hassio/ingress"),
        ("2026.2.0", "app"),
        ("2027.1.0b2", "app"),
        ("landingpage", "hassio/ingress"),
    ],
)
def test_the_link_leads_where_that_home_assistant_has_the_page(
    tmp_path, supervise, version: str, place: str
) -> None:
    supervise(None, version=version)
    url = told(tmp_path)["GENRE_EDGE_MQTT_PAGE"]
    assert url == f"homeassistant://{place}/local_genre_edge"


def test_a_broker_that_the_user_names_goes_before(tmp_path, supervise) -> None:
    supervise({**HOUSE, "password": "of the house"})
    given = told(tmp_path, mqtt_url="mqtts://me@b", mqtt_password="mine")
    assert given["GENRE_EDGE_MQTT_URL"] == "mqtts://me@b"
    assert given[PASSWORD_VARIABLE] == "mine"
    (tmp_path / "genre-edge.toml").write_text('[mqtt]\nurl = "mqtt://other"\n')
    assert "GENRE_EDGE_MQTT_URL" not in told(tmp_path)
    assert PASSWORD_VARIABLE not in told(tmp_path)
    assert told(tmp_path, mqtt=False)["GENRE_EDGE_MQTT_URL"] == ""


def test_without_a_broker_it_says_how_to_get_one(tmp_path, supervise, capsys) -> None:
    supervise(None)
    assert "GENRE_EDGE_MQTT_URL" not in told(tmp_path)
    said = capsys.readouterr().err
    assert "/services/mqtt: Service not enabled" in said
    assert "install the add-on Mosquitto broker" in said


def test_every_option_reaches_the_program(tmp_path, supervise) -> None:
    supervise(None)
    options = {
        "name": "hall",
        "mqtt": True,
        "model": "gtzan-tiny.int8",
        "hop_seconds": 1.5,
        "smooth": 5,
        "silence_dbfs": -60.0,
        "uncertain_below": 0.4,
        "gain_db": 3,
        "music_hold": 30,
        "mqtt_url": "mqtt://b",
        "mqtt_password": "secret",
        "token": "long enough",
    }
    assert options.keys() == SCHEMA.keys()
    environment = told(tmp_path, **options)
    settings, _ = load(kinds.sections(), environment=environment)
    assert (settings.model.model, settings.model.hop_seconds) == ("gtzan-tiny.int8", 1.5)
    assert (settings.listen.smooth, settings.listen.silence_dbfs) == (5, -60.0)
    assert settings.listen.uncertain_below == 0.4
    assert settings.microphone.gain_db == 3.0
    assert settings.web.token() == "long enough"
    assert (tmp_path / "run/web-token").stat().st_mode & 0o777 == 0o600


def test_it_starts_tells_home_assistant_and_serves_its_sidebar(tmp_path, supervise) -> None:
    """The whole of it, but for the container."""
    own = own_address()
    broker = Broker(tmp_path / "broker", password="of the house")
    broker.start()
    witness = Subscriber(broker.port, password="of the house")
    supervise(
        {**HOUSE, "host": "127.0.0.1", "port": broker.port, "username": "edge"}
        | {"password": "of the house"}
    )
    for name in ("data", "config"):
        (tmp_path / name).mkdir()
    (tmp_path / "data/options.json").write_text(json.dumps({"name": "hall", "mqtt": True}))
    port = free_port()
    log = tmp_path / "log"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "STATE_DIRECTORY": str(tmp_path / "data"),
        "RUNTIME_DIRECTORY": str(tmp_path),
        "GENRE_EDGE_WEB_PORT": str(port),
        "GENRE_EDGE_WEB_TRUSTED_PROXIES": own,
    }
    with log.open("w") as out:
        running = subprocess.Popen(
            [sys.executable, str(ADDON / "start.py"), str(tmp_path)], env=environment, stderr=out
        )
    house = Ingress(f"http://{own}:{port}")
    page = f"{house.url}{Ingress.PREFIX}/api/model"
    try:

        def answer() -> bool:
            assert running.poll() is None, log.read_text()
            try:
                found = requests.get(page, cookies={"ingress_session": "open"})
            except requests.ConnectionError:
                return False
            return found.ok and found.json()["name"] == "gtzan-edge.int8"

        wait_for(answer, "the page in Home Assistant")
        assert requests.get(f"http://127.0.0.1:{port}/api/model").status_code == 403
        assert b"SUPERVISOR_TOKEN" not in Path(f"/proc/{running.pid}/environ").read_bytes()
        device = "homeassistant/device/genre-edge_hall/config"
        witness.wait_for(lambda: witness.on(device))
        described = json.loads(witness.on(device)[0])["device"]
        assert described["configuration_url"].endswith("/ingress/local_genre_edge")
    finally:
        house.close()
        witness.close()
        running.send_signal(signal.SIGTERM)
        status = running.wait(BACKSTOP_SECONDS)
        broker.stop()
    assert status == 0, log.read_text()
    assert "s3cret" not in log.read_text()
    assert "[web]" in (tmp_path / "config/genre-edge.toml").read_text()
