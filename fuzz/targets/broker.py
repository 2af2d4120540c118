"""Bytes of a broker: what an MQTT connection does with an answer that is none."""

from __future__ import annotations

import random
import socket
import threading
from functools import cache
from pathlib import Path

from genre_edge.sinks.mqtt.connection import Connection
from genre_edge.sinks.mqtt.home_assistant import discovery_filters
from genre_edge.sinks.mqtt.leftovers import Leftovers
from genre_edge.sinks.mqtt.settings import MqttConfig

from ..damage import damaged
from ..target import Target

_CONNACK = b"\x20\x02\x00\x00"
_SUBACK = b"\x90\x03\x00\x01\x01"
_PUBACK = b"\x40\x02\x00\x01"


def _publish(topic: bytes, payload: bytes, flags: int = 0x30) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + payload
    return bytes([flags, len(body)]) + body


_MESSAGES = (
    _publish(b"homeassistant/status", b"online"),
    _publish(b"\xff\xfe", b"online"),
    _publish(b"homeassistant/status", b"\0\x01offline", 0x32),
    _publish(b"homeassistant/device/fuzzed/config", b"{}", 0x31),
    _publish(b"genre-edge/fuzzed/hall/state", b'{"state":"lost"}', 0x31),
    _publish(b"genre-edge/fuzzed/+/status", b"online", 0x31),
    _publish(b"genre-edge/fuzzed/h#ll/status", b"online", 0x31),
    _SUBACK,
    _PUBACK,
    b"\xd0\x00",
    b"\xff\xff\xff\xff\x7f",
)


@cache
def _broker() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0), backlog=4)
    listening.settimeout(5.0)
    return listening


def _answer(content: bytes) -> None:
    client, _ = _broker().accept()
    with client:
        client.settimeout(5.0)
        try:
            client.recv(4096)
            client.sendall(content)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            return


def attempt(chance: random.Random, folder: Path) -> None:
    """Connect, publish and read until the broker has gone."""
    import paho.mqtt.client as paho

    whole = [_CONNACK + _SUBACK + b"".join(chance.sample(_MESSAGES, 3))]
    content = damaged(chance, whole)
    if chance.random() < 0.7:
        content = _CONNACK + damaged(chance, [b"".join(chance.sample(_MESSAGES, 3))])
    _, port = _broker().getsockname()
    thread = threading.Thread(target=_answer, args=(content,))
    thread.start()
    try:
        connection = Connection(paho, MqttConfig("127.0.0.1", port, False, "fuzzed"))
        if not connection.connect():
            connection.subscribe_to_home_assistant()
            connection.subscribe_to_announced(discovery_filters(["fuzzed"]))
            leftovers = Leftovers("genre-edge/fuzzed", ["bar"], connection)
            connection.send(1, "genre-edge/fuzzed/window", b"{}")
            for _ in range(20):
                if connection.process(0.05):
                    break
            connection.acknowledged()
            connection.home_assistant_started()
            leftovers.look()
            leftovers.gone()
            leftovers.clear()
        connection.drop()
    finally:
        thread.join()


TARGET = Target("broker", attempt)
