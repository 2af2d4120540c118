"""Everything a listening device can be told: defaults, then a TOML file, the
environment and the command line.

Every value is checked where it was written, and all faults are reported at once, each
with its place.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..extras import install_line
from ..sinks.mqtt_settings import PASSWORD_VARIABLE, MqttOptions, mqtt_config
from ..sinks.webhook_settings import WebhookConfig
from .options import Declared, declared
from .tables import (
    CaptureConfig,
    EngineConfig,
    HistoryConfig,
    ListenConfig,
    ProgramConfig,
    WebConfig,
)
from .tomlfile import TomlFile, read_toml

PREFIX = "GENRE_EDGE_"
"""Environment variables are PREFIX + SECTION + "_" + KEY, in capitals."""
CONFIG_VARIABLE = PREFIX + "CONFIG"
"""Names the configuration file."""
SYSTEM_FILE = Path("/etc/genre-edge.toml")
"""The system's configuration."""


@dataclass(frozen=True)
class Settings:
    """One field for each table of the configuration file."""

    microphone: CaptureConfig = field(default_factory=CaptureConfig)
    """How the microphone is heard."""
    listen: ListenConfig = field(default_factory=ListenConfig)
    """What is made of what is heard."""
    model: EngineConfig = field(default_factory=EngineConfig)
    """What turns audio into genres."""
    history: HistoryConfig = field(default_factory=lambda: HistoryConfig(enabled=False))
    """What is remembered."""
    mqtt: MqttOptions = field(default_factory=MqttOptions)
    """The broker."""
    on_change: ProgramConfig = field(default_factory=ProgramConfig)
    """The command that runs when the label changes."""
    web: WebConfig = field(default_factory=WebConfig)
    """The page and the prediction service."""
    webhook: tuple[WebhookConfig, ...] = ()
    """Where records are POSTed."""


SECTIONS: dict[str, type] = {
    "microphone": CaptureConfig,
    "listen": ListenConfig,
    "model": EngineConfig,
    "history": HistoryConfig,
    "mqtt": MqttOptions,
    "on_change": ProgramConfig,
    "web": WebConfig,
}
"""Tables of the file and what they become; [[webhook]] beside them is an array of
tables."""


NOWHERE = Path("/nonexistent")
"""The home of a user who has none, such as one that systemd made up."""


def expanded(text: str) -> Path:
    """A path with ~ replaced by the user's home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text.replace("~", str(NOWHERE), 1))


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the program keeps what it remembers: systemd's state directory, or
    $XDG_STATE_HOME/genre-edge."""
    given = environment.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    return expanded(environment.get("XDG_STATE_HOME") or "~/.local/state") / "genre-edge"


def default_history() -> Path:
    """The history's file, if nobody names another."""
    return default_folder() / "history.db"


def config_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the user's programs keep their configurations."""
    return expanded(environment.get("XDG_CONFIG_HOME") or "~/.config")


def user_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's configuration."""
    return config_home(environment) / "genre-edge/config.toml"


