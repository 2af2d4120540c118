"""Which settings can be changed while the program runs, and all that whoever changes
them wants to know."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .options import OptionField, option_fields
from .reader import SettingsReader
from .section import Section
from .settings import Settings, all_sections, options_by_key
from .tables import MICROPHONE, MODEL, WEB
from .update_table import UPDATE

_KINDS = {str: "text", int: "integer", float: "number", bool: "switch", tuple: "list"}
"""What the page calls the types that it can change."""


@dataclass(frozen=True)
class Setting:
    """One option with its value. Whatever may be a secret is left out."""

    key: str
    """ "section.option"."""
    help: str
    """What it is, as in the commented file."""
    kind: str
    """text, integer, number, switch, list, choice, secret; other: for the file only."""
    value: Any
    """What is in force, JSON-ready; None: not set. Of a secret whether it is set."""
    default: Any
    """What is in force without it."""
    low: float | None
    """Least value."""
    high: float | None
    """Greatest value."""
    choices: tuple[str, ...]
    """The values that are allowed; empty: any."""
    is_hidden: bool
    """Whether `value` is without its secrets: it must not be sent back."""
    set_by: str
    """default, file, environment or command line."""
    place: str
    """Where it was set: "FILE:LINE: section.option", a variable, a flag."""
    fixed: str
    """Why it cannot be changed here: "command line", "environment" or "file only";
    empty if it can."""
    at_once: bool
    """Whether a change takes effect while the program listens; else at its next
    start."""


@dataclass(frozen=True)
class SettingsTable:
    """One table with its options."""

    name: str
    """Of the table."""
    title: str
    """Its heading in the commented file."""
    count: int
    """How many of them there are, of those that may be repeated; else 1."""
    settings: tuple[Setting, ...]
    """Its options; empty for tables that may be repeated, which are changed in the
    file."""


def at_once(section: str, key: str) -> bool:
    """Whether a reload applies a change of this option."""
    if section == MICROPHONE.name:
        return key == "gain_db"
    return section not in (MODEL.name, WEB.name, UPDATE.name)


def settings_tables(reader: SettingsReader) -> list[SettingsTable]:
    """All settings in force. UsageError if the file has faults."""
    settings, origins = reader.read()
    return [
        SettingsTable(
            section.name,
            section.title,
            len(settings.all_of(section)),
            () if section.repeated else tuple(_settings(reader, section, settings, origins)),
        )
        for section in all_sections(reader.sections)
    ]


def raw_values(reader: SettingsReader) -> dict[str, Any]:
    """{"section.option": value} of tables that are not repeated, secrets included."""
    settings = reader()
    return {
        key: getattr(settings.of(section), one.name)
        for key, (section, one) in options_by_key(reader.sections).items()
    }


def _settings(
    reader: SettingsReader, section: Section[Any], settings: Settings, origins: dict[str, str]
) -> Iterator[Setting]:
    options = settings.of(section)
    defaults = _defaults(reader, section)
    for one in option_fields(section.options):
        key, value = f"{section.name}.{one.name}", getattr(options, one.name)
        shown = one.option.shown(value)
        fixed = reader.fixed_by(section, one.name)
        place = origins.get(key, "default")
        kind = kind_of(section, one)
        yield Setting(
            key=key,
            help=one.option.help,
            kind=kind,
            value=value is not None if kind == "secret" else _plain(shown),
            default=_plain(one.option.shown(defaults.get(one.name, one.default))),
            low=one.option.low,
            high=one.option.high,
            choices=one.option.choices,
            is_hidden=shown != value or kind == "secret",
            set_by=fixed or ("default" if place == "default" else "file"),
            place=place,
            fixed=fixed or ("file only" if kind == "other" else ""),
            at_once=at_once(section.name, one.name),
        )


def _defaults(reader: SettingsReader, section: Section[Any]) -> dict[str, Any]:
    """What is in force in a table without file, environment and flags, if it is not
    what its options declare."""
    return {**section.defaults(os.environ), **(reader.base or {}).get(section.name, {})}


def kind_of(section: Section[Any], one: OptionField) -> str:
    """What kind of value the page may give an option; "other" if it is for the file
    only: where the page is served and to whom, programs, files."""
    if section.name == WEB.name or one.option.by_hand:
        return "other"
    if one.option.secret:
        return "secret"
    return "choice" if one.option.choices else _KINDS.get(one.kind, "other")


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Path) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
