"""What --mqtt and the configuration's [mqtt] set: a broker and how to reach it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ...errors import UsageError
from ...settings.credentials import password_of, split_address, without_credentials
from ...settings.options import from_pairs, option
from ...settings.places import default_folder
from ...settings.section import Section
from ...settings.source_table import topic_of

PASSWORD_VARIABLE = "GENRE_EDGE_MQTT_PASSWORD"
"""Environment variable with the broker's password."""
_PASSWORD_CREDENTIAL = "mqtt-password"
"""Where systemd puts it, if the unit loads it."""
FORMS = ("device", "entities")
"""Forms of the messages to Home Assistant."""


@dataclass(frozen=True)
class MqttOptions:
    """A broker as the user names it."""

    url: str = option(
        "", "mqtt[s]://[USER@]HOST[:PORT][/PREFIX]; empty: none", shown=without_credentials
    )
    name: str | None = option(
        None, "this device's name, a part of the topics; without it the host's name"
    )
    password_file: Path | None = option(
        None,
        f"file with the password; without it the variable {PASSWORD_VARIABLE}",
        secret=True,
    )
    ca: Path | None = option(None, "CA certificates for mqtts, PEM; without it the system's")
    cert: Path | None = option(None, "client certificate for mqtts, PEM")
    key: Path | None = option(None, "its key, PEM")
    discovery: bool = option(True, "announce the device to Home Assistant")
    discovery_form: str = option(
        "device",
        "how: device, one message (Home Assistant 2024.11 and later); entities, one for each",
        choices=FORMS,
    )
    page: str | None = option(
        None,
        "address of the page for Home Assistant's link to it; without it found where it can be",
    )
    music_hold: float = option(
        20.0, "music counts as playing this long after it was last heard, s", low=0, high=3600
    )
    switch: bool = option(
        True, "let a switch in Home Assistant, or any client, have the program stop listening"
    )
    spool: Path | None = option(
        None, "file where windows wait while the broker is away; without it one beside the history"
    )
    spool_mb: float = option(16.0, "most that waits there, MB", low=0.001, high=1e6)


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
    """This device's name; its `topic_of` is a part of the topics."""
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
    one_message: bool = True
    """In one message for each device, not one for each entity."""
    page: str | None = None
    """Address of the page, if the user gives it."""
    music_hold: float = 20.0
    """Music counts as playing this long after it was last heard, s."""
    switch: bool = True
    """Obey the switch "listening"."""
    spool: Path = Path("mqtt.spool")
    """Where messages wait while the broker is away."""
    spool_bytes: int = 16_000_000
    """Most payload that waits there, bytes."""

    def __repr__(self) -> str:
        return f"MqttConfig({self.host}:{self.port}, {self.base})"  # no password in any log

    @property
    def base(self) -> str:
        """What all topics begin with."""
        return f"{self.prefix}/{topic_of(self.name)}"


def parse_mqtt(text: str) -> MqttOptions:
    """Read "mqtt://user@host:1883/prefix,key=value,...", the form of --mqtt.
    UsageError."""
    try:
        return MqttOptions(**from_pairs(MqttOptions, "url", text))
    except UsageError as error:
        raise UsageError(f"--mqtt: {error}") from None


def mqtt_config(options: MqttOptions, state_folder: Path) -> MqttConfig:
    """Find out all about a broker: the address taken apart, the password read, every
    file looked at.

    Parameters
    ----------
    options : MqttOptions
        What the user set; its `url` is not empty.
    state_folder : Path
        Where the spool is kept if the options name no file for it.

    Returns
    -------
    MqttConfig
        The broker and how to reach it.

    Raises
    ------
    UsageError
        If the options contradict each other, or a file cannot be read.
    """
    import socket

    parts = split_address(options.url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise UsageError(f"url {_shown(options.url)}: must be mqtt://HOST or mqtts://HOST")
    if parts.password is not None:
        raise UsageError(
            "a password in the address is seen by every user of this machine: give a password "
            "file, "
            f"or the environment variable {PASSWORD_VARIABLE}"
        )
    port = parts.port
    tls = parts.scheme == "mqtts"
    if not tls and (options.ca or options.cert or options.key):
        raise UsageError("ca, cert and key go with mqtts://")
    if (options.cert is None) != (options.key is None):
        raise UsageError("cert and key go together")
    name = _topic(options.name or socket.gethostname(), "name")
    host = parts.hostname
    return MqttConfig(
        host=host,
        port=port or (8883 if tls else 1883),
        tls=tls,
        name=name,
        prefix="/".join(topic_of(_topic(p, "prefix")) for p in parts.path.split("/") if p)
        or MqttConfig.prefix,
        user=unquote(parts.username) if parts.username else None,
        password=password_of(
            options.password_file, PASSWORD_VARIABLE, _PASSWORD_CREDENTIAL, "password file"
        ),
        ca=_file(options.ca, "ca"),
        cert=_file(options.cert, "cert"),
        key=_file(options.key, "key"),
        discovery=options.discovery,
        one_message=options.discovery_form == "device",
        page=_page(options.page),
        music_hold=options.music_hold,
        switch=options.switch,
        spool=options.spool
        or state_folder / f"mqtt-{re.sub(r'[^A-Za-z0-9.-]', '-', host)}-{name}.spool",
        spool_bytes=int(options.spool_mb * 1e6),
    )


def _shown(url: str) -> str:
    """Without what may be a password."""
    return re.sub(r"//[^@/]*@", "//...@", url)


def _topic(text: str, kind: str) -> str:
    if not re.fullmatch(r"[\w.-]+", text):
        raise UsageError(f"{kind} {text}: may have letters, digits, '.', '-' and '_' only")
    return text


def _page(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"(https?|homeassistant)://[^\s/@]+(/\S*)?", url):
        raise UsageError(f"page {_shown(url)}: must be http://HOST or https://HOST")
    return url


def _file(path: Path | None, key: str) -> str | None:
    if path is not None and not os.access(path, os.R_OK):
        raise UsageError(f"{key} {path}: cannot be read")
    if path is not None and not path.is_file():
        raise UsageError(f"{key} {path}: is no regular file")
    return None if path is None else str(path)


def _check(options: MqttOptions) -> None:
    """UsageError for a broker that cannot be used, whatever its state."""
    if not options.url:
        return
    import importlib.util

    from ...extras import install_line

    mqtt_config(options, default_folder())
    if importlib.util.find_spec("paho") is None:
        raise UsageError(f"needs paho-mqtt: {install_line('mqtt')}")


SECTION = Section(
    "mqtt",
    MqttOptions,
    "MQTT and Home Assistant",
    examples={
        "url": "mqtt://user@broker/genre-edge",
        "name": "kitchen",
        "password_file": "~/.config/genre-edge/password",
        "ca": "/etc/ssl/certs/ca-certificates.crt",
        "cert": "client.pem",
        "key": "client.key",
        "page": "http://kitchen.local:8080",
        "spool": "/var/lib/genre-edge/mqtt.spool",
    },
    flag="--mqtt",
    secrets=(PASSWORD_VARIABLE,),
    check=_check,
    check_key="url",
)
