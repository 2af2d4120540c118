"""One value of a TOML file changed in its text: comments, order and all else stay.

A library that keeps comments (tomlkit) writes a new key at the end of its table, behind
the heading of the next one, and takes a commented default for any other comment. Here a
new value takes the place of its commented default. Every change is read again by
tomllib, and is refused if it did not change that value alone.
"""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .tomlfile import TomlFile, parse_toml

_HEAD = re.compile(r"\s*(?:#\s*)?\[\[?\s*[\w.\-\"' ]+\]\]?\s*(?:#.*)?$")
"""The head of a table, or of one that is a comment."""
_BEFORE_VALUE = re.compile(r"[^=]*=[ \t]*")
_MOST_LINES = 200
"""Longest value that is replaced, lines."""


def with_value(text: str, table: str, key: str, value: str | None, comment: str) -> str:
    """The text of a file with another value of one key.

    Parameters
    ----------
    text
        TOML.
    table, key
        Which value; the table is none of an array of tables.
    value
        The new value as TOML; None takes the key away.
    comment
        The line, without its end, that stands where the key is taken away.

    Returns
    -------
    str
        TOML; all other values and all comments are as they were.

    Raises
    ------
    UsageError
        If the text is no TOML, or the key is set in a way that is not understood here.

    Examples
    --------
    >>> with_value("[listen]  # mine\\n# smooth = 3\\n", "listen", "smooth", "5", "")
    '[listen]  # mine\\nsmooth = 5\\n'
    """
    before = parse_toml(Path("file"), text)
    lines = text.splitlines(keepends=True)
    place = before.lines.get(f"{table}.{key}")
    if place is not None:
        _replace(lines, place - 1, value, comment)
    elif value is not None:
        _insert(lines, before, table, key, value)
    made = "".join(lines)
    if value is not None and _read(f"x = {value}") is None:
        raise UsageError(f"{table}.{key}: holds what no TOML file can hold")
    if _read(made) != _wanted(before.values, table, key, value):
        raise UsageError(
            f"{table}.{key}: is written in a way that only an editor can change; change it in "
            "the file"
        )
    return made


def _read(text: str) -> dict[str, Any] | None:
    try:
        text.encode()  # half of a surrogate pair has no place in a file
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _wanted(values: dict[str, Any], table: str, key: str, value: str | None) -> Any:
    """The values of the file once it is changed."""
    wanted = copy.deepcopy(values)
    held = wanted.setdefault(table, {}) if value is not None else wanted.get(table, {})
    if not isinstance(held, dict):
        return None
    held.pop(key, None)
    if value is not None:
        held[key] = tomllib.loads(f"x = {value}")["x"]
    return wanted


def _replace(lines: list[str], start: int, value: str | None, comment: str) -> None:
    """Another value in place of that which begins on a line."""
    count = _count(lines, start)
    old = "".join(lines[start : start + count])
    before = _BEFORE_VALUE.match(old)
    if before is None:
        return
    content, end = old.rstrip("\r\n"), old[len(old.rstrip("\r\n")) :]
    made = comment if value is None else f"{before.group()}{value}{_remark(content)}"
    lines[start : start + count] = [f"{made}{end}"]


def _count(lines: list[str], start: int) -> int:
    """How many lines the key on a line and its value take."""
    for count in range(1, _MOST_LINES):
        if _read("".join(lines[start : start + count])) is not None:
            return count
    return 1


def _remark(content: str) -> str:
    """The comment behind a value, with the spaces before it; empty if there is none."""
    value = _read(content)
    for mark in re.finditer("#", content):
        if _read(content[: mark.start()]) == value:
            return content[len(content[: mark.start()].rstrip()) :]
    return ""


def _insert(lines: list[str], file: TomlFile, table: str, key: str, value: str) -> None:
    """A key that is not there yet: in place of its comment, else at the top of its
    table, else in a new table at the end."""
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    head = file.lines.get(table)
    if head is None:
        lines += [end] if lines else []
        lines += [f"[{table}]{end}", f"{key} = {value}{end}"]
        return
    default = re.compile(rf"\s*#\s?{re.escape(key)}\s*=")
    for at in range(head, len(lines)):
        if _HEAD.match(lines[at]):
            break
        if default.match(lines[at]):
            lines[at] = f"{key} = {value}{end}"
            return
    lines.insert(head, f"{key} = {value}{end}")
