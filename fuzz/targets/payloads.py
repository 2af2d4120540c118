"""Payloads and templates: names, labels and templates that nobody would choose."""

from __future__ import annotations

import json
import random
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from genre_edge.console import complain
from genre_edge.errors import GenreEdgeError
from genre_edge.records import FileRecord, compact_json, valid_utf8
from genre_edge.settings.source_table import SourceConfig, parse_source
from genre_edge.sinks.mqtt.home_assistant import Described, discovery
from genre_edge.sinks.mqtt.settings import mqtt_config, parse_mqtt
from genre_edge.sinks.webhook_settings import parse_webhook

from ..damage import damaged_text
from ..target import Target, Unexpected

_WEBHOOKS = (
    "https://example.org/hook,every=window,timeout=3,header=X-Room:kitchen",
    "http://example.org/,template=now {label} ({confidence:.0%}) {scores}",
    "http://example.org/,retries=3,template={label!r:>30}",
)
_BROKERS = ("mqtt://user@broker:1883/music/room,name=kitchen,spool-mb=3", "mqtts://broker")
_SOURCES = ("https://example.org/radio,name=küche,gain-db=3", "rtsp://u:p@cam/live?x=1", "file:/a")
_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))
"""A part of words in some scripts: they stay, and are left out before the check."""
_NAMES = ("jazz", "küche", "a\nb", "\x1b[2J", "\ud800", "x" * 5000, "", "{label}", "🎷", "#/+")


def attempt(chance: random.Random, folder: Path) -> None:
    """Read one flag of a sink or source; make the payloads of one record."""
    label, name = (damaged_text(chance, _NAMES) for _ in range(2))
    record = FileRecord(name, 3.0, 1, label, 0.5, {label: 0.5})
    json.loads(compact_json(record.to_json()).encode("utf-8"))
    try:
        kind = chance.randrange(3)
        if kind == 0:
            config = parse_webhook(damaged_text(chance, _WEBHOOKS))
            _body_of(config, record)
        elif kind == 1:
            options = parse_mqtt(damaged_text(chance, _BROKERS))
            found = discovery(mqtt_config(options, folder), Described((label, name), name, (name,)))
            for topic, described in found.items():
                _check_topic(topic)
                valid_utf8(json.dumps(described, ensure_ascii=False)).encode()
        else:
            SourceConfig(**parse_source(damaged_text(chance, _SOURCES)))
    except GenreEdgeError as error:
        said = StringIO()
        with redirect_stderr(said):
            complain(error)  # it may quote what the user wrote
        lines = said.getvalue().translate(_JOINERS).splitlines()
        if not all(line.isprintable() for line in lines):
            raise Unexpected(f"not printable: {said.getvalue()!r:.300}") from error


def _body_of(config: object, record: FileRecord) -> None:
    from genre_edge.sinks import webhook

    sink = webhook.WebhookSink(config)  # type: ignore[arg-type]
    sink._body(record)


def _check_topic(topic: str) -> None:
    if not topic or any(letter in "+#\0" for letter in topic):
        raise Unexpected(f"no topic: {topic!r}")
    topic.encode("utf-8")


TARGET = Target("payloads", attempt)
