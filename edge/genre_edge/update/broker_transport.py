"""Updates from an MQTT broker, over a connection of its own: a bundle may take a while,
and records must not wait for it."""

from __future__ import annotations

import random
import select
import socket
import time
import uuid
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..errors import UpdateError
from ..settings.source_table import topic_of
from ..sinks.mqtt.settings import MqttConfig
from ..sinks.mqtt.wire import Wire, paho_client, properties_of
from ..statement import MOST_BYTES, BundleOffer
from .topics import KINDS, MOST_MESSAGE_BYTES, bundle_topic, statement_filter
from .transport import Away
from .web_transport import WebTransport, is_address

_SETTLE_SECONDS = 0.5
"""After so long without a message, the broker has sent all that it keeps, s."""
_BUNDLE_SECONDS = 300.0
"""Longest time for a bundle, s."""
_TICK_SECONDS = 1.0
"""Longest single wait for a bundle's next bytes, s."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0
"""Pause before a new attempt to connect, s: doubled each time, with jitter."""
_OVERHEAD_BYTES = 1024
"""Of a packet, besides its payload."""
_MOST_TOPICS, _MOST_ARRIVED_BYTES = 10_000, 8 << 20
"""Statements that are kept until they are looked at: thousands of devices may each have
their own."""


class BrokerTransport:
    """Keeps a connection, and hears of statements as they are published."""

    def __init__(self, config: MqttConfig) -> None:
        """Prepare; the first `look` connects.

        Parameters
        ----------
        config : MqttConfig
            The broker and how to reach it.

        Raises
        ------
        UsageError
            If paho-mqtt is not installed.
        """
        self._paho, self._config = paho_client('update: "mqtt"', "mqtt"), config
        self._wire: Wire | None = None
        self._arrived: dict[str, bytes] = {}
        """{topic: statement} that nobody has taken yet."""
        self._arrived_bytes = 0
        self._taken: dict[str, bytes] = {}
        """{topic: SHA-256 of the statement} that was taken last."""
        self._bundle: bytes | None = None
        self._last_message = 0.0
        self._pause, self._next_attempt = _FIRST_PAUSE, 0.0
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)

    @property
    def is_well(self) -> bool:
        """As `Transport.is_well`."""
        return self._wire is not None

    def look(self, seconds: float) -> list[bytes]:
        """As `Transport.look`."""
        end = time.monotonic() + seconds
        if len(self._taken) > _MOST_TOPICS:  # who may publish may think of many
            self._taken.clear()  # some are looked at once more
        while not self._have_all():
            left = end - time.monotonic()
            if left <= 0 or self._pass_time(left):
                return []
        arrived, self._arrived, self._arrived_bytes = self._arrived, {}, 0
        marks = {topic: sha256(data).digest() for topic, data in arrived.items()}
        new = [data for topic, data in arrived.items() if marks[topic] != self._taken.get(topic)]
        self._taken |= marks
        return [data for data in new if data]

    def _have_all(self) -> bool:
        is_settled = time.monotonic() - self._last_message >= _SETTLE_SECONDS
        return bool(self._arrived) and is_settled

    def _pass_time(self, most: float) -> bool:
        """Connect, or look after the connection for a while; whether somebody woke
        it. Away."""
        if self._wire is None:
            wait = min(most, self._next_attempt - time.monotonic())
            if wait > 0:
                select.select([self._wake_in], [], [], wait)
            else:
                self._wire = self._connected()
        else:
            self._process(self._wire, min(most, _SETTLE_SECONDS if self._arrived else most))
        try:
            return bool(self._wake_in.recv(4096))
        except BlockingIOError:
            return False

    def fetch(self, offer: BundleOffer, target: Path) -> None:
        """As `Transport.fetch`."""
        if is_address(offer.where):
            WebTransport(offer.where, 0.0).fetch(offer, target)
            return
        topic = bundle_topic(self._config.prefix, offer.sha256)
        if offer.where != topic:
            raise UpdateError("the model's place is neither an address nor its topic here")
        if self._wire is None:
            self._wire = self._connected()
        wire, self._bundle = self._wire, None
        wire.client.message_callback_add(topic, self._take_bundle)
        wire.client.subscribe(topic, qos=1)
        try:
            self._wait_for_bundle(wire)
            target.write_bytes(self._bundle or b"")
        finally:
            wire.client.unsubscribe(topic)
            wire.client.message_callback_remove(topic)
            self._bundle = None

    def _wait_for_bundle(self, wire: Wire) -> None:
        end = time.monotonic() + _BUNDLE_SECONDS
        while self._bundle is None:
            if time.monotonic() > end:
                raise Away(f"mqtt {self._config.host}: does not send the model's file")
            self._process(wire, _TICK_SECONDS)
            with suppress(BlockingIOError):
                self._wake_in.recv(4096)

    def wake(self) -> None:
        """As `Transport.wake`."""
        with suppress(OSError):  # full: it wakes up anyway; closed: nobody waits
            self._wake_out.send(b".")

    def close(self) -> None:
        """Disconnect."""
        if self._wire is not None:
            self._wire.drop()
        self._wire = None
        self._wake_out.close()
        self._wake_in.close()

    def _connected(self) -> Wire:
        """A connection that has asked for all statements. Away."""
        config = self._config
        wire = Wire(
            self._paho,
            config,
            f"genre-edge-{topic_of(config.name)}-update-{uuid.uuid4().hex[:6]}",
            protocol=self._paho.MQTTv5,
        )
        properties = properties_of("CONNECT")
        properties.MaximumPacketSize = MOST_MESSAGE_BYTES + _OVERHEAD_BYTES
        trouble = wire.connect(properties=properties)
        if trouble:
            wire.drop()
            raise self._lost(trouble)
        self._pause = _FIRST_PAUSE
        for kind in KINDS:
            topic = statement_filter(config.prefix, kind)
            wire.client.message_callback_add(topic, self._take_statement)
            wire.client.subscribe(topic, qos=1)
        return wire

    def _lost(self, trouble: str) -> Away:
        self._next_attempt = time.monotonic() + self._pause * random.uniform(0.5, 1.5)
        self._pause = min(_LONGEST_PAUSE, self._pause * 2)
        return Away(f"mqtt {self._config.host}: {trouble}")

    def _process(self, wire: Wire, seconds: float) -> None:
        """Read from the network and write to it. Away when the connection breaks."""
        trouble = wire.process(seconds, self._wake_in.fileno())
        if trouble:
            wire.drop()
            self._wire = None
            raise self._lost(trouble)

    def _take_statement(self, client: Any, data: Any, message: Any) -> None:
        self._last_message = time.monotonic()
        topic, payload = message.topic, bytes(message.payload)
        size = self._arrived_bytes + len(payload) - len(self._arrived.get(topic, b""))
        is_room = size <= _MOST_ARRIVED_BYTES and len(self._arrived) < _MOST_TOPICS
        if len(payload) <= MOST_BYTES and is_room:
            self._arrived[topic], self._arrived_bytes = payload, size

    def _take_bundle(self, client: Any, data: Any, message: Any) -> None:
        if message.payload:
            self._bundle = bytes(message.payload)
