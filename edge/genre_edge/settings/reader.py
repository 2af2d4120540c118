"""How one running program comes by its settings: file, what came signed over the
network, environment, flags."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..statement import SettingValue
from .load import SIGNED, load
from .places import PREFIX, find_file, user_file
from .section import Section
from .settings import Settings, Table, Tables
from .signed import SignedSettings
from .tomlfile import TomlFile


def _no_check(settings: Settings, origins: Mapping[str, str]) -> None:
    """What `load` checks is enough."""


@dataclass(frozen=True)
class SettingsReader:
    """Reads file and environment anew at each call."""

    sections: tuple[Section[Any], ...]
    """The tables of the sinks, as `load` takes them."""
    given: Path | None = None
    """The file that the command line names."""
    flags: Tables | None = None
    """What the command line sets."""
    base: Mapping[str, Table] | None = None
    """Defaults of the command, below the file."""
    check: Callable[[Settings, Mapping[str, str]], None] = _no_check
    """Raises UsageError for settings that make no sense to the command. It gets the
    place of each value too."""

    signed: SignedSettings | None = None
    """The layer that came signed over the network; None: none is heeded."""

    def __call__(self) -> Settings:
        """The settings in force. UsageError with every fault."""
        return self.read()[0]

    def read(
        self, instead: TomlFile | None = None, signed: Mapping[str, SettingValue] | None = None
    ) -> tuple[Settings, dict[str, str]]:
        """The settings, and where each was set.

        A signed layer that does not go with the rest is left out, and said: it must not
        keep a program from starting.

        Parameters
        ----------
        instead
            What would be in the file; None: what is.
        signed
            What the signed layer would set; None: what it does. It is not left out.

        Raises
        ------
        UsageError
            With every fault, as `load` and as the command finds them.
        """
        if signed is not None:
            return self._read(instead, signed)
        found = self._read(instead, {})
        if self.signed is None:
            return found
        config, values = found[0].update, dict[str, SettingValue]()
        if config.is_on:
            values = self.signed.values(config.trusted_keys, self.sections)
        if values:
            try:
                found = self._read(instead, values)
            except UsageError as error:
                self.signed.left_out(str(error))
                values = {}
        self.signed.keys = frozenset(values)
        return found

    def _read(
        self, instead: TomlFile | None, signed: Mapping[str, SettingValue]
    ) -> tuple[Settings, dict[str, str]]:
        file = instead or find_file(self.given)
        settings, origins = load(
            self.sections, file, flags=self.flags, base=self.base, signed=signed
        )
        self.check(settings, origins)
        return settings, origins

    @property
    def file(self) -> Path:
        """The configuration file that is read, or would be if it were there."""
        return find_file(self.given) or user_file()

    @property
    def is_first(self) -> bool:
        """Whether there is no configuration file yet."""
        return find_file(self.given) is None

    def fixed_by(self, section: Section[Any], key: str) -> str:
        """What sets a value whatever the file says: "command line", "environment",
        SIGNED, or "" if nothing does."""
        flags = (self.flags or {}).get(section.name, {})
        if isinstance(flags, Mapping) and key in flags:
            return "command line"
        if _variable(section, key) in os.environ:
            return "environment"
        is_signed = self.signed is not None and f"{section.name}.{key}" in self.signed.keys
        return SIGNED if is_signed else ""


def _variable(section: Section[Any], key: str) -> str:
    return f"{PREFIX}{section.name}_{key}".upper()
