"""The devices that are to be made ready: their names, and what each alone has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from ..settings.source_table import topic_of
from ..text_files import read_columns, read_table, read_text

_NAME = "name"
_NAMED = re.compile(r"[\w.-]+")
"""Names that topics can hold."""


@dataclass(frozen=True)
class Wanted:
    """One device."""

    name: str
    """What people call it."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """{"section.key": value as text} that it alone has."""

    @property
    def user(self) -> str:
        """Its user at the broker, and its folder: the name as a part of topics."""
        return topic_of(self.name)


def read_names(path: Path) -> list[Wanted]:
    """Devices from a file.

    Parameters
    ----------
    path
        A CSV file with the column "name", whose other columns are settings such as
        "microphone.device"; or a text file with a name a line, and comments after "#".

    Returns
    -------
    list of Wanted
        In the order of the file.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    columns = read_columns(path)
    if _NAME not in columns:
        lines = (line.partition("#")[0].strip() for line in read_text(path).splitlines())
        return [Wanted(line) for line in lines if line]
    wrong = [one for one in columns if one != _NAME and "." not in one]
    if wrong:
        raise UsageError(
            f"{path}: column {wrong[0]}: must be {_NAME}, or a setting such as microphone.device"
        )
    return [
        Wanted(row[_NAME], {key: value for key, value in row.items() if value and key != _NAME})
        for row in read_table(path, [_NAME])
    ]


def check_names(wanted: Iterable[Wanted], taken: Sequence[str]) -> None:
    """Check that devices can be told apart.

    Parameters
    ----------
    wanted
        Devices.
    taken
        Names that stand for something else at the broker.

    Raises
    ------
    UsageError
        If two are the same in topics, or one has a name that is taken or impossible.
    """
    found: dict[str, str] = {}
    for one in wanted:
        if not _NAMED.fullmatch(one.name):
            raise UsageError(
                f"device {one.name}: may have letters, digits, '.', '-' and '_' only in its name"
            )
        if one.user in taken:
            raise UsageError(
                f"device {one.name}: means something else at the broker; choose another name"
            )
        if one.user in found:
            other = found[one.user]
            same = "is there twice" if other == one.name else f"is in topics the same as {other}"
            raise UsageError(f"device {one.name}: {same}; each device needs a name of its own")
        found[one.user] = one.name
