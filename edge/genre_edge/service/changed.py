"""What has changed between two readings of the settings."""

from __future__ import annotations

from dataclasses import fields, replace

from ..settings.settings import Settings
from ..settings.source_table import SourceConfig
from ..settings.tables import CaptureConfig
from ..settings.update_table import MQTT
from ..sinks.mqtt.settings import SECTION as MQTT_TABLE


def heard_thing(config: CaptureConfig | SourceConfig) -> tuple[type, str | None]:
    """What a gain is set for: a stream by its address, a microphone by its device."""
    address = config.url if isinstance(config, SourceConfig) else config.device
    return type(config), address


def need_restart(old: Settings, new: Settings) -> list[str]:
    """Names of the settings that differ and are read only when the program starts."""
    found = []
    # The gain is applied at once, to a stream as to the microphone.
    if _without_gain(old) != _without_gain(new):
        found.append("source")
    pairs = (
        ("microphone", replace(old.microphone, gain_db=new.microphone.gain_db), new.microphone),
        ("model", old.model, new.model),
        ("web", old.web, new.web),
        ("update", old.update, new.update),
    )
    for section, before, after in pairs:
        for option in fields(before):
            if getattr(before, option.name) != getattr(after, option.name):
                found.append(f"{section}.{option.name}")
    if old.update.url == new.update.url == MQTT and old.of(MQTT_TABLE) != new.of(MQTT_TABLE):
        found.append("update.url")  # its broker is another, or known by another name
    return found


def _without_gain(settings: Settings) -> list[SourceConfig]:
    """The streams, as they are but for their gain."""
    return [replace(source, gain_db=0.0) for source in settings.sources]
