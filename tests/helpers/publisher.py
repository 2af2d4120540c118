"""An MQTT sink at work, and what it reports."""

from __future__ import annotations

from pathlib import Path

from genre_edge.health import Health, SinkHealth, SourceHealth
from genre_edge.sinks.kind import SinkContext
from genre_edge.sinks.mqtt import sink as mqtt
from genre_edge.sinks.mqtt.settings import mqtt_config, parse_mqtt

LABELS = ("jazz", "rock")


class Publisher:
    """An MqttSink and what it reports."""

    def __init__(self, text: str, folder: Path, *sources: str, wait: bool = False) -> None:
        health = Health([SourceHealth(name) for name in sources or ("",)])
        self.health, self.entry, self.said = health, SinkHealth("mqtt"), []
        self.config = mqtt_config(parse_mqtt(f"{text},spool={folder / 'spool'}"), folder)
        context = SinkContext(
            self.entry, self.health, LABELS, "gtzan-edge.int8", self.said.append, wait=wait
        )
        self.sink = mqtt.MqttSink(self.config, context)
        self.sink.start()
