"""Settings as TOML: the commented file to begin with, and what is in force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..sinks.mqtt_settings import PASSWORD_VARIABLE
from ..sinks.webhook_settings import WebhookConfig
from .load import PREFIX, SECTIONS, Settings
from .options import Declared, declared

_TITLES = {
    "microphone": "The microphone",
    "listen": "What is made of what it hears",
    "model": "The model",
    "history": "Remembering (genre-edge history shows it)",
    "mqtt": "MQTT and Home Assistant",
    "on_change": "A command at each change of the label",
    "web": "The page and the prediction service",
    "webhook": "HTTP POST; the table may be repeated",
}

_HEAD = f"""\
# genre-edge: what the listening program does.
# A line that begins with "# " and a key holds the default.
# Flags of genre-edge listen stand above this file, and above it environment variables such as
# {PREFIX}LISTEN_SMOOTH=5. `genre-edge config check` reads it and names every fault;
# `systemctl reload genre-edge` applies a change (microphone and model: at the next start).
"""


def commented(values: Mapping[str, Mapping[str, Any]]) -> str:
    """A whole configuration file, every key explained; `values` ({section: {key:
    value}}) stand uncommented."""
    parts = [_HEAD]
    for name, cls in {**SECTIONS, "webhook": WebhookConfig}.items():
        said = values.get(name, {})
        head = f"[{name}]" if name != "webhook" else "# [[webhook]]"
        lines = [f"# {_TITLES[name]}", head]
        for one in declared(cls):
            lines.append(f"# {one.option.help}{_limits(one)}")
            value = said.get(one.name, one.default)
            mark = "" if one.name in said else "# "
            lines.append(f"{mark}{one.name} = {_toml(_EXAMPLES.get((name, one.name), value))}")
            if mark and one.optional:
                lines[-1] += "  # an example"
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


_EXAMPLES: dict[tuple[str, str], Any] = {
    ("microphone", "device"): "usb:0d8c:013c",
    ("microphone", "channel"): 1,
    ("listen", "uncertain_below"): 0.5,
    ("listen", "duration"): 3600.0,
    ("listen", "windows"): 1200,
    ("model", "hop_seconds"): 1.0,
    ("model", "runtime"): "litert",
    ("mqtt", "url"): "mqtt://user@broker/genre-edge",
    ("mqtt", "name"): "kitchen",
    ("mqtt", "password_file"): "~/.config/genre-edge/password",
    ("mqtt", "ca"): "/etc/ssl/certs/ca-certificates.crt",
    ("mqtt", "cert"): "client.pem",
    ("mqtt", "key"): "client.key",
    ("mqtt", "spool"): "/var/lib/genre-edge/mqtt.spool",
    ("history", "path"): "/var/lib/genre-edge/history.db",
    ("on_change", "command"): "mpc volume 40",
    ("web", "token_file"): "~/.config/genre-edge/token",
    ("web", "allow_origin"): "https://example.org",
    ("webhook", "url"): "https://example.org/now-playing",
    ("webhook", "secret_file"): "~/.config/genre-edge/secret",
    ("webhook", "token_file"): "~/.config/genre-edge/token",
    ("webhook", "headers"): {"X-Room": "kitchen"},
    ("webhook", "template"): "now: {label} ({confidence:.0%})",
}
"""Shown in comments where a default says nothing."""


def effective(settings: Settings, origins: Mapping[str, str]) -> str:
    """Settings as TOML, with the place of each value that is not the default; secrets
    are in files and not shown."""
    parts = []
    for name, cls in SECTIONS.items():
        parts.append(
            "\n".join([f"[{name}]", *_values(cls, getattr(settings, name), name, origins)]) + "\n"
        )
    for hook in settings.webhook:
        parts.append(
            "\n".join(["[[webhook]]", *_values(WebhookConfig, hook, "webhook", origins)]) + "\n"
        )
    return "\n".join(parts) + f"\n# {PASSWORD_VARIABLE} is not shown\n"


def _values(cls: type, config: Any, section: str, origins: Mapping[str, str]) -> Iterable[str]:
    for one in declared(cls):
        value = getattr(config, one.name)
        origin = origins.get(f"{section}.{one.name}")
        note = f"  # {origin}" if origin else ""
        yield f"# {one.name} is not set" if value is None else f"{one.name} = {_toml(value)}{note}"


def _toml(value: Any) -> str:
    """A value as TOML writes it: JSON's texts are TOML's."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, bool) or value is None:
        return str(bool(value)).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _limits(one: Declared) -> str:
    low, high = one.option.low, one.option.high
    if one.option.choices:
        return f" ({', '.join(one.option.choices)})"
    if low is not None and high is not None:
        return f" ({low:g} to {high:g})"
    return ""
