"""Home Assistant's MQTT discovery: messages that make the device appear there by
itself. Each source that has a name is a device of its own, behind this one.

Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...settings.source_table import topic_of
from ...version import __version__
from .entities import (
    Entity,
    heard_entities,
    program_entities,
    sensor_entities,
    switch_entities,
    update_entities,
)
from .retained import HEARING
from .settings import MqttConfig

BIRTH_TOPIC = "homeassistant/status"
"""Topic on which Home Assistant publishes "online" after it has started."""
OFF, ON_WISH, ON_THEIR_OWN = "off", "on wish", "on their own"
"""How models come over the network."""
ROOT = "homeassistant"
"""First part of every topic of discovery."""
_LEAST_EXPIRE_SECONDS = 30.0
"""Shortest time after which a value that is not renewed is no longer shown, s."""
_MISSED_WINDOWS = 4
"""That many windows may be late before a value is no longer shown."""


@dataclass(frozen=True)
class Described:
    """What Home Assistant is told of the program."""

    labels: Sequence[str]
    """The model's labels."""
    model: str
    """The model's name."""
    sources: Sequence[str] = ()
    """Names of the sources that have one."""
    window_seconds: float = 3.0
    """Time between two windows, or the length of one where that is longer, s."""
    page: str | None = None
    """Address of the page; None if it is not known."""
    sensors: Sequence[str] = ()
    """What is measured besides the genre: names of SENSORS."""
    has_switch: bool | None = None
    """Whether people may have it stop listening; None if it does not listen."""
    updates: str | None = None
    """How models come over the network: ON_THEIR_OWN, ON_WISH or OFF; None if it does
    not listen."""


def discovery(config: MqttConfig, told: Described) -> dict[str, dict[str, Any]]:
    """Describe every entity.

    Parameters
    ----------
    config : MqttConfig
        The device's name and topics, and the form of the messages.
    told : Described
        What there is to describe.

    Returns
    -------
    dict
        {topic: configuration}, to be published as retained JSON: one for each device,
        or, in the older form, one for each entity.
    """
    base = config.base
    node = topic_of(base)
    expire = math.ceil(max(_LEAST_EXPIRE_SECONDS, _MISSED_WINDOWS * told.window_seconds))
    device = _device(node, config.name, told)
    online = [f"{base}/status"]
    program = _available(program_entities(base), online)
    switch = switch_entities(base)
    if told.has_switch:
        program |= _available(switch, online)
    not_there = switch if told.has_switch is False else {}
    update = update_entities(base, told.updates == ON_WISH)
    if told.updates in (ON_WISH, ON_THEIR_OWN):
        program |= _available(update, online)
    elif told.updates is not None:
        not_there = not_there | update
    if not told.sources:
        entities = program | _heard(base, [*online, f"{base}/{HEARING}"], online, told, expire)
        return _messages(config, node, device, entities, _off(base, told, expire) | not_there)
    alone = heard_entities(base, told.labels, expire) | sensor_entities(base, expire)
    found = _messages(config, node, device, program, alone | not_there)
    for source in told.sources:
        own, (part,) = f"{base}/{topic_of(source)}", nodes_of(config, [source])
        behind = {**_device(part, source, told), "via_device": node}
        entities = _heard(own, [*online, f"{own}/status"], online, told, expire)
        found |= _messages(config, part, behind, entities, _off(own, told, expire))
    return found


def described(
    config: MqttConfig, name: str, entities: Mapping[str, Entity]
) -> dict[str, dict[str, Any]]:
    """Describe another device than one that listens, as `discovery` does: it is there
    while its topic "status" says so.

    Parameters
    ----------
    config : MqttConfig
        The device's name and topics, and the form of the messages.
    name : str
        What people call it.
    entities : mapping
        {key: entity}.
    """
    node = topic_of(config.base)
    device = _device(node, name, Described((), name))
    return _messages(config, node, device, _available(entities, [f"{config.base}/status"]), {})


def nodes_of(config: MqttConfig, sources: Sequence[str]) -> list[str]:
    """Ids of the devices that sources are."""
    return [f"{topic_of(config.base)}_{topic_of(source)}" for source in sources]


def discovery_filters(nodes: Sequence[str]) -> list[str]:
    """Topic filters of everything that `discovery` may have announced of devices, in
    either form."""
    return [
        f"{ROOT}/{end}" for one in nodes for end in (f"device/{one}/config", f"+/{one}/+/config")
    ]


def node_of(topic: str) -> str:
    """Id of the device that a topic of discovery is about."""
    return topic.split("/")[2]


def is_of_device(topic: str) -> bool:
    """Whether a topic of discovery is one of the form that describes a whole device."""
    return topic.startswith(f"{ROOT}/device/")


def _device(node: str, name: str, told: Described) -> dict[str, Any]:
    device = {
        "identifiers": [node],
        "name": name,
        "manufacturer": "genre-edge",
        "model": told.model,
        "sw_version": __version__,
    }
    return device if told.page is None else {**device, "configuration_url": told.page}


def _heard(
    base: str, heard: Sequence[str], online: Sequence[str], told: Described, expire: int
) -> dict[str, Entity]:
    """A source's entities: what is heard is there while the source is; whether the
    source has a problem is known without it."""
    entities = heard_entities(base, told.labels, expire)
    problem = {"problem": entities.pop("problem")}
    sensors = sensor_entities(base, expire)
    entities |= {name: sensors[name] for name in told.sensors}
    return _available(entities, heard) | _available(problem, online)


def _off(base: str, told: Described, expire: int) -> dict[str, Entity]:
    """The entities of the sensors that are off."""
    sensors = sensor_entities(base, expire)
    return {name: sensors[name] for name in sensors if name not in told.sensors}


def _available(entities: Mapping[str, Entity], online: Sequence[str]) -> dict[str, Entity]:
    """Entities that are there while every topic of `online` says so."""
    condition = {
        "availability": [{"topic": topic} for topic in online],
        "availability_mode": "all",
    }
    return {
        key: (component, {**described, **condition})
        for key, (component, described) in entities.items()
    }


def _messages(
    config: MqttConfig,
    node: str,
    device: dict[str, Any],
    entities: Mapping[str, Entity],
    gone: Mapping[str, Entity],
) -> dict[str, dict[str, Any]]:
    """The messages about one device, in the form that the user wants. Entities that are
    `gone` are removed if they were there."""
    common = {"device": device, "origin": {"name": "genre-edge", "sw_version": __version__}}
    named = {
        key: (
            component,
            {
                **described,
                "unique_id": f"{node}_{key}",
                "default_entity_id": f"{component}.{node.lower().replace('-', '_')}_{key}",
            },
        )
        for key, (component, described) in entities.items()
    }
    if not config.one_message:
        return {
            f"{ROOT}/{component}/{node}/{key}/config": {**described, **common}
            for key, (component, described) in named.items()
        }
    components = {
        key: {"platform": component, **described} for key, (component, described) in named.items()
    }
    removed = {key: {"platform": component} for key, (component, _) in gone.items()}
    return {f"{ROOT}/device/{node}/config": {**common, "components": components | removed}}
