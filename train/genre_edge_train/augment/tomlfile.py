"""How strongly clips are augmented, from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from genre_edge.errors import UsageError
from genre_edge.text_files import read_text

from .audio import AugmentSpec


def load_augment(path: Path) -> AugmentSpec:
    """Read a TOML file whose keys are the fields of AugmentSpec; what it leaves out is
    the default.

    Raises
    ------
    UsageError
        Names every key that is unknown or out of range.
    """
    try:
        values = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML ({error})") from None
    known = {field.name: field.default for field in fields(AugmentSpec)}
    faults = [
        f"{name} is unknown (known: {', '.join(known)})" for name in values if name not in known
    ]
    faults += [
        fault
        for name, value in values.items()
        if name in known and (fault := _fault(name, value, known[name]))
    ]
    if faults:
        raise UsageError(f"{path}: {'; '.join(faults)}")
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return AugmentSpec(**given)


def _fault(name: str, value: Any, default: Any) -> str | None:
    """What is wrong with a value, or None."""
    if isinstance(default, tuple):
        ranged = isinstance(value, list) and len(value) == 2 and all(_is_number(v) for v in value)
        if not ranged or value[0] > value[1]:
            return f"{name} must be [lowest, highest]"
        return f"{name} must be above 0" if name.endswith("_seconds") and value[0] <= 0 else None
    if not _is_number(value) or value < 0:
        return f"{name} must be a number from 0 on"
    if name.endswith("_probability") and value > 1:
        return f"{name} must be from 0 to 1"
    return f"{name} must be below 1" if name == "speed" and value >= 1 else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
