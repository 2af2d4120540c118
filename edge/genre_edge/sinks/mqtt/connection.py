"""One connection to an MQTT broker."""

from __future__ import annotations

import select
import ssl
import time
import uuid
from collections import OrderedDict
from typing import Any

from .home_assistant import BIRTH_TOPIC
from .settings import MqttConfig

CONNECT_SECONDS = 8.0
"""Time for a broker to answer."""
TICK = 0.1
"""Longest wait for the network, s."""
_INFLIGHT = 10
"""Windows sent and not yet acknowledged."""


class Link:
    """One connection, from its first packet to its last; never used again after it
    broke."""

    def __init__(self, paho: Any, config: MqttConfig) -> None:
        self._config, self._paho = config, paho
        self._refused: str | None = None
        self._connected = False
        self._sent: OrderedDict[int, int] = OrderedDict()  # packet number: seq
        self._done: list[int] = []
        self._born = False
        self.last_seq = 0
        """The latest window sent on this connection."""
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=f"genre-edge-{config.name}-{uuid.uuid4().hex[:6]}",
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_SECONDS
        client.will_set(f"{config.base}/status", b"offline", qos=1, retain=True)
        if config.user is not None:
            client.username_pw_set(config.user, config.password)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        self._client = client

    def connect(self) -> str:
        """Connect and wait for the broker's answer; returns what is wrong, or ""."""
        config = self._config
        try:
            if config.tls:
                self._client.tls_set(config.ca, config.cert, config.key)
            self._client.connect(config.host, config.port, keepalive=30)
            deadline = time.monotonic() + CONNECT_SECONDS
            while not self._connected and self._refused is None and time.monotonic() < deadline:
                if self.move(TICK) and self._refused is None:
                    return "closed the connection"
        except ssl.SSLError as error:
            return f"TLS failed ({error.reason or error})"
        except (OSError, ValueError) as error:
            return str(getattr(error, "strerror", None) or error)
        if self._refused is not None:
            return f"refused ({self._refused})"
        return "" if self._connected else f"no answer within {CONNECT_SECONDS:g} s"

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._refused = str(reason)
        else:
            self._connected = True

    def _on_publish(self, client: Any, data: Any, mid: int, reason: Any, properties: Any) -> None:
        seq = self._sent.pop(mid, None)
        if seq is not None:
            self._done.append(seq)

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        self._born = self._born or (message.topic == BIRTH_TOPIC and message.payload == b"online")

    @property
    def room(self) -> int:
        """Windows that may be sent now."""
        return _INFLIGHT - len(self._sent)

    @property
    def busy(self) -> bool:
        """Whether a window is not yet acknowledged."""
        return bool(self._sent)

    def publish(self, topic: str, payload: bytes) -> None:
        """A retained message."""
        self._client.publish(topic, payload, qos=1, retain=True)

    def subscribe(self, topic: str) -> None:
        """Hear a topic."""
        self._client.subscribe(topic, qos=1)

    def send(self, seq: int, topic: str, payload: bytes) -> None:
        """A window, which will be acknowledged."""
        self._sent[self._client.publish(topic, payload, qos=1).mid] = seq
        self.last_seq = seq

    def move(self, timeout: float, wake: int | None = None) -> str:
        """Read and write the network for `timeout` s at most; returns what is wrong, or
        "".

        It returns at once when the file descriptor `wake` can be read: waiting costs
        nothing.
        """
        client, fine = self._client, self._paho.MQTT_ERR_SUCCESS
        wire = client.socket()
        if wire is None:
            return "the connection is lost"
        if getattr(wire, "pending", lambda: 0)():  # TLS may have decrypted more than was asked for
            timeout = 0.0
        readers = [wire] if wake is None else [wire, wake]
        readable, writable, _ = select.select(
            readers, [wire] if client.want_write() else [], [], timeout
        )
        results = [client.loop_read()] if wire in readable or timeout == 0.0 else []
        results += [client.loop_write()] if writable and client.socket() is not None else []
        results.append(client.loop_misc())
        return "" if all(result == fine for result in results) else "the connection is lost"

    def acknowledged(self) -> list[int]:
        """The windows that the broker has, since the last call."""
        done, self._done = self._done, []
        return done

    def reborn(self) -> bool:
        """Whether Home Assistant has said that it started."""
        born, self._born = self._born, False
        return born

    def leave(self, status_topic: str) -> None:
        """Say goodbye: the last will is not sent for a connection that ends well."""
        self._client.publish(status_topic, b"offline", qos=1, retain=True)
        deadline = time.monotonic() + 2.0
        while self._client.want_write() and time.monotonic() < deadline:
            if self.move(TICK):
                break
        self._client.disconnect()
        self.move(TICK)

    def drop(self) -> None:
        """Close the socket at once."""
        self._client.disconnect()
        self.move(0.0)
