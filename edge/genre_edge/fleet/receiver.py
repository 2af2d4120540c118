"""Messages from an MQTT broker, acknowledged only when somebody says so, on a thread of
its own with one connection at a time.

The session is the broker's to keep: it holds what comes while the collector is away,
and sends again what was not acknowledged. No more than a limit is sent unacknowledged,
so memory is bounded while the database is away.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..settings.source_table import topic_of
from ..sinks.mqtt.settings import MqttConfig
from ..sinks.mqtt.wire import TICK_SECONDS, Wire, paho_client, properties_of
from .batch import Incoming
from .messages import device_of
from .subscribing import Subscribing, is_latest

SESSION_SECONDS = 7 * 86_400
"""How long the broker is asked to keep the session of a collector that is away, s."""
MOST_UNACKNOWLEDGED = 5000
"""Messages that the broker sends before the first of them is acknowledged."""
_MOST_BYTES = 262_144
"""Largest packet that the broker may send, bytes."""
_MOST_LATEST = 100_000
"""Topics of which the latest message is kept while the database is away."""
_IDLE_SECONDS = 1.0
"""Longest wait for the network, s."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Pause before a new attempt to connect, s: doubled each time, with jitter."""
_SHORT_SECONDS, _MOST_SHORT = 10.0, 3
"""A connection that lasts no longer is short, s; after so many in a row something is
wrong with them."""
_LEAVE_SECONDS = 5.0
"""Longest wait until the last acknowledgements are sent, s."""
_TAKEN_OVER = 142
"""MQTT 5: another client has connected with the same name."""


