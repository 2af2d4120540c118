"""MQTT: every window, the label, the status and the health, on a thread of its own with
one connection at a time.

<prefix>/<name>/window    each window, QoS 1, in order, with an id; waits on disk
                          while the broker is away
<prefix>/<name>/stretch   each finished stretch of one label, QoS 1, with an id; waits
                          likewise
<prefix>/<name>/genre     retained, on a change of the label
<prefix>/<name>/status    retained, "online" or, by last will, "offline"
<prefix>/<name>/hearing   retained, "online", or "offline" while the source is lost
<prefix>/<name>/state     retained, the source's state and why
<prefix>/<name>/music     retained, "ON" while music plays and shortly after, else "OFF"
<prefix>/<name>/listening the switch: see `remote_switch`
<prefix>/<name>/update    see `remote_update`
<prefix>/<name>/health    retained, every 30 s

All but the health of a source that has a name have topics of their
own: <prefix>/<name>/<source>/window and so on.
"""

from __future__ import annotations

import random
import socket
import time
import uuid
from contextlib import suppress

from ...records import (
    LiveRecord,
    Record,
    WindowRecord,
    compact_json,
    iso8601,
    source_name_of,
)
from ...version import __version__
from ..kind import SinkContext
from ..sink import CLOSE_SECONDS
from ..worker import QUEUE_LENGTH, Worker
from .announcement import Announcement
from .connection import Connection
from .remote_switch import RemoteSwitch
from .remote_update import RemoteUpdate
from .retained import Retained
from .settings import MqttConfig
from .spool import Spool
from .spool_rows import Message
from .stretch_messages import TOPIC as STRETCH
from .stretch_messages import StretchMessages
from .wire import CONNECT_SECONDS, paho_client

HEALTH_SECONDS = 30.0
"""Time between two messages on the health topic."""
_IDLE_SECONDS = 5.0
"""Longest wait for a record or the network. MQTT's keep-alive must be looked after at
least that often."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Pause before a new attempt to connect, s: doubled each time, with jitter."""
_CLOSE_GRACE_SECONDS = CONNECT_SECONDS + 5.0
"""Time that the thread may take beyond what `close` allows: it may be connecting."""


