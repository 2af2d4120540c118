"""Statements and bundles put where devices look for them: the bundle first, so that no
statement names one that is not there."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Fault, GenreEdgeError, UpdateError, UsageError, os_reason
from ..files import write_atomically
from ..sinks.mqtt.settings import MqttConfig
from ..sinks.mqtt.wire import Wire, paho_client, properties_of
from ..statement import Statement, read_signed
from .topics import (
    MOST_MESSAGE_BYTES,
    bundle_file,
    bundle_topic,
    statement_file,
    statement_filter,
    statement_topic,
)

_SETTLE_SECONDS = 0.5
"""After so long without a message, the broker has sent all that it keeps, s."""
_ANSWER_SECONDS = 60.0
"""Longest wait for the broker to acknowledge a message, s."""
_TICK_SECONDS = 0.1


@dataclass(frozen=True)
class Publication:
    """What is published."""

    statement: Statement
    """What devices are to have."""
    data: bytes
    """The statement as it was signed."""
    content: bytes | None
    """The bundle; None where devices find it elsewhere, or need none."""
    key: str
    """The public key that signed."""

    def check_serial(self, before: bytes, where: str) -> None:
        """UsageError if devices would not take it, because they have had a later one
        from the same place."""
        try:
            last = read_signed(before, [self.key]).serial
        except UpdateError:  # none, or somebody else's
            return
        if last >= self.statement.serial:
            raise UsageError(
                Fault("serial", self.statement.serial, f"{where} has {last} already; give a higher")
            )


def publish_to_folder(publication: Publication, folder: Path) -> list[str]:
    """Write into a folder that a web server serves.

    Parameters
    ----------
    publication : Publication
        Its bundle's place is the name that `topics.bundle_file` gives, or an address.
    folder : Path
        It must exist.

    Returns
    -------
    list of str
        The names of the files.

    Raises
    ------
    UsageError
        If the folder cannot be written to, or holds a later statement.
    """
    statement, names = statement_file(publication.statement.kind), []
    try:
        before = folder / statement
        if before.is_file():
            publication.check_serial(before.read_bytes(), str(before))
        if publication.content is not None and publication.statement.bundle is not None:
            names.append(bundle_file(publication.statement.bundle.sha256))
            write_atomically(folder / names[0], publication.content, durable=True)
        write_atomically(before, publication.data, durable=True)
    except OSError as error:
        raise UsageError(Fault("to", folder, os_reason(error))) from None
    return [*names, statement]


def publish_to_broker(publication: Publication, config: MqttConfig) -> list[str]:
    """Have a broker keep it.

    Parameters
    ----------
    publication : Publication
        Its bundle's place is the topic that `topics.bundle_topic` gives, or an address.
    config : MqttConfig
        The broker; its prefix is that of the devices.

    Returns
    -------
    list of str
        The topics.

    Raises
    ------
    GenreEdgeError
        If the broker does not take it.
    """
    statement = publication.statement
    if publication.content is not None and len(publication.content) > MOST_MESSAGE_BYTES:
        raise UsageError(
            f"the bundle has more than {MOST_MESSAGE_BYTES >> 20} MiB, too much for a broker: put "
            "it on a web server, and say where (--at URL)"
        )
    topic = statement_topic(config.prefix, statement.kind, statement.devices)
    session = _Session(config)
    try:
        kept = session.kept(statement_filter(config.prefix, statement.kind))
        before = kept.pop(topic, b"")
        publication.check_serial(before, topic)
        topics = [topic]
        if publication.content is not None and statement.bundle is not None:
            topics.insert(0, bundle_topic(config.prefix, statement.bundle.sha256))
            session.keep(topics[0], publication.content)
        session.keep(topic, publication.data)
        session.forget(_left(before, {**kept, topic: publication.data}, publication, config))
    finally:
        session.close()
    return topics


def _left(
    before: bytes, kept: Mapping[str, bytes], publication: Publication, config: MqttConfig
) -> list[str]:
    """Topics of bundles that only the statement before has named."""
    try:
        bundle = read_signed(before, [publication.key]).bundle
    except UpdateError:
        return []
    if bundle is None or any(bundle.sha256.encode() in data for data in kept.values()):
        return []
    return [bundle_topic(config.prefix, bundle.sha256)]


class _Session:
    """One connection that publishes."""

    def __init__(self, config: MqttConfig) -> None:
        paho = paho_client("--to mqtt", "mqtt")
        self._config, self._found, self._last = config, dict[str, bytes](), 0.0
        self._refused: dict[int, str] = {}
        self._acknowledged: set[int] = set()
        self._wire = Wire(
            paho, config, f"genre-edge-publish-{uuid.uuid4().hex[:12]}", protocol=paho.MQTTv5
        )
        self._wire.client.on_publish = self._on_publish
        self._wire.client.on_subscribe = self._on_subscribe
        trouble = self._wire.connect(properties=properties_of("CONNECT"))
        if trouble:
            raise self._error(trouble)

    def kept(self, filters: str) -> dict[str, bytes]:
        """What the broker keeps on topics: {topic: payload}."""
        self._wire.client.message_callback_add(filters, self._take)
        self._wire.client.subscribe(filters, qos=1)
        end = time.monotonic() + _ANSWER_SECONDS
        while not self._last or time.monotonic() - self._last < _SETTLE_SECONDS:
            self._wait(end)
        self._wire.client.unsubscribe(filters)
        return {topic: payload for topic, payload in self._found.items() if payload}

    def keep(self, topic: str, payload: bytes) -> None:
        """Have the broker keep a message, and wait until it says that it does."""
        mid = self._wire.client.publish(topic, payload, qos=1, retain=True).mid
        end = time.monotonic() + _ANSWER_SECONDS
        while mid not in self._acknowledged:
            self._wait(end)
        if mid in self._refused:
            raise self._error(f"{topic} was refused ({self._refused[mid]})")

    def forget(self, topics: list[str]) -> None:
        """Have the broker keep nothing on topics any more."""
        for topic in topics:
            self.keep(topic, b"")

    def close(self) -> None:
        """Disconnect."""
        self._wire.drop()

    def _wait(self, end: float) -> None:
        trouble = self._wire.process(_TICK_SECONDS)
        if not trouble and time.monotonic() > end:
            trouble = "does not answer"
        if trouble:
            raise self._error(trouble)

    def _error(self, trouble: str) -> GenreEdgeError:
        return GenreEdgeError(f"mqtt {self._config.host}: {trouble}")

    def _on_publish(self, client: Any, data: Any, mid: int, reason: Any, properties: Any) -> None:
        self._acknowledged.add(mid)
        if reason is not None and reason.is_failure:
            self._refused[mid] = str(reason)

    def _on_subscribe(
        self, client: Any, data: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        self._last = time.monotonic()

    def _take(self, client: Any, data: Any, message: Any) -> None:
        self._last = time.monotonic()
        self._found[message.topic] = bytes(message.payload)
