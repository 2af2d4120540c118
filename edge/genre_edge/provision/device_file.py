"""The configuration of one device, made from a file that all have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..service.systemd_unit import SECRETS
from ..settings.edit import with_value
from ..settings.elsewhere import check_elsewhere
from ..settings.section import Section
from ..settings.settings import options_by_key
from ..settings.text import as_toml
from ..settings.tomlfile import parse_toml
from ..sinks.mqtt.settings import MqttConfig, MqttOptions, mqtt_config
from .names import Wanted

_ADDRESS = re.compile(r"(mqtts?://)(?:[^@:/]*@)?([^@]+)")
"""Scheme, and what follows the user."""


@dataclass(frozen=True)
class DeviceFile:
    """A device's configuration."""

    text: str
    """TOML."""
    config: MqttConfig
    """Its name and topics."""
    sources: tuple[str, ...]
    """Names of its sources that have one."""


def checked(text: str, name: Path, sections: Sequence[Section[Any]]) -> None:
    """Check settings as the device will, but for files that are there and not here.

    Parameters
    ----------
    text
        TOML.
    name
        What messages call it.
    sections
        The tables of the sinks, as for `load`.

    Raises
    ------
    UsageError
        With a line for each fault.
    """
    check_elsewhere(parse_toml(name, text), sections, None, SECRETS, later=True)


def read_device(text: str, name: Path) -> DeviceFile:
    """A device by its configuration. Only what tells its topics is checked.

    Parameters
    ----------
    text
        TOML.
    name
        What messages call it.

    Raises
    ------
    UsageError
        If broker and name are not set, or wrong.
    """
    values = parse_toml(name, text).values
    mqtt, tables = values.get("mqtt"), values.get("source")
    url, called = (mqtt.get(key) if isinstance(mqtt, dict) else None for key in ("url", "name"))
    if not isinstance(url, str) or not isinstance(called, str):
        raise UsageError(f"{name}: mqtt.url and mqtt.name must be set")
    named = [
        table["name"]
        for table in (tables if isinstance(tables, list) else [])
        if isinstance(table, dict) and isinstance(table.get("name"), str) and table["name"]
    ]
    try:
        config = mqtt_config(MqttOptions(url=url, name=called), Path())
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None
    return DeviceFile(text, config, tuple(named))


def make_device(
    wanted: Wanted,
    common: str,
    broker: str,
    name: Path,
    there: DeviceFile | None,
    sections: Sequence[Section[Any]],
) -> DeviceFile:
    """The configuration of one device.

    Parameters
    ----------
    wanted
        The device.
    common
        TOML that all have in common.
    broker
        The broker's address; empty: that of `common`.
    name
        What messages call the device's file.
    there
        What the file holds; None if there is none. The same again is not checked.
    sections
        The tables of the sinks, as for `load`.

    Returns
    -------
    DeviceFile
        `common` with the broker, the device's user, its name, and what is particular to
        it.

    Raises
    ------
    UsageError
        With a line for each fault.
    """
    if not broker:
        mqtt = parse_toml(name, common).values.get("mqtt", {})
        broker = str(mqtt.get("url", "")) if isinstance(mqtt, dict) else ""
    found = _ADDRESS.fullmatch(broker)
    if found is None:
        shown = "" if "@" in broker else f" {broker}"  # with a password perhaps
        raise UsageError(
            f"broker{shown}: must be mqtt://HOST or mqtts://HOST, without a password; --broker "
            "gives it, or mqtt.url of the template"
        )
    values: dict[str, Any] = {
        "mqtt.url": f"{found[1]}{wanted.user}@{found[2]}",
        "mqtt.name": wanted.name,
    }
    known = options_by_key(sections)
    for key, text in wanted.settings.items():
        if key in values:
            raise UsageError(f"device {wanted.name}: {key}: follows from its name and the broker")
        if key not in known:
            raise UsageError(f"device {wanted.name}: {key}: no such setting")
        try:
            values[key] = known[key][1].from_text(text)
        except ValueError as error:
            raise UsageError(f"device {wanted.name}: {key}: {error}") from None
    made = common
    for key, value in values.items():
        table, _, one = key.partition(".")
        made = with_value(made, table, one, as_toml(value), "")
    if there is not None and there.text == made:
        return there
    checked(made, name, sections)
    return read_device(made, name)
