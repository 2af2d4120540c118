"""Whether the system's clock follows NTP."""

from __future__ import annotations

from pathlib import Path

_SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes it with the first answer after the start of the system."""
_COMMAND_SECONDS = 10.0
"""Longest wait for timedatectl, s."""


def is_clock_synchronised() -> bool | None:
    """Whether the clock is synchronised with NTP; None if systemd cannot tell."""
    if _SYNCHRONISED.exists():
        return True
    import subprocess

    command = ("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())
