"""One table of the settings: its name, its options, and how it appears in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Options = TypeVar("Options")
"""A frozen dataclass whose fields are made by `options.option`."""


def _no_defaults(environment: Mapping[str, str]) -> Mapping[str, Any]:
    return {}


def _no_check(options: Any) -> None:
    """Values that pass their own checks are enough."""


@dataclass(frozen=True)
class Section(Generic[Options]):
    """A table of the configuration file and the dataclass that it becomes."""

    name: str
    """The table's name, such as "listen"; a part of the environment variables too."""
    options: type[Options]
    """The dataclass of its options."""
    title: str
    """Its heading in the commented file."""
    repeated: bool = False
    """Whether it may be repeated: [[name]] instead of [name]."""
    examples: Mapping[str, Any] = field(default_factory=dict)
    """{key: value} shown in the commented file where a default says little."""
    flag: str = ""
    """The flag that sets several keys of this table at once, such as "--mqtt"."""
    secrets: tuple[str, ...] = ()
    """Environment variables that hold secrets of this table; they are never shown."""
    defaults: Callable[[Mapping[str, str]], Mapping[str, Any]] = _no_defaults
    """Defaults that depend on the environment, which it is given: {key: value}."""
    check: Callable[[Options], object] = _no_check
    """Raises UsageError for what single values do not show: files or programs that are
    missing, say. What it returns does not matter."""
    check_key: str = ""
    """The key that `check` looks at; its place is named in the message."""
    check_together: Callable[[Sequence[Options]], object] = _no_check
    """For a section that repeats: raises UsageError for tables that do not go
    together."""
