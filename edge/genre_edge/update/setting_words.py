"""Settings as a command line gives them, checked as devices will."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..settings.editable import at_once, kind_of
from ..settings.options import OptionField, option_fields
from ..settings.section import Section
from ..settings.settings import all_sections
from ..sinks import kinds
from ..statement import SettingValue

_BY_HAND = ("other", "secret")
"""Kinds of settings that no page and no update may set."""


def settings_of_words(words: Sequence[str]) -> dict[str, SettingValue]:
    """{"section.option": value} of words such as "listen.smooth=5".

    Raises
    ------
    UsageError
        If one is unknown, is read only when the program starts, or has a wrong value.
    """
    return dict(_setting(word) for word in words)


def _setting(word: str) -> tuple[str, SettingValue]:
    key, equals, text = word.partition("=")
    if not equals:
        raise UsageError(f"{word}: must be SECTION.OPTION=VALUE")
    section, one = _option(key)
    if section.repeated or kind_of(section, one) in _BY_HAND or one.kind in (Path, dict):
        raise UsageError(f"{key}: is for the configuration file of each device only")
    if not at_once(section.name, one.name):
        raise UsageError(f"{key}: takes effect when the program starts, so no update can set it")
    try:
        value: Any = one.from_text(text)
    except ValueError as error:
        raise UsageError(f"{key}: {error}") from None
    if problem := one.problem(value):
        raise UsageError(f"{key}: {problem}")
    return key, value


def _option(key: str) -> tuple[Section[Any], OptionField]:
    """The section and the option that a key names. UsageError."""
    known = {
        f"{section.name}.{one.name}": (section, one)
        for section in all_sections(kinds.sections())
        for one in option_fields(section.options)
    }
    if key not in known:
        from difflib import get_close_matches

        close = get_close_matches(key, known, 1)
        raise UsageError(f"{key}: unknown" + (f"; did you mean {close[0]}?" if close else ""))
    return known[key]
