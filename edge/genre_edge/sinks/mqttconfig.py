"""What --mqtt says."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import UsageError

PASSWORD_VARIABLE = "GENRE_EDGE_MQTT_PASSWORD"
_KEYS = ("name", "password-file", "ca", "cert", "key", "discovery", "spool", "spool-mb")


@dataclass(frozen=True)
class MqttConfig:
    """A broker and how to reach it."""

    host: str
    """Its name or address."""
    port: int
    """1883, or 8883 with TLS."""
    tls: bool
    """mqtts://"""
    name: str
    """This device's name, a part of the topics."""
    prefix: str = "genre-edge"
    """First part of the topics."""
    user: str | None = None
    """User name."""
    password: str | None = None
    """From a file or the environment; never printed."""
    ca: str | None = None
    """CA certificates, PEM; None: the system's."""
    cert: str | None = None
    """Client certificate, PEM."""
    key: str | None = None
    """Its key, PEM."""
    discovery: bool = True
    """Announce the device to Home Assistant."""
    spool: Path = Path("mqtt.spool")
    """Where messages wait while the broker is away."""
    spool_bytes: int = 16_000_000
    """Most payload that waits there, bytes."""

    def __repr__(self) -> str:
        return f"MqttConfig({self.host}:{self.port}, {self.base})"  # no password in any log

    @property
    def base(self) -> str:
        """What all topics begin with."""
        return f"{self.prefix}/{self.name}"


def parse_mqtt(text: str, state_folder: Path) -> MqttConfig:
    """ "mqtt://user@host:1883/prefix,key=value,..." as --mqtt takes it. UsageError."""
    url, *pairs = text.split(",")
    values = _values(pairs)
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise UsageError(f"--mqtt {_shown(url)}: must be mqtt://HOST or mqtts://HOST")
    if parts.password is not None:
        raise UsageError(
            f"--mqtt: a password in the address is seen by every user of this machine: give password-file=FILE, "
            f"or the environment variable {PASSWORD_VARIABLE}"
        )
    try:
        port = parts.port
    except ValueError:
        raise UsageError(f"--mqtt {url}: the port must be a number from 1 to 65535") from None
    tls = parts.scheme == "mqtts"
    if not tls and any(key in values for key in ("ca", "cert", "key")):
        raise UsageError("--mqtt: ca=, cert= and key= go with mqtts://")
    if ("cert" in values) != ("key" in values):
        raise UsageError("--mqtt: cert= and key= go together")
    name = _topic(values.get("name") or socket.gethostname(), "name")
    host = parts.hostname
    return MqttConfig(
        host=host,
        port=port or (8883 if tls else 1883),
        tls=tls,
        name=name,
        prefix="/".join(_topic(p, "prefix") for p in parts.path.split("/") if p) or MqttConfig.prefix,
        user=unquote(parts.username) if parts.username else None,
        password=_password(values.get("password-file")),
        ca=_file(values, "ca"),
        cert=_file(values, "cert"),
        key=_file(values, "key"),
        discovery=_switch(values.get("discovery", "on")),
        spool=Path(
            values.get("spool") or state_folder / f"mqtt-{re.sub(r'[^A-Za-z0-9.-]', '-', host)}-{name}.spool"
        ),
        spool_bytes=_megabytes(values.get("spool-mb", "16")),
    )


def _values(pairs: list[str]) -> dict[str, str]:
    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if key not in _KEYS or not equals or not value:
            raise UsageError(f"--mqtt: {pair} is none of {', '.join(f'{k}=' for k in _KEYS)}")
        values[key] = value
    return values


def _shown(url: str) -> str:
    """Without what may be a password."""
    return re.sub(r"//[^@/]*@", "//...@", url)


def _topic(text: str, kind: str) -> str:
    if not re.fullmatch(r"[\w.-]+", text):
        raise UsageError(f"--mqtt: {kind} {text}: letters, digits, '.', '-' and '_' make a topic")
    return text


def _password(path: str | None) -> str | None:
    if path is None:
        return os.environ.get(PASSWORD_VARIABLE)
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise UsageError(f"--mqtt: password-file={path}: {error.strerror}") from None


def _file(values: dict[str, str], key: str) -> str | None:
    path = values.get(key)
    if path is not None and not os.access(path, os.R_OK):
        raise UsageError(f"--mqtt: {key}={path}: cannot be read")
    return path


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise UsageError(f"--mqtt: discovery={text} must be on or off")
    return text == "on"


def _megabytes(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise UsageError(f"--mqtt: spool-mb={text} must be a number above 0")
    return int(number * 1e6)
