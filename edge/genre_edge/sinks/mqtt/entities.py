"""The entities that Home Assistant shows: what each is, and its state in a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...model.bundle_checks import RESERVED

UPDATE, INSTALL = "update", "install"
"""Last part of the topic with what is known of updates, and the wish for one."""
Entity = tuple[str, dict[str, Any]]
"""Component and description of an entity."""


def heard_entities(base: str, labels: Sequence[str], expire_seconds: int) -> dict[str, Entity]:
    """What one source shows.

    Parameters
    ----------
    base : str
        What the source's topics begin with.
    labels : sequence of str
        The model's labels.
    expire_seconds : int
        Time after which a number that is not renewed is no longer shown, s.

    Returns
    -------
    dict
        {key: entity}.
    """
    number = _number(base, expire_seconds)
    return {
        "genre": (
            "sensor",
            {
                "name": "Genre",
                "icon": "mdi:music",
                "state_topic": f"{base}/genre",
                "value_template": "{{ value_json.label }}",
                "device_class": "enum",
                "options": [*labels, *(label for label in RESERVED if label not in labels)],
                "json_attributes_topic": f"{base}/genre",
                "json_attributes_template": "{{ {'scores': value_json.scores, 'since': "
                "value_json.since} | tojson }}",
            },
        ),
        "confidence": (
            "sensor",
            {
                "name": "Confidence",
                "icon": "mdi:percent",
                "value_template": "{% set sure = (value_json.smoothed if value_json.smoothed is "
                "defined else value_json).confidence %}"
                "{{ none if sure is none else sure * 100 }}",
                "unit_of_measurement": "%",
                **number,
            },
        ),
        "level": (
            "sensor",
            {
                "name": "Level",
                "icon": "mdi:volume-medium",
                "value_template": "{{ value_json.level_dbfs if value_json.level_dbfs is defined "
                "else none }}",
                "unit_of_measurement": "dBFS",
                "entity_category": "diagnostic",
                **number,
            },
        ),
        "music": (
            "binary_sensor",
            {
                "name": "Music playing",
                "icon": "mdi:music-circle",
                "state_topic": f"{base}/music",
            },
        ),
        "problem": (
            "binary_sensor",
            {
                "name": "Microphone problem",
                "state_topic": f"{base}/state",
                "value_template": "{{ none if value_json.state == 'starting' else "
                "'OFF' if value_json.state in ('listening', 'paused') else 'ON' }}",
                "device_class": "problem",
                "entity_category": "diagnostic",
                "json_attributes_topic": f"{base}/state",
            },
        ),
    }


def sensor_entities(base: str, expire_seconds: int) -> dict[str, Entity]:
    """What one source shows of each further sensor, where that is on: {name of the
    sensor: entity}. The parameters are those of `heard_entities`."""
    number = _number(base, expire_seconds)
    return {
        "loudness": (
            "sensor",
            {
                "name": "Loudness",
                "icon": "mdi:ear-hearing",
                "value_template": "{{ value_json.get('loudness_lufs') }}",
                "unit_of_measurement": "LUFS",
                **number,
            },
        ),
        "music_score": (
            "sensor",
            {
                "name": "Music score",
                "icon": "mdi:music-circle-outline",
                "value_template": "{% set score = value_json.get('music_score') %}"
                "{{ none if score is none else score * 100 }}",
                "unit_of_measurement": "%",
                "entity_category": "diagnostic",
                **number,
            },
        ),
        "tempo": (
            "sensor",
            {
                "name": "Tempo",
                "icon": "mdi:metronome",
                "value_template": "{{ value_json.get('bpm') }}",
                "unit_of_measurement": "BPM",
                "json_attributes_topic": f"{base}/window",
                "json_attributes_template": "{{ {'confidence': "
                "value_json.get('bpm_confidence')} | tojson }}",
                **number,
            },
        ),
    }


def _number(base: str, expire_seconds: int) -> dict[str, Any]:
    """What all numbers of windows have in common."""
    return {
        "state_topic": f"{base}/window",
        "expire_after": expire_seconds,
        "state_class": "measurement",
        "suggested_display_precision": 0,
    }


def switch_entities(base: str) -> dict[str, Entity]:
    """The switch that has the program stop listening: {key: entity}; `base` begins its
    topics."""
    return {
        "listening": (
            "switch",
            {
                "name": "Listening",
                "icon": "mdi:microphone",
                "state_topic": f"{base}/listening",
                "command_topic": f"{base}/listening/set",
            },
        ),
    }


def update_entities(base: str, asks: bool) -> dict[str, Entity]:
    """The model, and the update for it: {key: entity}.

    Parameters
    ----------
    base : str
        What the topics begin with.
    asks : bool
        Whether people say when it is installed.
    """
    topic = f"{base}/{UPDATE}"
    command = {"command_topic": f"{topic}/set", "payload_install": INSTALL} if asks else {}
    described = {"name": "Model", "icon": "mdi:brain", "state_topic": topic, **command}
    return {"update": (UPDATE, {**described, "entity_category": "config"})}


def program_entities(base: str) -> dict[str, Entity]:
    """What the program as a whole shows: {key: entity}; `base` begins its topics."""
    return {
        "dropped": (
            "sensor",
            {
                "name": "Dropped audio",
                "icon": "mdi:timer-alert-outline",
                "state_topic": f"{base}/health",
                "value_template": "{{ value_json.dropped_seconds }}",
                "unit_of_measurement": "s",
                "device_class": "duration",
                "state_class": "total_increasing",
                "entity_category": "diagnostic",
            },
        ),
    }