class Receiver:
    """Takes messages from the broker and keeps them until they are asked for."""

    def __init__(
        self, config: MqttConfig, subscribing: Subscribing, report: Callable[[str], None]
    ) -> None:
        """Prepare; `start` starts the thread.

        Parameters
        ----------
        config : MqttConfig
            The broker; its `name` is that of the session.
        subscribing : Subscribing
            What is received.
        report : callable
            Takes a line when the broker is lost, and when it is back.

        Raises
        ------
        UsageError
            If paho-mqtt is not installed.
        """
        self._paho, self._config, self._how = paho_client("collect", "collect"), config, subscribing
        self._report = report
        part = f"-{subscribing.part}of{subscribing.parts}" if subscribing.parts > 1 else ""
        self.session = f"genre-edge-collect-{topic_of(config.name)}{part}"
        """The name of the session at the broker."""
        self._changed = threading.Condition()
        self._inbox: deque[Incoming] = deque()
        self._latest: dict[str, Incoming] = {}
        self._done: list[Incoming] = []
        """To be acknowledged."""
        self._leave = False
        self._forget = False
        self.trouble = ""
        """Why there is no connection; empty while there is."""
        self.is_ready = False
        """Whether it has been subscribed since the start."""
        self.last_message = time.monotonic()
        """When the latest message came, or the subscription was made (monotonic)."""
        self.taken_over = False
        """Whether another collector has the session now."""
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def take(self, most: int, wait: float) -> list[Incoming]:
        """The oldest messages, `most` at the most, and the latest health and status.

        Parameters
        ----------
        most : int
            Messages to take; when so many are there, it does not wait.
        wait : float
            Time to wait for as many, s.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._inbox) >= most or self.taken_over, wait)
            count = min(most, len(self._inbox))
            found = [self._inbox.popleft() for _ in range(count)]
            found += self._latest.values()
            self._latest.clear()
        return found

    def acknowledge(self, messages: Sequence[Incoming]) -> None:
        """Tell the broker to forget messages."""
        with self._changed:
            self._done += [one for one in messages if one.ticket is not None]
        self._wake_up()

    @property
    def waiting(self) -> int:
        """Messages that nobody has taken yet."""
        return len(self._inbox) + len(self._latest)

    def close(self, forget: bool = False) -> None:
        """Send the last acknowledgements and disconnect.

        Parameters
        ----------
        forget : bool
            Have the broker forget the session, and what it holds for it.
        """
        self._forget = forget
        self._leave = True
        self._wake_up()
        self._thread.join(_LEAVE_SECONDS * 2)
        self._wake_out.close()
        if not self._thread.is_alive():
            self._wake_in.close()

    def _wake_up(self) -> None:
        with suppress(OSError):
            self._wake_out.send(b".")

    def _run(self) -> None:
        pause, short = _FIRST_PAUSE, 0
        while not self._leave and not self.taken_over:
            wire = self._made()
            trouble = wire.connect(clean_start=False, properties=self._properties())
            if not trouble:
                began = time.monotonic()
                self._report(f"mqtt {self._config.host}: connected")
                self.trouble = ""
                self._forget_earlier(wire)
                self._subscribe(wire)
                trouble = self._exchange(wire)
                if time.monotonic() - began > _SHORT_SECONDS:
                    pause, short = _FIRST_PAUSE, 0
                short += 1
            wire.drop()
            if self._leave or self.taken_over:
                break
            if short >= _MOST_SHORT:  # not every broker says that another has the session
                trouble += f" again and again (is another collector connected as {self.session}?)"
            if trouble != self.trouble:
                self._report(f"mqtt {self._config.host}: {trouble}; trying again")
            self.trouble = trouble
            self._sleep(pause * random.uniform(0.5, 1.0))
            pause = min(_LONGEST_PAUSE, pause * 2)
        with self._changed:
            self._changed.notify_all()

    def _forget_earlier(self, wire: Wire) -> None:
        """Drop what came on an earlier connection and nobody has taken: the broker
        sends it again, if it still knows the session."""
        with self._changed:
            if wire.has_session or len(self._inbox) > 2 * MOST_UNACKNOWLEDGED:
                self._inbox = deque(one for one in self._inbox if _wire_of(one) is wire)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._leave and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TICK_SECONDS))

    def _made(self) -> Wire:
        wire = Wire(
            self._paho, self._config, self.session, protocol=self._paho.MQTTv5, manual_ack=True
        )
        wire.client.on_message = lambda client, data, message: self._take_in(wire, message)
        wire.client.on_disconnect = self._on_disconnect
        wire.client.on_subscribe = self._on_subscribe
        return wire

    def _properties(self) -> Any:
        properties = properties_of("CONNECT")
        properties.SessionExpiryInterval = SESSION_SECONDS
        properties.ReceiveMaximum = MOST_UNACKNOWLEDGED
        properties.MaximumPacketSize = _MOST_BYTES
        return properties

    def _subscribe(self, wire: Wire) -> None:
        """Rows at QoS 1: the broker holds them for us. Health and status at QoS 0: the
        broker sends what it has kept of them, and of old ones nobody has any use."""
        from paho.mqtt.subscribeoptions import SubscribeOptions

        wanted, others = self._how.filters(self._config.prefix)
        wire.client.subscribe(
            [(one, SubscribeOptions(qos=int(not is_latest(one)))) for one in wanted]
        )
        # The session may have been made by a collector with other options.
        wire.client.unsubscribe(others)

    def _on_subscribe(
        self, client: Any, data: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        refused = [str(one) for one in reasons if one.is_failure]
        if refused:
            self._report(f"mqtt {self._config.host}: a subscription was refused ({refused[0]})")
        self.last_message = time.monotonic()
        self.is_ready = True

    def _on_disconnect(
        self, client: Any, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if getattr(reason, "value", 0) == _TAKEN_OVER:
            self.taken_over = True

    def _take_in(self, wire: Wire, message: Any) -> None:
        """Keep one message, or acknowledge it at once if it is another's part."""
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self.last_message = time.monotonic()
        if not self._how.is_mine(device_of(topic, self._config.prefix)):
            if message.qos:
                wire.client.ack(message.mid, message.qos)
            return
        ticket = (wire, message.mid) if message.qos else None
        found = Incoming(topic, bytes(message.payload), time.time(), bool(message.retain), ticket)
        with self._changed:
            if ticket is not None:
                self._inbox.append(found)
                self._changed.notify_all()
            elif topic in self._latest or len(self._latest) < _MOST_LATEST:
                self._latest[topic] = found

    def _exchange(self, wire: Wire) -> str:
        """Receive until the connection breaks, or it is time to leave; returns what is
        wrong."""
        while True:
            self._send_acknowledgements(wire)
            if self._leave:
                return self._say_goodbye(wire)
            trouble = wire.process(_IDLE_SECONDS, self._wake_in.fileno())
            with suppress(BlockingIOError):
                self._wake_in.recv(4096)
            if trouble:
                return trouble

    def _send_acknowledgements(self, wire: Wire) -> None:
        """Those of this connection. What came on an earlier one is sent again by the
        broker: the database has it, and takes it no second time."""
        with self._changed:
            done, self._done = self._done, []
        for one in done:
            if _wire_of(one) is wire and isinstance(one.ticket, tuple):
                wire.client.ack(one.ticket[1], 1)

    def _say_goodbye(self, wire: Wire) -> str:
        properties = properties_of("DISCONNECT")
        properties.SessionExpiryInterval = 0 if self._forget else SESSION_SECONDS
        end = time.monotonic() + _LEAVE_SECONDS
        wire.client.disconnect(properties=properties)
        while wire.client.want_write() and time.monotonic() < end:
            if wire.process(TICK_SECONDS):
                break
        return ""


def _wire_of(message: Incoming) -> object:
    return message.ticket[0] if isinstance(message.ticket, tuple) else None
