"""Whether a broker can be used, and what is wrong if it cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import RuntimeMissing
from ...extras import install_line
from .settings import MqttConfig


@dataclass(frozen=True)
class Trial:
    """What came of an attempt to connect."""

    problem: str
    """What is wrong, in words; empty if the broker can be used."""
    kind: str
    """ok; closed (nothing listens there), unknown (no such host), denied (user or
    password), silent (no answer), tls, or other."""


def try_broker(config: MqttConfig) -> Trial:
    """Connect and leave again. Nothing is published.

    Raises
    ------
    RuntimeMissing
        If paho-mqtt is not installed.
    """
    try:
        from paho.mqtt import client as paho
    except ModuleNotFoundError:
        raise RuntimeMissing(f"MQTT needs paho-mqtt: {install_line('mqtt')}") from None
    from .connection import Connection

    # Another name than the device's: its state must not become "offline".
    connection = Connection(paho, replace(config, name="connection-test"))
    trouble = connection.connect()
    connection.drop()
    if not trouble:
        return Trial("", "ok")
    return Trial(f"{config.host}:{config.port}: {trouble}", _kind(trouble))


def _kind(trouble: str) -> str:
    signs = (
        ("closed", ("Connection refused", "closed the connection")),
        ("unknown", ("not known", "name resolution", "No address associated")),
        ("denied", ("refused (",)),
        ("silent", ("no answer", "timed out", "No route")),
        ("tls", ("TLS failed",)),
    )
    for kind, parts in signs:
        if any(part in trouble for part in parts):
            return kind
    return "other"
