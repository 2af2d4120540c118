"""The machine that a benchmark runs on: what it is, how warm it is, whether it slows
itself down."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

_MODEL = Path("/proc/device-tree/model")
_THERMAL = Path("/sys/class/thermal")
_THROTTLED = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
}
"""Bits of `vcgencmd get_throttled` for what happens now. The same bits 16 places higher
are for what happened since the machine was switched on.
Source: Raspberry Pi documentation, "vcgencmd"."""


def describe() -> dict[str, Any]:
    """Model of the board or processor, architecture, cores, system, Python."""
    model = ""
    if _MODEL.exists():
        model = _MODEL.read_text(errors="replace").strip("\0\n ")
    return {
        "model": model or _processor(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def temperature() -> float | None:
    """Temperature of the warmest sensor, degrees Celsius; None without a sensor."""
    found = []
    for zone in _THERMAL.glob("thermal_zone*/temp"):
        try:
            found.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):
            continue
    return round(max(found), 1) if found else None


def throttled() -> list[str] | None:
    """Reasons why a Raspberry Pi runs slower now, or did since it was switched on; None
    on another machine."""
    vcgencmd = shutil.which("vcgencmd")
    if vcgencmd is None:
        return None
    shown = subprocess.run(
        [vcgencmd, "get_throttled"], capture_output=True, text=True, check=False
    ).stdout
    return parse_throttled(shown)


def parse_throttled(shown: str) -> list[str] | None:
    """The output of `vcgencmd get_throttled` in words; None if it is something else.

    Examples
    --------
    >>> parse_throttled("throttled=0x50005")
    ['under-voltage', 'throttled']
    """
    try:
        bits = int(shown.strip().partition("=")[2], 16)
    except ValueError:
        return None
    now = [text for bit, text in _THROTTLED.items() if bits >> bit & 1]
    earlier = [
        f"{text} earlier"
        for bit, text in _THROTTLED.items()
        if bits >> (bit + 16) & 1 and not bits >> bit & 1
    ]
    return now + earlier
