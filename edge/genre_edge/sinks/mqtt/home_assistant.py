"""Home Assistant's MQTT discovery: messages that make the device appear there by
itself. Each source that has a name is a device of its own, behind this one.

Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...settings.source_table import topic_of
from ...version import __version__
from .settings import MqttConfig

BIRTH_TOPIC = "homeassistant/status"
"""Topic on which Home Assistant publishes "online" after it has started."""


HEARING = "hearing"
"""Last part of the topic that says whether the only source is heard: "online", or
"offline" while it is waited for. A named source has its own status instead."""
_Entity = tuple[str, dict[str, Any]]
"""Component and description of an entity."""


def discovery(
    config: MqttConfig, labels: Sequence[str], model: str, sources: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Describe every entity of the device.

    Parameters
    ----------
    config : MqttConfig
        The device's name and topics.
    labels : sequence of str
        The model's labels.
    model : str
        The model's name.
    sources : sequence of str
        Names of the sources that have one.

    Returns
    -------
    dict
        {topic: configuration}, to be published as retained JSON. An empty one removes
        what a program without names has announced.
    """
    base = config.base
    node = topic_of(config.base)
    device = _device(node, config.name, model)
    if not sources:
        online = [f"{base}/status", f"{base}/{HEARING}"]
        heard = _announced(node, device, online, _heard(base, labels))
        return heard | _announced(node, device, online[:1], _program(base))
    found: dict[str, dict[str, Any]] = {}
    for topic in _announced(node, device, [], _heard(base, labels)):
        found[topic] = {}
    found |= _announced(node, device, [f"{base}/status"], _program(base))
    for source in sources:
        own, part = f"{base}/{topic_of(source)}", f"{node}_{topic_of(source)}"
        behind = {**_device(part, source, model), "via_device": node}
        online = [f"{base}/status", f"{own}/status"]
        found |= _announced(part, behind, online, _heard(own, labels))
    return found


def _device(node: str, name: str, model: str) -> dict[str, Any]:
    return {
        "identifiers": [node],
        "name": name,
        "manufacturer": "genre-edge",
        "model": model,
        "sw_version": __version__,
    }


def _announced(
    node: str, device: dict[str, Any], online: Sequence[str], entities: dict[str, _Entity]
) -> dict[str, dict[str, Any]]:
    """The messages about entities of one device, which is there while every topic of
    `online` says so."""
    if len(online) == 1:
        availability: dict[str, Any] = {"availability_topic": online[0]}
    else:
        availability = {
            "availability": [{"topic": topic} for topic in online],
            "availability_mode": "all",
        }
    return {
        f"homeassistant/{component}/{node}/{key}/config": {
            **described,
            "unique_id": f"{node}_{key}",
            "object_id": f"{node}_{key}",
            **availability,
            "device": device,
            "origin": {"name": "genre-edge", "sw_version": __version__},
        }
        for key, (component, described) in entities.items()
    }


def _heard(base: str, labels: Sequence[str]) -> dict[str, _Entity]:
    """What one source shows: {key: entity}."""
    return {
        "genre": (
            "sensor",
            {
                "name": "Genre",
                "state_topic": f"{base}/genre",
                "value_template": "{{ value_json.label }}",
                "device_class": "enum",
                "options": [*labels, "uncertain", "silence"],
                "icon": "mdi:music",
            },
        ),
        "confidence": (
            "sensor",
            {
                "name": "Confidence",
                "state_topic": f"{base}/window",
                "value_template": "{{ ((value_json.smoothed.confidence "
                "if value_json.smoothed is defined else value_json.confidence) or 0) * 100 }}",
                "unit_of_measurement": "%",
                "state_class": "measurement",
                "suggested_display_precision": 0,
            },
        ),
        "level": (
            "sensor",
            {
                "name": "Level",
                "state_topic": f"{base}/window",
                "value_template": "{{ value_json.level_dbfs if value_json.level_dbfs is defined "
                "else none }}",
                "unit_of_measurement": "dBFS",
                "state_class": "measurement",
                "suggested_display_precision": 0,
            },
        ),
        "music": (
            "binary_sensor",
            {
                "name": "Music playing",
                "state_topic": f"{base}/genre",
                "value_template": "{{ 'OFF' if value_json.label == 'silence' else 'ON' }}",
                "device_class": "sound",
            },
        ),
    }


def _program(base: str) -> dict[str, _Entity]:
    """What the program as a whole shows: {key: entity}."""
    return {
        "dropped": (
            "sensor",
            {
                "name": "Dropped audio",
                "state_topic": f"{base}/health",
                "value_template": "{{ value_json.dropped_seconds }}",
                "unit_of_measurement": "s",
                "device_class": "duration",
                "state_class": "total_increasing",
                "entity_category": "diagnostic",
            },
        ),
    }
