"""Every setting of the program, by section."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from .options import OptionField, option_fields
from .section import Options, Section
from .source_table import SOURCE, SourceConfig
from .tables import (
    LISTEN,
    MICROPHONE,
    MODEL,
    WEB,
    CaptureConfig,
    EngineConfig,
    ListenConfig,
    WebConfig,
)
from .update_table import UPDATE, UpdateConfig

Table = Mapping[str, Any]
"""Values of one section: {key: value}."""
Tables = Mapping[str, Table | Sequence[Table]]
"""Values of sections by name: a table, or a list of tables where the section
repeats."""


@dataclass(frozen=True)
class Settings:
    """Every setting. The tables that are always there have properties; `of` and
    `all_of` give those of sinks."""

    tables: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Options of each section by its name, one for each of its tables."""

    @property
    def microphone(self) -> CaptureConfig:
        """Which microphone is used, and how."""
        return self.of(MICROPHONE)

    @property
    def sources(self) -> tuple[SourceConfig, ...]:
        """What is heard; empty: the microphone."""
        return self.all_of(SOURCE)

    @property
    def listen(self) -> ListenConfig:
        """How windows become labels, and when listening ends."""
        return self.of(LISTEN)

    @property
    def model(self) -> EngineConfig:
        """What turns audio into genres."""
        return self.of(MODEL)

    @property
    def web(self) -> WebConfig:
        """The page and the prediction service."""
        return self.of(WEB)

    @property
    def update(self) -> UpdateConfig:
        """Where updates come from, and who is trusted."""
        return self.of(UPDATE)

    def of(self, section: Section[Options]) -> Options:
        """The options of a section that does not repeat."""
        (options,) = self.tables.get(section.name) or (section.options(),)
        return cast("Options", options)

    def all_of(self, section: Section[Options]) -> tuple[Options, ...]:
        """The options of each table of a section, in the order of the file."""
        if not section.repeated:
            return (self.of(section),)
        return cast("tuple[Options, ...]", self.tables.get(section.name, ()))

    def replaced(self, section: Section[Options], options: Options) -> Settings:
        """These settings with other options in a section that does not repeat."""
        return Settings({**self.tables, section.name: (options,)})


def options_by_key(
    sections: Iterable[Section[Any]], repeated: bool = False
) -> dict[str, tuple[Section[Any], OptionField]]:
    """{"section.option": its section, the option} of every table.

    Parameters
    ----------
    sections : iterable of Section
        The tables of the sinks, as `load` takes them.
    repeated : bool
        Whether those of tables that may be repeated are there too.
    """
    return {
        f"{section.name}.{one.name}": (section, one)
        for section in all_sections(sections)
        if repeated or not section.repeated
        for one in option_fields(section.options)
    }


def all_sections(sections: Iterable[Section[Any]]) -> tuple[Section[Any], ...]:
    """Every table of the configuration file, in the order in which it is written."""
    return (MICROPHONE, SOURCE, LISTEN, MODEL, *sections, WEB, UPDATE)
