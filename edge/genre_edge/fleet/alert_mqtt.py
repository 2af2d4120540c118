"""Alerts to an MQTT broker, on a thread of its own with one connection at a time.

<prefix>/fleet/alerts/<device>/<kind>   retained, what is wrong or how it ended; QoS 1
<prefix>/fleet/alerts/<kind>            likewise, of the whole fleet
<prefix>/fleet/alerts/state             retained, all that is wrong
<prefix>/fleet/alerts/status            retained, "online" or, by last will, "offline"
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..records import compact_json
from ..settings.options import option
from ..sinks.mqtt.connection import Connection
from ..sinks.mqtt.home_assistant import described
from ..sinks.mqtt.settings import MqttConfig
from ..sinks.mqtt.wire import TICK_SECONDS, paho_client
from .alert import Alert
from .alert_memory import AlertMemory
from .broker_address import BrokerKeys, parse_broker

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Pause before a new attempt to connect, s: doubled each time, with jitter."""
_TICK_SECONDS = 0.5
"""Longest wait for the network before it is looked whether there is more to tell, s."""
_SETTLE_SECONDS = 2.0
"""Time for the broker to say what it has kept, s."""
_ECHO_SECONDS = 20.0
"""Time for the broker to give back what was published, s."""
_MOST_LISTED = 50
"""Alerts in the message about all that is wrong, the oldest: Home Assistant keeps 16 KB
of attributes."""


@dataclass(frozen=True)
class AlertBrokerKeys(BrokerKeys):
    """The keys of --mqtt."""

    name: str = option("alerts", "the name of these alerts, a part of the topics")
    discovery: bool = option(True, "announce them to Home Assistant")


def parse_alert_broker(text: str) -> MqttConfig:
    """Read --mqtt: the broker, and where the topics begin. UsageError."""
    config = parse_broker(text, AlertBrokerKeys, "--mqtt")
    return replace(config, prefix=f"{config.prefix}/fleet")


class MqttTeller:
    """Tells one broker."""

    def __init__(self, config: MqttConfig, report: Callable[[str], None]) -> None:
        """Prepare; `start` starts the thread.

        Parameters
        ----------
        config : MqttConfig
            The broker and where the topics begin, as `parse_alert_broker` has them.
        report : callable
            Takes a line when the broker is lost, and when it is back.

        Raises
        ------
        UsageError
            If paho-mqtt is not installed.
        """
        self._paho, self._config, self._report = paho_client("--mqtt", "collect"), config, report
        self.name = f"mqtt {config.host}:{config.port} {config.base}"
        """By which it is known after a restart."""
        self.trouble = ""
        """Why there is no connection; empty while there is."""
        self._stop = threading.Event()
        self._on: list[Alert] = []

    def start(self, memory: AlertMemory) -> None:
        """Start the thread, which tells what waits in `memory`."""
        self._memory = memory
        self.show(list(memory.known.on.values()))
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def show(self, on: list[Alert]) -> None:
        """Set all that is wrong now."""
        self._on = on

    def stop(self) -> None:
        """Say goodbye and end the thread."""
        self._stop.set()
        self._thread.join(12.0)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            connection = Connection(self._paho, self._config)
            trouble = connection.connect()
            if not trouble:
                trouble = self._converse(connection)
                pause = pause if self.trouble else _FIRST_PAUSE
            connection.drop()
            if self._stop.is_set():
                return
            if trouble != self.trouble:
                self._report(f"mqtt {self._config.host}: {trouble}; trying again")
            self.trouble = trouble
            self._stop.wait(pause * random.uniform(0.5, 1.5))
            pause = min(_LONGEST_PAUSE, 2 * pause)

    def _converse(self, connection: Connection) -> str:
        """Tell what waits until the connection breaks; returns what is wrong."""
        try:
            talk = _Conversation(self._config, connection, self._memory, self.name)
            return talk.go_on(lambda: self._on, self._stop, self._works)
        except Exception as error:  # whatever it is, telling must go on
            return f"alerts cannot be told ({type(error).__name__}: {error})"

    def _works(self) -> None:
        if self.trouble:
            self._report(f"mqtt {self._config.host}: works again")
        self.trouble = ""


