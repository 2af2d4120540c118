"""Home Assistant's core with its MQTT integration alone: for home-assistant-check. It
reads one command a line and answers each with a line of JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import Any

from homeassistant import core, loader
from homeassistant.config_entries import ConfigEntries, ConfigEntry
from homeassistant.const import __version__
from homeassistant.helpers import (
    area_registry,
    category_registry,
    condition,
    device_registry,
    entity,
    entity_registry,
    floor_registry,
    frame,
    issue_registry,
    label_registry,
    restore_state,
    template,
    translation,
    trigger,
)

_REGISTRIES = (
    area_registry,
    category_registry,
    device_registry,
    entity_registry,
    floor_registry,
    issue_registry,
    label_registry,
)
_NOISE = ("LiteLLM", "homeassistant.helpers.frame")
"""Loggers of what Home Assistant says of itself and of its libraries."""


class _Warnings(logging.Handler):
    """What is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(_NOISE):
            self.lines.append(f"{record.levelname} {record.name}: {self.format(record)}")


async def _started(folder: str, port: int) -> core.HomeAssistant:
    Path(folder, "configuration.yaml").touch()
    hass = core.HomeAssistant(folder)
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = ConfigEntries(hass, {})
    await loader.async_get_custom_components(hass)
    for helper in (entity, frame, template, translation):
        helper.async_setup(hass)
    for registry in _REGISTRIES:
        await registry.async_load(hass)
    await template.async_load_custom_templates(hass)
    await restore_state.async_load(hass)
    await condition.async_setup(hass)
    await trigger.async_setup(hass)
    await hass.config_entries.async_initialize()
    # Nothing here serves Home Assistant's own pages.
    hass.config.components |= {"http", "file_upload"}
    await hass.async_start()
    entry = ConfigEntry(
        data={"broker": "127.0.0.1", "port": port},
        discovery_keys=MappingProxyType({}),
        domain="mqtt",
        minor_version=1,
        options={},
        source="user",
        subentries_data=None,
        title="broker",
        unique_id=None,
        version=1,
    )
    await hass.config_entries.async_add(entry)
    return hass


def _everything(hass: core.HomeAssistant, warnings: _Warnings) -> dict[str, Any]:
    """Entities by unique id, devices by name, and the warnings so far."""
    registry, devices = entity_registry.async_get(hass), device_registry.async_get(hass)
    found = {}
    for entry in registry.entities.values():
        state = hass.states.get(entry.entity_id)
        found[entry.unique_id] = {
            "entity": entry.entity_id,
            "name": entry.name or entry.original_name,
            "category": entry.entity_category,
            "state": None if state is None else state.state,
            "attributes": {} if state is None else dict(state.attributes),
        }
    return {
        "version": __version__,
        "entities": found,
        "devices": {
            device.name: {
                "url": device.configuration_url,
                "behind": device.via_device_id and devices.async_get(device.via_device_id).name,
            }
            for device in devices.devices.values()
        },
        "warnings": warnings.lines,
    }


async def _answer(port: int) -> None:
    warnings = _Warnings()
    logging.getLogger().addHandler(warnings)
    with tempfile.TemporaryDirectory() as folder:
        hass = await _started(folder, port)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            command, *words = line.split()
            if command == "rename":
                entity_registry.async_get(hass).async_update_entity(words[0], name=words[1])
            if command == "turn":
                which = {"entity_id": words[0]}
                await hass.services.async_call("switch", f"turn_{words[1]}", which, blocking=True)
            print(json.dumps(_everything(hass, warnings), default=str), flush=True)
        await hass.async_stop(force=True)


if __name__ == "__main__":
    asyncio.run(_answer(int(sys.argv[1])))
