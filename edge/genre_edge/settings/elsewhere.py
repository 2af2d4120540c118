"""A configuration that is checked on another machine than the one it is for, or in the
image of a system."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .credentials import CREDENTIALS_VARIABLE
from .load import load
from .options import option_fields
from .section import Section
from .settings import all_sections
from .tomlfile import TomlFile

_WRITTEN = ("history.path", "mqtt.spool")
"""Paths of files that the program makes; all others it reads."""
_STAND_IN = "stands for a file that is not here\n"


@dataclass(frozen=True)
class Elsewhere:
    """Where the files are that a configuration names."""

    root: Path = Path("/")
    """What is / for the configuration."""
    credentials: Path | None = None
    """The folder, below `root`, of the files that systemd will give the service; None
    if it gives none."""
    stand_in: Path | None = None
    """What is read in place of a file that is not there; None: it is missing."""

    def place(self, path: str) -> Path:
        """Where a path of the configuration is for this program."""
        folder, _, name = path.partition("/")
        if folder == f"${CREDENTIALS_VARIABLE}" and self.credentials is not None:
            return self.root / self.credentials.relative_to("/") / name
        return self.root / path.lstrip("/") if path.startswith("/") else Path(path).expanduser()


def check_elsewhere(
    file: TomlFile,
    sections: Iterable[Section[Any]],
    root: Path | None,
    credentials: Path | None,
    later: bool,
) -> list[str]:
    """Check a configuration as the machine that it is for will.

    Parameters
    ----------
    file
        The configuration.
    sections
        The tables of the sinks, as for `load`.
    root, credentials
        As `Elsewhere` has them; no root: nothing of that machine is here.
    later
        Whether files that it names may come later.

    Returns
    -------
    list of str
        Files that are not there, and that the program will read.

    Raises
    ------
    UsageError
        With a line for each fault.
    """
    with tempfile.TemporaryDirectory() as folder:
        stand_in = Path(folder) / "file"
        stand_in.write_text(_STAND_IN)
        where = Elsewhere(root or Path(folder), credentials, stand_in if later else None)
        seen, missing = seen_from_here(file, sections, where)
        load(sections, seen, environment={})
    return missing


def seen_from_here(
    file: TomlFile, sections: Iterable[Section[Any]], where: Elsewhere
) -> tuple[TomlFile, list[str]]:
    """A configuration whose paths lead to the files that it means, and those of its
    paths that lead nowhere.

    Parameters
    ----------
    file
        The configuration; its lines stay what they are.
    sections
        The tables of the sinks, as for `load`.
    where
        Where the files are.

    Returns
    -------
    file : TomlFile
        To be checked by `load`.
    missing : list of str
        Files that the program will read and that are not there, as the configuration
        names them.
    """
    values = copy.deepcopy(file.values)
    missing = []
    for key, table in _tables(values, sections):
        told = table[key.rpartition(".")[2]]
        found = where.place(told)
        if key not in _WRITTEN and not found.exists():
            missing.append(told)
            found = where.stand_in or found
        table[key.rpartition(".")[2]] = str(found)
    _add_credential(values, where)
    return TomlFile(file.path, values, file.lines), missing


def _tables(
    values: dict[str, Any], sections: Iterable[Section[Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """("section.key", table) of each path that is set."""
    for section in all_sections(sections):
        content = values.get(section.name)
        paths = [one.name for one in option_fields(section.options) if one.kind is Path]
        for table in content if isinstance(content, list) else [content]:
            if not isinstance(table, dict):
                continue
            for name in paths:
                if isinstance(table.get(name), str) and table[name]:
                    yield f"{section.name}.{name}", table


def _add_credential(values: dict[str, Any], where: Elsewhere) -> None:
    """Name the access token that the service will have from systemd: a page that is
    open to the network needs one."""
    web = values.get("web")
    if not isinstance(web, dict) or "token_file" in web or where.credentials is None:
        return
    token = where.place(f"${CREDENTIALS_VARIABLE}/web-token")
    if token.exists() or where.stand_in is not None:
        web["token_file"] = str(token if token.exists() else where.stand_in)