class _Conversation:
    """What is said on one connection."""

    def __init__(
        self, config: MqttConfig, connection: Connection, memory: AlertMemory, name: str
    ) -> None:
        self._config, self._base, self._connection = config, config.base, connection
        self._memory, self._name = memory, name
        self._in_flight: dict[int, Alert] = {}
        self._number = 0
        self._shown: list[Alert] | None = None
        self._sent: set[str] = set()
        """Topics of alerts that were sent on this connection."""
        self._settled_at: float | None = None
        """When what the broker has kept is there; None: it has been looked at."""

    def go_on(
        self, on: Callable[[], list[Alert]], stop: threading.Event, works: Callable[[], None]
    ) -> str:
        """Tell what waits until the connection breaks or `stop` is set; returns what is
        wrong. `works` is called once the broker is known to take what is published."""
        trouble = self._wait_for_echo(stop)
        if trouble:
            return trouble
        works()
        self._describe()
        self._settled_at = time.monotonic() + _SETTLE_SECONDS
        while True:
            self._send_waiting()
            self._show(on())
            if stop.is_set():
                self._connection.leave(f"{self._base}/status")
                self._take_acknowledged()
                return ""
            trouble = self._connection.process(_TICK_SECONDS)
            self._take_acknowledged()
            if trouble:
                return trouble

    def _wait_for_echo(self, stop: threading.Event) -> str:
        """Publish the status, and wait for the broker to give it back. Brokers may
        acknowledge what this user may not publish, and keep nothing of it."""
        status, trouble = f"{self._base}/status", ""
        self._connection.publish(status, b"online")
        self._connection.subscribe_to_kept([f"{self._base}/#"])
        end = time.monotonic() + _ECHO_SECONDS
        while not trouble and self._connection.kept.get(status) != b"online":
            if stop.is_set():
                self._connection.leave(status)
                return "was told to stop"
            trouble = self._connection.process(TICK_SECONDS)
            if time.monotonic() >= end:
                trouble = "keeps nothing of what is published"
        return f"{trouble} (may this user write and read {self._base}/#?)" if trouble else ""

    def _describe(self) -> None:
        if self._config.discovery:
            entities = described(self._config, "Fleet alerts", _entities(self._base))
            for topic, message in entities.items():
                self._connection.publish(topic, compact_json(message).encode())

    def _send_waiting(self) -> None:
        if not self._connection.room:
            return
        under_way = set(self._in_flight.values())
        for alert in self._memory.waiting(self._name):
            if alert not in under_way and self._connection.room:
                self._number += 1
                self._in_flight[self._number] = alert
                self._connection.send(self._number, *self._message(alert), retain=True)

    def _message(self, alert: Alert) -> tuple[str, bytes]:
        """Topic and payload."""
        topic = f"{self._base}/{alert.topic}"
        self._sent.add(topic)
        return topic, compact_json(alert.to_json()).encode()

    def _take_acknowledged(self) -> None:
        for number in self._connection.acknowledged():
            self._memory.told(self._name, self._in_flight.pop(number))

    def _show(self, on: list[Alert]) -> None:
        """Publish all that is wrong, when that has changed."""
        if on != self._shown:
            self._shown = on
            listed = [alert.to_json() for alert in on[:_MOST_LISTED]]
            payload = compact_json({"count": len(on), "alerts": listed}).encode()
            self._connection.publish(f"{self._base}/state", payload)
        if self._settled_at is not None and time.monotonic() >= self._settled_at:
            self._settled_at = None
            self._mend(on)

    def _mend(self, on: list[Alert]) -> None:
        """Publish what the broker should have kept, and take back what it should not:
        it may have been restarted without all of its memory."""
        waiting = self._memory.waiting(self._name)
        busy = self._sent | {f"{self._base}/{alert.topic}" for alert in waiting}
        kept = {topic for topic, payload in self._connection.kept.items() if _is_on(payload)}
        wanted = {f"{self._base}/{alert.topic}": alert for alert in on}
        for topic in wanted.keys() - kept - busy:
            self._connection.publish(*self._message(wanted[topic]))
        for topic in kept - wanted.keys() - busy:
            self._connection.publish(topic, b"")


def _is_on(payload: bytes) -> bool:
    """Whether a message says that something is wrong."""
    try:
        values = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(values, dict)
        and values.get("type") == "alert"
        and values.get("is_over") is False
    )


def _entities(base: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What Home Assistant shows: whether anything is wrong, and how much."""
    common = {"state_topic": f"{base}/state"}
    return {
        "problem": (
            "binary_sensor",
            {
                "name": "Problem",
                "value_template": "{{ 'ON' if value_json.count else 'OFF' }}",
                "device_class": "problem",
                "json_attributes_topic": f"{base}/state",
                **common,
            },
        ),
        "alerts": (
            "sensor",
            {
                "name": "Alerts",
                "icon": "mdi:alert-outline",
                "value_template": "{{ value_json.count }}",
                "state_class": "measurement",
                **common,
            },
        ),
    }
