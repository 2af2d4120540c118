"""One connection to an MQTT broker."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from ...settings.source_table import topic_of
from .home_assistant import BIRTH_TOPIC
from .settings import MqttConfig
from .wire import TICK_SECONDS, Wire

_LEAVE_SECONDS = 2.0
"""Longest wait until the last message is sent."""
_MOST_IN_FLIGHT = 10
"""Windows sent and not yet acknowledged."""

_OWN = re.compile(r"[\w./-]+", re.ASCII)
"""A topic that this program may have published to. Wildcards in one that a broker makes
up could not be."""


class Connection:
    """One connection, from its first packet to its last; it is not used again after it
    broke."""

    def __init__(self, paho: Any, config: MqttConfig) -> None:
        """Prepare to connect.

        Parameters
        ----------
        paho : module
            paho.mqtt.client.
        config : MqttConfig
            The broker and how to reach it.
        """
        self._in_flight: dict[int, int] = {}
        """{number of the packet: seq of the window}."""
        self._acknowledged: list[int] = []
        self._commands: dict[str, list[bytes]] = {}
        """{topic: commands} that nobody has taken yet."""
        self._home_assistant_started = False
        self.announced: set[str] = set()
        """Topics of discovery on which the broker keeps a message."""
        self.kept: dict[str, bytes] = {}
        """{topic: payload} of what the broker kept when it was asked for it."""
        self.last_seq = 0
        """The latest window sent on this connection."""
        self._wire = Wire(
            paho, config, f"genre-edge-{topic_of(config.name)}-{uuid.uuid4().hex[:6]}"
        )
        self._client = client = self._wire.client
        client.will_set(f"{config.base}/status", b"offline", qos=1, retain=True)
        client.on_publish = self._on_publish

    def connect(self) -> str:
        """Connect and wait for the broker's answer; returns what is wrong, or ""."""
        return self._wire.connect()

    def _on_publish(self, client: Any, data: Any, mid: int, reason: Any, properties: Any) -> None:
        seq = self._in_flight.pop(mid, None)
        if seq is not None:
            self._acknowledged.append(seq)

    def _on_birth(self, client: Any, data: Any, message: Any) -> None:
        if message.payload == b"online":
            self._home_assistant_started = True

    def _on_command(self, client: Any, data: Any, message: Any) -> None:
        if not message.retain and message.topic in self._commands:
            self._commands[message.topic].append(message.payload)

    def _on_announced(self, client: Any, data: Any, message: Any) -> None:
        if not _OWN.fullmatch(message.topic):
            return
        if message.payload:
            self.announced.add(message.topic)
        else:
            self.announced.discard(message.topic)

    def _on_kept(self, client: Any, data: Any, message: Any) -> None:
        if message.retain and message.payload and _OWN.fullmatch(message.topic):
            self.kept[message.topic] = message.payload

    @property
    def own_address(self) -> str:
        """The address that this machine has for the broker; empty if there is none."""
        return self._wire.own_address

    @property
    def room(self) -> int:
        """Windows that may be sent now."""
        return _MOST_IN_FLIGHT - len(self._in_flight)

    @property
    def is_busy(self) -> bool:
        """Whether a window is not yet acknowledged."""
        return bool(self._in_flight)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a retained message."""
        self._client.publish(topic, payload, qos=1, retain=True)

    def subscribe_to_home_assistant(self) -> None:
        """Ask for the message that Home Assistant sends when it starts."""
        self._subscribe([BIRTH_TOPIC], self._on_birth)

    def subscribe_to_command(self, topic: str) -> None:
        """Ask for commands on a topic. One that the broker keeps is for somebody else's
        past, and is not heeded."""
        self._commands[topic] = []
        self._subscribe([topic], self._on_command)

    def commands(self, topic: str) -> list[bytes]:
        """The commands that came on a topic since the last call."""
        found = self._commands.get(topic, [])
        if found:
            self._commands[topic] = []
        return found

    def subscribe_to_announced(self, filters: Sequence[str]) -> None:
        """Ask for what is announced to Home Assistant on the topics that match
        filters."""
        self._subscribe(filters, self._on_announced)

    def subscribe_to_kept(self, filters: Sequence[str]) -> None:
        """Ask for what the broker keeps on the topics that match filters."""
        self._subscribe(filters, self._on_kept)

    def _subscribe(self, filters: Sequence[str], take: Callable[[Any, Any, Any], None]) -> None:
        for one in filters:  # not on_message: a topic that is no UTF-8 would reach it
            self._client.message_callback_add(one, take)
        if filters:
            self._client.subscribe([(one, 1) for one in filters])

    def send(self, seq: int, topic: str, payload: bytes, retain: bool = False) -> None:
        """Send a window or another message that the broker will acknowledge."""
        self._in_flight[self._client.publish(topic, payload, qos=1, retain=retain).mid] = seq
        self.last_seq = seq

    def process(self, timeout: float, wake: int | None = None) -> str:
        """Read from the network and write to it, as `Wire.process`."""
        return self._wire.process(timeout, wake)

    def acknowledged(self) -> list[int]:
        """The windows that the broker has acknowledged since the last call."""
        found, self._acknowledged = self._acknowledged, []
        return found

    def home_assistant_started(self) -> bool:
        """Whether Home Assistant has started since the last call."""
        found, self._home_assistant_started = self._home_assistant_started, False
        return found

    def leave(self, status_topic: str) -> None:
        """Say "offline" and disconnect. The broker keeps the last will of a connection
        that ends in order to itself."""
        sent = self._client.publish(status_topic, b"offline", qos=1, retain=True)
        deadline = time.monotonic() + _LEAVE_SECONDS
        # Closing a socket that holds unread answers may discard what was sent last.
        while not sent.is_published() and time.monotonic() < deadline:
            if self.process(TICK_SECONDS):
                break
        self._client.disconnect()
        self.process(TICK_SECONDS)

    def drop(self) -> None:
        """Close the socket at once."""
        self._wire.drop()
