"""Home Assistant's MQTT discovery: messages that make the device appear there by
itself.

Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...version import __version__
from .settings import MqttConfig

BIRTH_TOPIC = "homeassistant/status"
"""Topic on which Home Assistant publishes "online" after it has started."""


def discovery(config: MqttConfig, labels: Sequence[str], model: str) -> dict[str, dict[str, Any]]:
    """Describe every entity of the device.

    Parameters
    ----------
    config : MqttConfig
        The device's name and topics.
    labels : sequence of str
        The model's labels.
    model : str
        The model's name.

    Returns
    -------
    dict
        {topic: configuration}, to be published as retained JSON.
    """
    base = config.base
    node = f"{config.prefix}_{config.name}".replace("/", "_").replace(".", "_")
    device = {
        "identifiers": [node],
        "name": config.name,
        "manufacturer": "genre-edge",
        "model": model,
        "sw_version": __version__,
    }
    entities: dict[str, tuple[str, dict[str, Any]]] = {
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
    return {
        f"homeassistant/{component}/{node}/{key}/config": {
            **described,
            "unique_id": f"{node}_{key}",
            "object_id": f"{node}_{key}",
            "availability_topic": f"{base}/status",
            "device": device,
            "origin": {"name": "genre-edge", "sw_version": __version__},
        }
        for key, (component, described) in entities.items()
    }
