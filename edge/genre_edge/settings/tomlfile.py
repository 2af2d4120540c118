"""A TOML file whose every value knows its line, so that an error can name it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..text_files import read_text

_TABLE = re.compile(r"\s*\[(\[?)\s*([\w.\-\"' ]+?)\s*\]\]?")
_KEY = re.compile(r"\s*([\w.\-\"']+)\s*=")


@dataclass(frozen=True)
class TomlFile:
    """The values of a file, and the lines where they are."""

    path: Path
    """The file."""
    values: dict[str, Any]
    """As tomllib reads them."""
    lines: dict[str, int]
    """Line of each "table", "table.key" and, in an array of tables, "table[0].key";
    counted from 1."""

    def where(self, *names: str) -> str:
        """ "FILE:LINE" of the first of the names that has a line, else "FILE"."""
        line = next((self.lines[name] for name in names if name in self.lines), None)
        return f"{self.path}:{line}" if line else str(self.path)


def read_toml(path: Path) -> TomlFile:
    """Read a file. UsageError if it cannot be read or is no TOML."""
    return parse_toml(path, read_text(path))


def parse_toml(path: Path, text: str) -> TomlFile:
    """Read what a file holds, or is to hold. UsageError if it is no TOML."""
    import tomllib

    try:
        return TomlFile(path, tomllib.loads(text), _lines(text))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        where = f"{path}:{found.group(1)}" if found else str(path)
        raise UsageError(f"{where}: {str(error).partition(' (at')[0]}") from None
    except RecursionError:
        raise UsageError(f"{path}: arrays or tables are nested too deep") from None
    except ValueError:  # what Python refuses of a number, a date or a time
        raise UsageError(f"{path}: a number has too many digits") from None


def _lines(text: str) -> dict[str, int]:
    """Where tables and keys begin; keys inside a multi-line text or an inline table are
    not looked for."""
    lines: dict[str, int] = {}
    table, counts = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        head, key = _TABLE.match(line), _KEY.match(line)
        if head:
            table = re.sub(r"[\"' ]", "", head.group(2))
            if head.group(1):
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            lines.setdefault(table, number)
        elif key:
            name = re.sub(r"[\"']", "", key.group(1))
            lines.setdefault(f"{table}.{name}" if table else name, number)
    return lines
