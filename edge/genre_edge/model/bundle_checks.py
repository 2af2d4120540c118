"""What the words and tables in a bundle may be: they are shown on screens, and sent to
other programs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

RESERVED = ("silence", "uncertain")
"""What is shown in place of a label where nothing is heard, or nothing for certain."""
_MOST_LABELS = 10_000
_LONGEST_LABEL = 100
_LONGEST_TEXT = 4000
_LONGEST_QUOTE = 300
_DEEPEST = 16
"""Levels of tables in tables."""
_JOINERS = "\u200c\u200d"
"""Parts of words in Persian and in languages of India, which are no control
characters."""


def checked_labels(values: Any) -> tuple[str, ...]:
    """The labels of a bundle.

    Raises
    ------
    ValueError
        If they are no list of short, printable texts, each of them once.
    """
    if not isinstance(values, list) or not 0 < len(values) <= _MOST_LABELS:
        raise ValueError(f"labels must be a list of 1 to {_MOST_LABELS} texts")
    seen = set()
    for number, label in enumerate(values):
        if not isinstance(label, str) or not 0 < len(label) <= _LONGEST_LABEL:
            raise ValueError(f"label {number} must be a text of 1 to {_LONGEST_LABEL} characters")
        if not is_printable(label) or label != label.strip():
            raise ValueError(
                f"label {number} has characters that cannot be shown, or spaces around it"
            )
        same = unicodedata.normalize("NFC", label)
        if same in seen:
            raise ValueError(f"label {number} ({label}) stands there twice")
        seen.add(same)
    return tuple(values)


def check_meaning(labels: Iterable[str]) -> None:
    """Refuse labels that mean something else where a label is shown. ValueError."""
    for label in labels:
        if label in RESERVED:
            raise ValueError(
                f"label {label} has a meaning of its own in this program; give it another name"
            )


def checked_name(value: Any) -> str:
    """The name of a model. ValueError."""
    if not isinstance(value, str) or len(value) > _LONGEST_LABEL or not is_printable(value):
        raise ValueError(f"name must be a printable text of at most {_LONGEST_LABEL} characters")
    return value


def checked_table(name: str, value: Any) -> Mapping[str, Any]:
    """A table of a bundle, "metrics" say.

    Raises
    ------
    ValueError
        If it is no table, is nested too deeply, or holds text that cannot be shown.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table")
    _check_texts(name, value, _DEEPEST)
    return value


def checked_metrics(value: Any) -> Mapping[str, Any]:
    """The table of measured accuracy; what the program reads of it is what it should
    be. ValueError."""
    metrics = checked_table("metrics", value)
    valid = checked_table("metrics.valid", metrics.get("valid", {}))
    threshold = valid.get("uncertain_below", 0.0)
    is_number = isinstance(threshold, (int, float)) and not isinstance(threshold, bool)
    if not is_number or not 0 <= threshold <= 1:
        raise ValueError("metrics.valid.uncertain_below must be a number from 0 to 1")
    return metrics


def is_printable(text: str) -> bool:
    """Whether nothing in a text controls a terminal or is half a character."""
    return all(letter.isprintable() or letter in _JOINERS for letter in text)


def shown(value: object) -> str:
    """Words that may quote a bundle, as a part of one line of an error."""
    text = str(value)
    if len(text) > _LONGEST_QUOTE:
        text = f"{text[:_LONGEST_QUOTE]}..."
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _check_texts(name: str, value: Any, levels: int) -> None:
    if levels == 0:
        raise ValueError(f"{name} is nested too deeply")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_texts(name, key, levels - 1)
            _check_texts(name, inner, levels - 1)
    elif isinstance(value, list):
        for inner in value:
            _check_texts(name, inner, levels - 1)
    elif isinstance(value, str):
        lines = value.replace("\n", "").replace("\t", "")
        if len(value) > _LONGEST_TEXT or not is_printable(lines):
            raise ValueError(f"{name} holds text that is too long or cannot be shown")
