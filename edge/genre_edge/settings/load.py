"""The settings in force: defaults, then the configuration file, then what came signed
over the network, then the environment, then the command line.

Every value is checked. All faults are reported at once, each with the place where the
value was set.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ..errors import UsageError
from ..statement import SettingValue
from .options import OptionField, as_float, option_fields
from .places import CONFIG_VARIABLE, PREFIX, expanded
from .section import Section
from .settings import Settings, Table, Tables, all_sections
from .tomlfile import TomlFile, read_toml

SIGNED = "signed settings"
"""Where a value comes from that came signed over the network, for people."""


def load(
    sections: Iterable[Section[Any]],
    file: Path | TomlFile | None = None,
    environment: Mapping[str, str] = os.environ,
    flags: Tables | None = None,
    base: Tables | None = None,
    signed: Mapping[str, SettingValue] | None = None,
) -> tuple[Settings, dict[str, str]]:
    """Read the settings.

    Parameters
    ----------
    sections : iterable of Section
        The tables beside microphone, listen, model and web: those of the sinks.
    file : Path, TomlFile or None
        The configuration file, or what is to be in it.
    environment : mapping of str to str
        The environment variables.
    flags : Tables or None
        What the command line sets. For a section that repeats, its tables replace
        those of the file.
    base : Tables or None
        Defaults of the command, below the file.
    signed : mapping or None
        {"section.option": value} that came signed over the network; each option is
        known, and none is in a section that repeats.

    Returns
    -------
    settings : Settings
        What is in force.
    origins : dict of str to str
        For each "section.key" that is not the default, where it was set.

    Raises
    ------
    UsageError
        With one line for each fault.
    """
    reader = _Reader({section.name: section for section in all_sections(sections)})
    reader.read_tables(base or {}, from_flags=False)
    if file is not None:
        reader.read_file(file if isinstance(file, TomlFile) else read_toml(file))
    reader.read_signed(signed or {})
    reader.read_environment(environment)
    reader.read_tables(flags or {}, from_flags=True)
    return reader.settings(environment), reader.origins


@dataclass
class _Reader:
    """Collects values, their places and the faults found."""

    sections: dict[str, Section[Any]]
    faults: list[str] = field(default_factory=list)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    """{section: {key: value}} of sections that do not repeat."""
    repeated: dict[str, list[Any]] = field(default_factory=dict)
    """Options of each table of sections that repeat."""
    origins: dict[str, str] = field(default_factory=dict)
    """Place of each "section.key", and of the last table of sections that repeat."""

    def read_tables(self, tables: Tables, from_flags: bool) -> None:
        """Take values that the command line gives, or that the program presets."""
        for name, content in tables.items():
            section = self.sections[name]
            fields = {one.name: one for one in option_fields(section.options)}
            if section.repeated:
                place = section.flag if from_flags else "default"
                rows = [
                    [(fields[key], value, place) for key, value in table.items()]
                    for table in cast("Sequence[Table]", content)
                ]
                self._replace(section, [(row, place) for row in rows])
                continue
            for key, value in cast("Table", content).items():
                place = _flag_place(section, fields[key], value) if from_flags else "default"
                self._put(section, fields[key], value, place)

    def read_file(self, file: TomlFile) -> None:
        """Take the values of a configuration file."""
        for name, content in file.values.items():
            section = self.sections.get(name)
            if section is None:
                unknown = _unknown(name, self.sections)
                self.faults.append(f"{file.where(name)}: {name}: {unknown}")
            elif section.repeated:
                self._read_repeated(file, section, content)
            else:
                for one, value, origin in self._table(file, name, section, content):
                    self._put(section, one, value, origin)

    def read_signed(self, values: Mapping[str, SettingValue]) -> None:
        """Take the values that came signed over the network."""
        for key, value in values.items():
            name, _, option = key.partition(".")
            section = self.sections[name]
            fields = {one.name: one for one in option_fields(section.options)}
            self._put(section, fields[option], value, f"{SIGNED}: {key}")

    def read_environment(self, environment: Mapping[str, str]) -> None:
        """Take the values of variables such as GENRE_EDGE_LISTEN_SMOOTH."""
        known = {
            f"{PREFIX}{section.name}_{one.name}".upper(): (section, one)
            for section in self.sections.values()
            if not section.repeated
            for one in option_fields(section.options)
            if one.kind is not dict
        }
        others = {CONFIG_VARIABLE, *(s for one in self.sections.values() for s in one.secrets)}
        for name in sorted(environment):
            if not name.startswith(PREFIX) or name in others:
                continue
            if name not in known:
                self.faults.append(f"{name}: {_unknown(name, known)}")
                continue
            section, one = known[name]
            origin = f"{name}={one.option.shown(environment[name])}"
            try:
                self._put(section, one, one.from_text(environment[name]), origin)
            except ValueError as error:
                self.faults.append(f"{origin}: {error}")

    def settings(self, environment: Mapping[str, str]) -> Settings:
        """Everything that was read. UsageError if there were faults."""
        if self.faults:
            raise UsageError("\n".join(self.faults))
        made: dict[str, tuple[Any, ...]] = {}
        for section in self.sections.values():
            name = section.name
            if section.repeated:
                made[name] = tuple(self.repeated.get(name, ()))
            else:
                values = {**section.defaults(environment), **self.values.get(name, {})}
                try:
                    made[name] = (section.options(**values),)
                except UsageError as error:
                    self.faults += self._misfits(name, error)
                    continue
            for options in made[name]:
                self._check(section, options)
            self._check_together(section, made[name])
        if self.faults:
            raise UsageError("\n".join(self.faults))
        return Settings(made)

    def _misfits(self, name: str, error: UsageError) -> list[str]:
        """What is wrong with a table, or with a value of it, and where."""
        if not error.faults:
            return [f"{name}: {error}"]
        keys = [(f"{name}.{fault.parameter}", fault) for fault in error.faults]
        return [f"{self.origins.get(key, key)}: {fault.reason}" for key, fault in keys]

    def _check(self, section: Section[Any], options: Any) -> None:
        key = f"{section.name}.{section.check_key}"
        try:
            section.check(options)
        except UsageError as error:
            place = self.origins.get(key, self.origins.get(section.name, key))
            self.faults.append(f"{place}: {error}")

    def _check_together(self, section: Section[Any], tables: Sequence[Any]) -> None:
        try:
            section.check_together(tables)
        except UsageError as error:
            self.faults.append(f"{self.origins.get(section.name, section.name)}: {error}")

    def _put(self, section: Section[Any], one: OptionField, value: Any, origin: str) -> None:
        """Take a value in place of an earlier one, if nothing is wrong with it."""
        before = len(self.faults)
        value = self._converted(one, value, origin)
        if len(self.faults) == before:
            self.values.setdefault(section.name, {})[one.name] = value
            self.origins[f"{section.name}.{one.name}"] = origin

    def _converted(self, one: OptionField, value: Any, origin: str) -> Any:
        """A value in its field's type; None, and a fault, if it is wrong."""
        if one.kind is Path and isinstance(value, str):
            value = expanded(value)
        if one.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = as_float(value)
        if one.kind is tuple and isinstance(value, list):
            value = tuple(value)
        problem = one.problem(value)
        if problem:
            self.faults.append(f"{origin}: {problem}")
            return None
        return value

    def _table(
        self, file: TomlFile, name: str, section: Section[Any], content: Any
    ) -> Iterator[tuple[OptionField, Any, str]]:
        """The known keys of one table of a file; each unknown one is a fault."""
        if not isinstance(content, dict):
            self.faults.append(f"{file.where(name)}: {name} must be a table: [{name}]")
            return
        known = {one.name: one for one in option_fields(section.options)}
        for key, value in content.items():
            origin = f"{file.where(f'{name}.{key}', name)}: {name}.{key}"
            if key in known:
                yield known[key], value, origin
            else:
                self.faults.append(f"{origin}: {_unknown(key, known)}")

    def _read_repeated(self, file: TomlFile, section: Section[Any], content: Any) -> None:
        name = section.name
        if not isinstance(content, list):
            where = file.where(name)
            self.faults.append(f"{where}: {name} must be an array of tables: [[{name}]]")
            return
        tables = [(f"{name}[{number}]", table) for number, table in enumerate(content)]
        self._replace(
            section,
            [
                (self._table(file, where, section, table), f"{file.where(where)}: {name}")
                for where, table in tables
            ],
        )

    def _replace(self, section: Section[Any], tables: Iterable[tuple[_Row, str]]) -> None:
        """Take the tables of a section that repeats, each with its place, in place of
        earlier ones."""
        found = []
        for row, place in tables:
            self.origins[section.name] = place  # of the last
            before, values = len(self.faults), dict[str, Any]()
            for one, value, origin in row:
                values[one.name] = self._converted(one, value, origin)
            try:
                if len(self.faults) == before:
                    found.append(section.options(**values))
            except UsageError as error:
                self.faults.append(f"{place}: {error}")
        self.repeated[section.name] = found


_Row = Iterable[tuple[OptionField, Any, str]]
"""Values of one table, each with its place."""


def _flag_place(section: Section[Any], one: OptionField, value: Any) -> str:
    """How the command line set a value, such as "--smooth 9"."""
    if one.option.flag is None:
        return section.flag or "command line"
    if one.kind is bool:
        return one.option.flag
    shown = f"{value:g}" if one.kind is float else str(one.option.shown(value))
    return f"{one.option.flag} {shown}"


def _unknown(name: str, known: Iterable[str]) -> str:
    """The fault of an unknown name: it suggests the nearest known one."""
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1)
    return (
        f"unknown; did you mean {close[0]}?" if close else f"unknown; known are {', '.join(names)}"
    )
