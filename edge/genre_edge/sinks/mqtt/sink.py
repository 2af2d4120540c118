"""MQTT: every window, the label, the status and the health, on a thread of its own with
one connection at a time.

<prefix>/<name>/window    each window, QoS 1, in order, with an id; waits on disk
                          while the broker is away
<prefix>/<name>/genre     retained, on a change of the label
<prefix>/<name>/status    retained, "online" or, by last will, "offline"
<prefix>/<name>/health    retained, every 30 s
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from ...errors import UsageError
from ...extras import install_line
from ...records import LiveRecord, Record, WindowRecord
from ..changes import ChangeFilter, label_of
from ..kind import SinkContext
from ..sink import CLOSE_SECONDS
from .connection import CONNECT_SECONDS, Link
from .home_assistant import BIRTH_TOPIC, discovery
from .settings import MqttConfig
from .spool import Spool

HEALTH_SECONDS = 30.0
"""Time between two messages on the health topic."""
_IDLE_SECONDS = 5.0
"""Longest wait for a record or the network; the connection's keep-alive needs a look
that often."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a new attempt to connect: doubled each time, with jitter."""


class MqttSink:
    """Publishes records; `write` never waits, unless for files (`wait`)."""

    def __init__(
        self,
        config: MqttConfig,
        context: SinkContext,
        most: int = 1000,
    ) -> None:
        """UsageError without paho-mqtt. `most` is the number of records that may wait
        for the thread."""
        try:
            import paho.mqtt.client
        except ImportError:
            raise UsageError(f"mqtt needs paho-mqtt: {install_line('mqtt')}") from None
        self._paho = paho.mqtt.client
        self._config, self._labels, self._model = config, context.labels, context.model
        self._health, self._entry, self._report = context.health, context.entry, context.report
        self._wait, self._most = context.wait, most
        self._queue: deque[Record] = deque()
        self._changed = threading.Condition()
        self._closing: float | None = None  # when to have finished
        self._session = uuid.uuid4().hex[:12]
        self._number = 0
        self._news = ChangeFilter()
        self._genre: bytes | None = None
        self._link: Link | None = None
        self._pause, self._next_attempt, self._next_health = _FIRST_PAUSE, 0.0, 0.0
        self._told = ""
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="sink mqtt", daemon=True)
        self._thread.start()

    def write(self, record: Record) -> None:
        """Queue one record; the oldest goes if the queue is full and audio cannot
        wait."""
        with self._changed:
            while self._wait and len(self._queue) >= self._most and self._thread.is_alive():
                self._changed.wait(1.0)
            if len(self._queue) >= self._most:
                self._queue.popleft()
                self._entry.dropped += 1
            self._queue.append(record)
            self._wake_up()

    def _wake_up(self) -> None:
        """End whatever the thread waits for: the lock is held."""
        self._changed.notify_all()
        with suppress(OSError):  # full: it will wake up anyway; closed: there is nobody to wake
            self._wake_out.send(b".")

    def close(self, within: float = CLOSE_SECONDS) -> None:
        """Deliver what is left, for `within` seconds; what cannot be delivered by then
        waits on disk for the next start."""
        with self._changed:
            if self._closing is not None:
                return
            self._closing = time.monotonic() + within
            self._wake_up()
        self._thread.join(within + CONNECT_SECONDS + 5)
        self._wake_out.close()

    def _run(self) -> None:
        self._spool = Spool(self._config.spool, self._config.spool_bytes)
        self._spool.park()  # nobody is connected yet
        try:
            while not self._finished():
                self._take()
                if self._link is None:
                    self._try_connect()
                else:
                    self._serve(self._link)
        finally:
            if self._link is not None:
                self._link.leave(f"{self._config.base}/status")
            self._spool.close()
            self._wake_in.close()

    def _finished(self) -> bool:
        with self._changed:
            if self._closing is None or self._queue:
                return False
            if self._link is None and self._next_attempt > 0:
                return True  # nobody to deliver to: it waits on disk
            nothing_left = self._link is not None and not len(self._spool) and not self._link.busy
            return nothing_left or time.monotonic() >= self._closing

    def _take(self) -> None:
        """Turn what is queued into messages; without a connection, wait a tick for
        more."""
        with self._changed:
            if not self._queue and self._link is None and self._closing is None:
                self._changed.wait(max(0.0, self._next_attempt - time.monotonic()))
            records = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        for record in records:
            found = label_of(record)
            if isinstance(record, LiveRecord | WindowRecord) and found is not None:
                self._number += 1
                payload = {**record.to_json(), "id": f"{self._session}-{self._number}"}
                self._entry.dropped += self._spool.put(
                    f"{self._config.base}/window", _json(payload)
                )
                if self._news.is_change(record):
                    self._genre = _json(_genre(record, found[1]))
                    if self._link is not None:
                        self._link.publish(f"{self._config.base}/genre", self._genre)
            else:
                self._news.is_change(record)
        if self._spool.trouble and self._spool.trouble != self._told:
            self._fail(self._spool.trouble)

    def _try_connect(self) -> None:
        if time.monotonic() < self._next_attempt:
            return
        link = Link(self._paho, self._config)
        trouble = link.connect()
        if trouble:
            link.drop()
            self._lost(trouble)
            return
        self._link, self._pause = link, _FIRST_PAUSE
        if self._told:
            self._report(f"mqtt {self._config.host}: connected, {len(self._spool)} windows waiting")
            self._told = ""
        link.publish(f"{self._config.base}/status", b"online")
        self._announce(link)
        if self._genre is not None:
            link.publish(f"{self._config.base}/genre", self._genre)
        self._next_health = 0.0

    def _announce(self, link: Link) -> None:
        if self._config.discovery:
            link.subscribe(BIRTH_TOPIC)
            for topic, described in discovery(self._config, self._labels, self._model).items():
                link.publish(topic, _json(described))

    def _serve(self, link: Link) -> None:
        """Send what waits, let the network move, forget what was acknowledged."""
        if time.monotonic() >= self._next_health:
            self._next_health = time.monotonic() + HEALTH_SECONDS
            values = {**asdict(self._health), "model": self._model, "waiting": len(self._spool)}
            link.publish(f"{self._config.base}/health", _json(values))
        if link.room:
            for message in self._spool.after(link.last_seq, link.room):
                link.send(message.seq, message.topic, message.payload)
        trouble = link.move(0.0 if self._queue else _IDLE_SECONDS, self._wake_in.fileno())
        with suppress(BlockingIOError):
            self._wake_in.recv(4096)
        done = link.acknowledged()
        if done:
            self._spool.remove(done)
            self._entry.written += len(done)
        if link.reborn():
            self._announce(link)
        if trouble:
            link.drop()
            self._link = None
            self._entry.dropped += self._spool.park()
            self._lost(trouble)

    def _lost(self, trouble: str) -> None:
        self._fail(f"mqtt {self._config.host}: {trouble}; windows wait in {self._config.spool}")
        self._next_attempt = time.monotonic() + self._pause * random.uniform(0.5, 1.5)
        self._pause = min(_LONGEST_PAUSE, self._pause * 2)

    def _fail(self, trouble: str) -> None:
        self._entry.failed(trouble, time.time())
        if trouble != self._told:
            self._report(trouble)
        self._told = trouble


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _genre(record: Record, label: str) -> dict[str, Any]:
    """Payload of the genre topic."""
    if isinstance(record, LiveRecord):
        return {"label": label, "confidence": record.smoothed_confidence, "since": record.time}
    assert isinstance(record, WindowRecord)
    return {"label": label, "confidence": record.confidence, "since": None}
