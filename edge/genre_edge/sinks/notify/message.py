"""The words of a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    from .heard import Occasion

_EXAMPLE = {
    "label": "jazz",
    "confidence": "87 %",
    "since": "18:02",
    "minutes": "5",
    "device": "kitchen",
    "source": "radio",
    "reason": "",
}
"""Every field of a template."""
_LONGEST_WIDTH = 3
"""Digits of a number in a field's format."""


@dataclass(frozen=True)
class Message:
    """What a person reads."""

    title: str
    body: str


def message_about(occasion: Occasion, template: str, device: str) -> Message:
    """The message about an occasion.

    Parameters
    ----------
    occasion : Occasion
        The label or state.
    template : str
        The user's own words; empty: a sentence.
    device : str
        What this device is called.
    """
    title = f"{occasion.source or device}: {occasion.what}"
    fields = fields_of(occasion, device)
    if template:
        return Message(title, template.format(**fields))
    minutes = f" ({fields['minutes']} min)" if fields["minutes"] != "0" else ""
    sure = f", {fields['confidence']} sure" if fields["confidence"] else ""
    why = f": {occasion.reason}" if occasion.reason else ""
    place = f"{occasion.source} on {device}" if occasion.source else device
    return Message(title, f"{occasion.what} since {fields['since']}{minutes}{sure}{why} [{place}]")


def fields_of(occasion: Occasion, device: str) -> dict[str, str]:
    """What a template may name: each field as a text."""
    from datetime import datetime

    since = datetime.fromisoformat(occasion.since).astimezone()
    sure = occasion.confidence
    return {
        "label": occasion.what,
        "confidence": "" if sure is None else f"{100 * sure:.0f} %",
        "since": f"{since:%H:%M}",
        "minutes": f"{occasion.seconds / 60:.0f}",
        "device": device,
        "source": occasion.source or "",
        "reason": occasion.reason,
    }


def test_message(rule: str, device: str) -> Message:
    """The message that tries out a rule."""
    return Message(f"{device}: test", f"genre-edge on {device}: the rule '{rule}' reaches you here")


def check_template(template: str) -> None:
    """UsageError for a template that names no field, or reaches into the program."""
    import re
    from string import Formatter

    try:
        named = [(n, spec or "") for _, n, spec, _ in Formatter().parse(template) if n is not None]
    except ValueError as error:
        raise UsageError(f"template: {error}") from None
    for name, form in named:
        if name not in _EXAMPLE:
            raise UsageError(f"template: {{{name}}} is none of {', '.join(_EXAMPLE)}")
        if "{" in form or re.search(rf"\d{{{_LONGEST_WIDTH + 1}}}", form):
            raise UsageError(f"template: {{{name}:{form}}}: a format has no number above 999")
    try:
        template.format(**_EXAMPLE)
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise UsageError(f"template: {error}; every field is a text") from None