class MqttSink:
    """Publishes records. For live audio `write` never waits; for files it waits for
    room in the queue."""

    def __init__(self, config: MqttConfig, context: SinkContext, most: int = QUEUE_LENGTH) -> None:
        """Make the queue; `start` starts the thread, which connects.

        Parameters
        ----------
        config : MqttConfig
            The broker and how to reach it.
        context : SinkContext
            The program that this sink belongs to.
        most : int
            Records that may wait for the thread.

        Raises
        ------
        UsageError
            If paho-mqtt is not installed.
        """
        self._paho = paho_client("mqtt", "mqtt")
        self._config, self._context, self._entry = config, context, context.entry
        self._session, self._number = uuid.uuid4().hex[:12], 0
        self._stretches_sent: set[int] = set()
        """Those in flight. They are not counted: their windows are."""
        sources = [source.name for source in context.health.named]
        self._retained = Retained(config.base, sources, config.music_hold)
        self._stretches = StretchMessages(self._session, self._retained.base_of)
        self._connection: Connection | None = None
        self._announcement: Announcement | None = None
        self._switch: RemoteSwitch | None = None
        self._update: RemoteUpdate | None = None
        self._pause, self._next_attempt, self._next_health = _FIRST_PAUSE, 0.0, 0.0
        self._reported = ""
        """The trouble that was reported last, until it is over."""
        self._reported_of_spool = ""
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._worker = Worker(
            self._run, context.entry, context.report, context.wait, most, self._wake_up
        )

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def write(self, record: Record) -> None:
        """Queue one record."""
        self._worker.put(record)

    def close(self, within: float = CLOSE_SECONDS) -> None:
        """Deliver what is left, for `within` seconds; what cannot be delivered by then
        waits on disk for the next start."""
        self._worker.close(within, _CLOSE_GRACE_SECONDS)
        self._wake_out.close()
        if not self._worker.is_working:  # else it still waits for the other end
            self._wake_in.close()

    def _wake_up(self) -> None:
        """End a wait for the network."""
        with suppress(OSError):  # full: it wakes up anyway; closed: the thread has ended
            self._wake_out.send(b".")

    def _run(self) -> None:
        self._spool = Spool(self._config.spool, self._config.spool_bytes)
        self._entry.dropped += self._spool.park()  # there is no connection yet
        try:
            while not self._is_finished():
                self._take_records()
                if self._connection is None:
                    self._try_to_connect()
                else:
                    self._exchange(self._connection)
        finally:
            self._look_at_spool()
            connection, self._connection = self._connection, None
            try:
                if connection is not None:
                    connection.leave(f"{self._config.base}/status")
            finally:
                self._entry.dropped += self._spool.close()
                self._look_at_spool()

    def _is_finished(self) -> bool:
        deadline = self._worker.deadline
        if deadline is None or len(self._worker):
            return False
        for topic, payload in self._stretches.finish():
            self._entry.dropped += self._spool.put(topic, payload)
        if self._connection is None:
            # After a failed attempt there is no time for another: windows wait on disk.
            return self._next_attempt > 0 or time.monotonic() >= deadline
        all_delivered = not len(self._spool) and not self._connection.is_busy
        return all_delivered or time.monotonic() >= deadline

    def _take_records(self) -> None:
        """Turn what is queued into messages. Without a connection, wait for more until
        the next attempt to connect."""
        wait = 0.0 if self._connection else max(0.0, self._next_attempt - time.monotonic())
        if self._may_take():
            for record in self._worker.take_all(wait):
                try:
                    self._publish(record)
                except Exception as error:  # one record must not stop those behind it
                    self._entry.dropped += 1
                    self._fail(f"mqtt: a record cannot be sent ({type(error).__name__}: {error})")
        self._look_at_spool()

    def _may_take(self) -> bool:
        """Whether the spool takes more. With a connection it soon will, and what waits
        in the queue meanwhile is not lost."""
        deadline = self._worker.deadline
        is_over = deadline is not None and time.monotonic() >= deadline
        return self._connection is None or self._spool.has_room or is_over

    def _look_at_spool(self) -> None:
        """Tell what happened to it."""
        if self._spool.trouble != self._reported_of_spool:
            self._reported_of_spool = self._spool.trouble
            if self._spool.trouble:
                self._entry.failed(self._spool.trouble, time.time())
                self._context.report(self._spool.trouble)
        if self._spool.damage:
            self._entry.dropped += self._spool.lost
            self._entry.failed(self._spool.damage, time.time())
            self._context.report(self._spool.damage)
            self._spool.damage, self._spool.lost = "", 0

    def _publish(self, record: Record) -> None:
        """Put a window into the spool; publish what else has changed."""
        if isinstance(record, LiveRecord | WindowRecord):
            self._number += 1
            payload = {**record.to_json(), "id": f"{self._session}-{self._number}"}
            base = self._retained.base_of(source_name_of(record))
            self._entry.dropped += self._spool.put(f"{base}/window", _encoded(payload))
        for topic, message in self._stretches.after(record):
            self._entry.dropped += self._spool.put(topic, message)
        for topic, message in self._retained.changed_by(record).items():
            if self._connection is not None:
                self._connection.publish(topic, message)

    def _try_to_connect(self) -> None:
        if time.monotonic() < self._next_attempt:
            return
        connection = Connection(self._paho, self._config)
        trouble = connection.connect()
        if trouble:
            connection.drop()
            self._entry.dropped += self._spool.park()  # the disk may be free again
            self._wait_after(trouble)
            return
        self._connection, self._pause = connection, _FIRST_PAUSE
        if self._reported:
            host, waiting = self._config.host, len(self._spool)
            self._context.report(f"mqtt {host}: connected, {waiting} windows waiting")
            self._reported = ""
        connection.publish(f"{self._config.base}/status", b"online")
        self._announcement = Announcement(self._config, self._context, connection)
        if self._context.switch is not None and self._config.switch:
            self._switch = RemoteSwitch(
                self._config.base, self._context.switch, connection, self._context.report
            )
        if self._context.updates is not None:
            self._update = RemoteUpdate(self._config.base, self._context.updates, connection)
        for topic, payload in self._retained.messages.items():
            connection.publish(topic, payload)
        self._next_health = 0.0

    def _exchange(self, connection: Connection) -> None:
        """Send what waits, process the network, forget what the broker has."""
        if time.monotonic() >= self._next_health:
            self._next_health = time.monotonic() + HEALTH_SECONDS
            self._publish_health(connection)
        if connection.room:
            for message in self._spool.after(connection.last_seq, connection.room):
                self._send(connection, message)
        idle = _IDLE_SECONDS
        if self._switch is not None:
            self._switch.go_on()
        if self._update is not None:
            self._update.go_on()
        if self._announcement is not None:
            self._announcement.go_on()
            idle = min(idle, self._announcement.wait_seconds)
        wait = 0.0 if len(self._worker) and self._may_take() else idle
        trouble = connection.process(wait, self._wake_in.fileno())
        with suppress(BlockingIOError):
            self._wake_in.recv(4096)
        delivered = connection.acknowledged()
        if delivered:
            stretches = self._stretches_sent.intersection(delivered)
            self._stretches_sent -= stretches
            self._entry.written += self._spool.remove(
                [seq for seq in delivered if seq not in stretches]
            )
            self._spool.remove(list(stretches))
        if trouble:
            connection.drop()
            self._connection = None
            self._stretches_sent.clear()
            self._entry.dropped += self._spool.park()
            self._wait_after(trouble)

    def _send(self, connection: Connection, message: Message) -> None:
        """Send a window; one that no broker could take is dropped."""
        try:
            connection.send(message.seq, message.topic, message.payload)
            if message.topic.endswith(f"/{STRETCH}"):
                self._stretches_sent.add(message.seq)
        except (ValueError, TypeError) as error:  # a topic that was changed on the disk
            self._entry.dropped += self._spool.remove([message.seq])
            self._fail(f"mqtt: a waiting window cannot be sent ({error})")

    def _publish_health(self, connection: Connection) -> None:
        health, model = self._context.health.to_json(), self._context.model
        values = {
            **health,
            "model": model,
            "label": self._retained.label,
            "waiting": len(self._spool),
            "version": __version__,
            "time": iso8601(time.time()),
        }
        connection.publish(f"{self._config.base}/health", _encoded(values))

    def _wait_after(self, trouble: str) -> None:
        """Report why there is no connection, and when to try the next one."""
        self._fail(f"mqtt {self._config.host}: {trouble}; windows wait in {self._config.spool}")
        self._next_attempt = time.monotonic() + self._pause * random.uniform(0.5, 1.5)
        self._pause = min(_LONGEST_PAUSE, self._pause * 2)

    def _fail(self, trouble: str) -> None:
        self._entry.failed(trouble, time.time())
        if trouble != self._reported:
            self._context.report(trouble)
        self._reported = trouble


def _encoded(values: dict[str, object]) -> bytes:
    return compact_json(values).encode()
