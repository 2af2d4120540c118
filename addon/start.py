"""Starts genre-edge as an add-on of Home Assistant.

The add-on's options become environment variables of the program, which override its
configuration file. The broker's address and password come from the Supervisor.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

SUPERVISOR = "172.30.32.2"
"""Address from which Home Assistant's proxy asks for the page, in every installation.
Source: https://developers.home-assistant.io/docs/add-ons/presentation/#ingress"""
PORT = 8099
"""Port of the page, as in config.yaml."""
VARIABLES = {
    "name": "MQTT_NAME",
    "model": "MODEL_MODEL",
    "hop_seconds": "MODEL_HOP_SECONDS",
    "smooth": "LISTEN_SMOOTH",
    "silence_dbfs": "LISTEN_SILENCE_DBFS",
    "uncertain_below": "LISTEN_UNCERTAIN_BELOW",
    "gain_db": "MICROPHONE_GAIN_DB",
    "music_hold": "MQTT_MUSIC_HOLD",
    "mqtt_url": "MQTT_URL",
    "mqtt_password": "MQTT_PASSWORD",
}
"""{option: the variable that it becomes, without GENRE_EDGE_}."""
_APP_PANEL = (2026, 2)
"""First version of Home Assistant that has pages of add-ons under /app.
Source: https://github.com/home-assistant/core/pull/161264"""
_WAIT_SECONDS = 10.0
"""Longest wait for the Supervisor's answer, s."""


def say(line: str) -> None:
    """Write a line to the add-on's log."""
    print(line, file=sys.stderr, flush=True)


def ask(path: str) -> dict[str, Any]:
    """What the Supervisor answers to a request; empty, and a line in the log, if it has
    no answer."""
    address = os.environ.get("SUPERVISOR_API", "http://supervisor")
    token = os.environ.get("SUPERVISOR_TOKEN", "")
    request = urllib.request.Request(
        f"{address}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_WAIT_SECONDS) as answer:
            data = json.load(answer).get("data")
    except urllib.error.HTTPError as error:
        say(f"the Supervisor has no {path}: {_message(error)}")
    except (OSError, ValueError) as error:
        say(f"the Supervisor does not answer {path}: {error}")
    else:
        return data if isinstance(data, dict) else {}
    return {}


def _message(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            return str(json.load(error)["message"])
        except (ValueError, KeyError, TypeError):
            return f"HTTP {error.code}"


def broker() -> dict[str, str]:
    """Variables for the broker that the Supervisor knows; empty if it knows none."""
    found = ask("/services/mqtt")
    if not found.get("host"):
        say("no MQTT broker: install the add-on Mosquitto broker, or name one in the options")
        return {}
    scheme = "mqtts" if found.get("ssl") else "mqtt"
    user = quote(str(found.get("username") or ""), safe="")
    address = f"{user}@{found['host']}" if user else found["host"]
    variables = {"MQTT_URL": f"{scheme}://{address}:{found.get('port') or 1883}"}
    if found.get("password"):
        variables["MQTT_PASSWORD"] = str(found["password"])
    return variables


def page() -> dict[str, str]:
    """The variable for Home Assistant's link to the page."""
    slug = ask("/addons/self/info").get("slug")
    if not slug:
        return {}
    version = re.match(r"(\d+)\.(\d+)", str(ask("/info").get("homeassistant")))
    is_new = version is not None and (int(version[1]), int(version[2])) >= _APP_PANEL
    return {"MQTT_PAGE": f"homeassistant://{'app' if is_new else 'hassio/ingress'}/{slug}"}


def names_broker(config: Path) -> bool:
    """Whether the user's own configuration file names a broker."""
    try:
        table = tomllib.loads(config.read_text(encoding="utf-8")).get("mqtt")
    except (OSError, ValueError):
        return False  # the program itself says what is wrong with it
    return isinstance(table, dict) and bool(table.get("url"))


def variables(options: Mapping[str, Any], config: Path, secrets: Path) -> dict[str, str]:
    """What the program is told by its environment.

    Parameters
    ----------
    options
        The add-on's options.
    config
        The user's own configuration file, which need not exist.
    secrets
        Folder for the access token.
    """
    given = {key: value for key, value in options.items() if value not in (None, "")}
    found = {"WEB_ENABLED": "true", "WEB_HOST": "0.0.0.0", "WEB_PORT": str(PORT)}
    found |= {"WEB_TRUSTED_PROXIES": SUPERVISOR, "WEB_PROXY_LOGIN": "true"}
    if "token" in given:
        found["WEB_TOKEN_FILE"] = str(_write_token(str(given["token"]), secrets))
    is_named = "mqtt_url" in given or names_broker(config)
    if not is_named:
        given.pop("mqtt_password", None)  # of no broker
    if not given.get("mqtt", True):
        given.pop("mqtt_url", None)
        found["MQTT_URL"] = ""
    else:
        found |= page() if is_named else page() | broker()
    found |= {name: str(given[key]) for key, name in VARIABLES.items() if key in given}
    return {f"GENRE_EDGE_{name}": value for name, value in found.items()}


def _write_token(token: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "web-token"
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(token)
    return file


def main(root: Path = Path("/")) -> None:
    """Become the program.

    Parameters
    ----------
    root
        Folder that stands for the container's "/". Environment variables that are set
        already stay as they are.
    """
    file = root / "data/options.json"
    try:
        options = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{file}: cannot be read: {error}") from None
    config = root / "config/genre-edge.toml"
    told = variables(options, config, root / "run/genre-edge")
    if not config.exists():
        subprocess.run([_PROGRAM, "config", "init", "--output", str(config)], check=False)
    command = [_PROGRAM, "service", "run"]
    command += ["--config", str(config)] if config.exists() else []
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    os.execvpe(command[0], command, told | kept)


_PROGRAM = "genre-edge"
_NOT_PASSED_ON = ("SUPERVISOR_TOKEN", "HASSIO_TOKEN")
"""The program needs no access to the Supervisor."""

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
