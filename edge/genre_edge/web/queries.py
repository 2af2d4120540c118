"""What a request says: numbers and switches in its query, JSON in its body."""

from __future__ import annotations

from typing import Any

from flask import request

from .problems import Problem


def switch(name: str) -> bool:
    """Whether a switch is on; it is off if it is absent. Problem."""
    value = request.args.get(name, "0")
    if value not in ("0", "1"):
        raise Problem(422, f"{name}: must be 0 or 1")
    return value == "1"


def number(name: str, low: int, high: int, default: str = "") -> int:
    """A whole number within limits. Problem, also if it is absent without a default."""
    text = request.args.get(name, default)
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not (is_number and low <= int(text) <= high):
        raise Problem(422, f"{name}: must be a whole number from {low} to {high}")
    return int(text)


def json_object() -> dict[str, Any]:
    """The JSON object in the body; an empty one if the body is anything else."""
    try:
        given = request.get_json(silent=True)
    except RecursionError:  # lists in lists in lists
        return {}
    return given if isinstance(given, dict) else {}
