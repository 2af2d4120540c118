"""Settings as TOML: the commented file to begin with, and what is in force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .options import OptionField, option_fields
from .places import PREFIX
from .section import Section
from .settings import Settings, all_sections

_HEAD = f"""\
# Settings of genre-edge.
# Lines such as "# key = value" show the defaults; remove the "# " to change one.
# Environment variables such as {PREFIX}LISTEN_SMOOTH=5 override this file; flags override both.
# `genre-edge config check` names every fault in it. `systemctl reload genre-edge` applies a
# change to the running service (microphone, model and web: at the next start).
"""


def commented(
    sections: Iterable[Section[Any]], values: Mapping[str, Mapping[str, Any]] | None = None
) -> str:
    """A whole configuration file in which every key is explained.

    Parameters
    ----------
    sections : iterable of Section
        The tables of the sinks, as for `load`.
    values : mapping or None
        {section: {key: value}} that the file sets; all other keys are comments.

    Returns
    -------
    str
        TOML.
    """
    parts = [_HEAD]
    for section in all_sections(sections):
        given = (values or {}).get(section.name, {})
        head = f"# [[{section.name}]]" if section.repeated else f"[{section.name}]"
        title = f"# {section.title}{'; the table may be repeated' if section.repeated else ''}"
        lines = [title, head]
        for one in option_fields(section.options):
            lines.append(f"# {one.option.help}{_limits(one)}")
            if one.name in given:
                lines.append(f"{one.name} = {as_toml(given[one.name])}")
                continue
            lines.append(commented_line(section, one))
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def effective(
    sections: Iterable[Section[Any]], settings: Settings, origins: Mapping[str, str]
) -> str:
    """Settings as TOML, each value that is not the default with the place where it was
    set.

    Parameters
    ----------
    sections : iterable of Section
        The tables of the sinks, as for `load`.
    settings : Settings
        What `load` returned.
    origins : mapping of str to str
        The places that `load` returned.

    Returns
    -------
    str
        TOML. Secrets are in files or in the environment and are not shown.
    """
    parts, secrets = [], list[str]()
    for section in all_sections(sections):
        head = f"[[{section.name}]]" if section.repeated else f"[{section.name}]"
        for options in settings.all_of(section):
            parts.append("\n".join([head, *_values(section, options, origins)]) + "\n")
        secrets += section.secrets
    return "\n".join(parts) + "".join(f"\n# {name} is not shown\n" for name in secrets)


def _values(section: Section[Any], options: object, origins: Mapping[str, str]) -> Iterable[str]:
    for one in option_fields(section.options):
        value = one.option.shown(getattr(options, one.name))
        origin = origins.get(f"{section.name}.{one.name}")
        note = f"  # {origin}" if origin else ""
        yield (
            f"# {one.name} is not set" if value is None else f"{one.name} = {as_toml(value)}{note}"
        )


def commented_line(section: Section[Any], one: OptionField) -> str:
    """The line that shows an option which is not set: its default, or an example."""
    shown = section.examples.get(one.name, one.default)
    note = "  # an example" if one.optional else ""
    return f"# {one.name} = {as_toml(shown)}{note}"


def as_toml(value: Any) -> str:
    """A value as TOML writes it. JSON's strings are TOML's too, but for one sign."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, bool) or value is None:
        return str(bool(value)).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, tuple):
        value = list(value)
    text = json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")  # JSON lets that one stand, TOML does not


def _limits(one: OptionField) -> str:
    low, high = one.option.low, one.option.high
    if one.option.choices:
        return f" ({', '.join(one.option.choices)})"
    if low is not None and high is not None:
        return f" ({low:g} to {high:g})"
    return ""