def find_file(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration file: the one that is named, the user's, or the system's; None
    if there is none."""
    named = given or (
        Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None
    )
    if named is not None:
        return named
    return next((path for path in (user_file(environment), SYSTEM_FILE) if path.is_file()), None)


Flags = Mapping[str, Mapping[str, Any]]
"""What the command line says: {section: {key: value}}; of the section "webhook" only
"all", a list of WebhookConfig."""


@dataclass
class _Reader:
    """Collects values, their places and what is wrong with them."""

    problems: list[str] = field(default_factory=list)
    values: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {name: {} for name in SECTIONS}
    )
    origins: dict[str, str] = field(default_factory=dict)
    """Place of each "section.key"."""

    def taken(self, one: Declared, value: Any, origin: str) -> Any:
        """A value as its field has it; None, and a problem, if it is wrong."""
        if one.kind is Path and isinstance(value, str):
            value = expanded(value)
        if one.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        problem = one.problem(value)
        if problem:
            self.problems.append(f"{origin}: {problem}")
            return None
        return value

    def put(self, section: str, one: Declared, value: Any, origin: str) -> None:
        """Take a value over an earlier one."""
        before = len(self.problems)
        value = self.taken(one, value, origin)
        if len(self.problems) == before:
            self.values[section][one.name] = value
            self.origins[f"{section}.{one.name}"] = origin

    def table(
        self, file: TomlFile, name: str, cls: type, table: Any
    ) -> Iterator[tuple[Declared, Any, str]]:
        """The known keys of one table; the unknown ones are problems."""
        if not isinstance(table, dict):
            self.problems.append(f"{file.where(name)}: {name} must be a table: [{name}]")
            return
        known = {one.name: one for one in declared(cls)}
        for key, value in table.items():
            origin = f"{file.where(f'{name}.{key}', name)}: {name}.{key}"
            if key in known:
                yield known[key], value, origin
            else:
                self.problems.append(f"{origin}: unknown{_like(key, known)}")


def load(
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    flags: Flags | None = None,
    base: Flags | None = None,
) -> tuple[Settings, dict[str, str]]:
    """The settings, and for each "section.key" that is not the default where it was
    said.

    `base` holds other defaults, `file` is the configuration file. UsageError with a
    line for every fault.
    """
    reader = _Reader()
    _named(reader, base or {}, "default")
    hooks: list[WebhookConfig] = _file(reader, read_toml(file)) if file is not None else []
    _environment(reader, environment)
    _named(reader, flags or {}, "command line")
    if flags and flags.get("webhook"):
        hooks = list(flags["webhook"]["all"])
    made: dict[str, Any] = {}
    reader.values["history"].setdefault("path", default_folder(environment) / "history.db")
    reader.values["history"].setdefault("enabled", False)
    if not reader.problems:
        made = {name: cls(**reader.values[name]) for name, cls in SECTIONS.items()}
        _check_parts(reader, made)
    if reader.problems:
        raise UsageError("\n".join(reader.problems))
    return Settings(**made, webhook=tuple(hooks)), reader.origins


def _check_parts(reader: _Reader, settings: dict[str, Any]) -> None:
    """What values alone do not show: files, programs and packages that must be
    there."""

    def looked_at(key: str, look: Callable[[], object]) -> None:
        try:
            look()
        except UsageError as error:
            reader.problems.append(f"{reader.origins.get(key, key)}: {error}")

    if settings["mqtt"].url:
        looked_at("mqtt.url", lambda: mqtt_config(settings["mqtt"], default_folder()))
        if importlib.util.find_spec("paho") is None:
            reader.problems.append(f"mqtt needs paho-mqtt: {install_line('mqtt')}")
    if settings["web"].enabled:
        looked_at("web.enabled", settings["web"].token)
    looked_at("on_change.command", settings["on_change"].words)


def _named(reader: _Reader, said: Flags, origin: str) -> None:
    for section, values in said.items():
        for one in declared(SECTIONS[section]) if section in SECTIONS else ():
            if one.name in values:
                value = values[one.name]
                shown = f"{value:g}" if isinstance(value, float) else value
                known = f"{one.option.flag} {shown}" if one.option.flag else origin
                reader.put(section, one, value, known if origin == "command line" else origin)


def _file(reader: _Reader, file: TomlFile) -> list[WebhookConfig]:
    hooks = []
    for name, table in file.values.items():
        if name == "webhook":
            hooks = _webhooks(reader, file, table)
        elif name in SECTIONS:
            for one, value, origin in reader.table(file, name, SECTIONS[name], table):
                reader.put(name, one, value, origin)
        else:
            known = [*SECTIONS, "webhook"]
            reader.problems.append(f"{file.where(name)}: {name}: unknown{_like(name, known)}")
    return hooks


def _webhooks(reader: _Reader, file: TomlFile, tables: Any) -> list[WebhookConfig]:
    hooks = []
    if not isinstance(tables, list):
        reader.problems.append(
            f"{file.where('webhook')}: webhook must be an array of tables: [[webhook]]"
        )
        return []
    for number, table in enumerate(tables):
        before, values = len(reader.problems), dict[str, Any]()
        for one, value, origin in reader.table(file, f"webhook[{number}]", WebhookConfig, table):
            values[one.name] = reader.taken(one, value, origin)
        try:
            if len(reader.problems) == before:
                hooks.append(WebhookConfig(**values))
        except UsageError as error:
            reader.problems.append(f"{file.where(f'webhook[{number}]')}: webhook: {error}")
    return hooks


def _environment(reader: _Reader, environment: Mapping[str, str]) -> None:
    known = {
        f"{PREFIX}{section}_{one.name}".upper(): (section, one)
        for section, cls in SECTIONS.items()
        for one in declared(cls)
        if one.kind is not dict
    }
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in (CONFIG_VARIABLE, PASSWORD_VARIABLE):
            continue
        if name not in known:
            reader.problems.append(f"{name}: unknown{_like(name, known)}")
            continue
        section, one = known[name]
        try:
            reader.put(
                section, one, one.from_text(environment[name]), f"{name}={environment[name]}"
            )
        except ValueError as error:
            reader.problems.append(f"{name}={environment[name]}: {error}")


def _like(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(known))}"
