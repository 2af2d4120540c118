"""What a request says: numbers, switches and ages in its query, JSON in its body."""

from __future__ import annotations

import time
from typing import Any

from flask import request

from ..errors import UsageError
from ..sinks.history_report import parse_age
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


def since() -> float:
    """How far back is asked for; what was heard before is left out, UTC, s since 1970.
    Problem."""
    try:
        return max(0.0, time.time() - parse_age(request.args.get("since", "7d")))
    except (UsageError, OverflowError):
        raise Problem(422, "since: must be a number and m, h, d or w, such as 12h or 7d") from None


def json_object() -> dict[str, Any]:
    """The JSON object in the body; an empty one if the body is anything else."""
    try:
        given = request.get_json(silent=True)
    except RecursionError:  # lists in lists in lists
        return {}
    return given if isinstance(given, dict) else {}
