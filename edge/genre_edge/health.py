"""Counters and state of a running program, for whoever wants to report them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Health:
    """Written by the capture and the listener; read by anybody."""

    state: str = "starting"
    """The last state that was reported."""
    windows: int = 0
    """Windows heard."""
    losses: int = 0
    """Times the device was lost."""
    dropped_seconds: float = 0.0
    """Audio dropped because the program was too slow, s."""
    overflows: int = 0
    """Times the driver reported lost audio."""
    gaps: int = 0
    """Interruptions of the stream, for whatever reason."""
