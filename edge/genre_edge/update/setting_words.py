"""Settings as a command line gives them, checked as devices will."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import UsageError
from ..settings.load import SIGNED, load
from ..settings.signed import signed_option
from ..sinks import kinds
from ..statement import SettingValue


def settings_of_words(words: Sequence[str]) -> dict[str, SettingValue]:
    """{"section.option": value} of words such as "listen.smooth=5".

    They are checked together, over the defaults. A device checks them over what it has.

    Raises
    ------
    UsageError
        If one is unknown, may not come over the network, or has a wrong value.
    """
    found: dict[str, SettingValue] = {}
    for key, value in map(_setting, words):
        if key in found:
            raise UsageError(f"{key}: is given twice")
        found[key] = value
    try:
        load(kinds.sections(), environment={}, signed=found)
    except UsageError as error:
        raise UsageError(str(error).replace(f"{SIGNED}: ", "")) from None
    return found


def _setting(word: str) -> tuple[str, SettingValue]:
    key, equals, text = word.partition("=")
    if not equals:
        raise UsageError(f"{word}: must be SECTION.OPTION=VALUE")
    _, one = signed_option(key, kinds.sections())
    try:
        value: Any = one.from_text(text)
    except ValueError as error:
        raise UsageError(f"{key}: {error}") from None
    return key, value
