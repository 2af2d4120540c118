"""What one check of genre-edge doctor has found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    name: str
    """What was checked."""
    status: str
    """ok, warn or fail."""
    text: str
    """What was found."""
    remedy: str = ""
    """What to do; empty if nothing."""
