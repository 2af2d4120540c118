"""What the system says of its sound devices and its clock, without any judgement."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..arrays import Float32
    from ..live.queue import CaptureQueue

_CAPTURE_DEVICE = re.compile(r"/dev/snd/pcmC(\d+)D(\d+)c")
_CAPTURE_VOLUME = re.compile(r"Capture (?:\d+ )?\[(\d+)%\](?: \[[^\]]*dB\])?(?: \[(on|off)\])?")
_CAPTURE_SWITCH = re.compile(r"Capture \[(on|off)\]")
_COMMAND_SECONDS = 10
"""Longest run of a system's command, s."""


@dataclass(frozen=True)
class DeviceUser:
    """A process that has a capture device open."""

    device: str
    """Path of the device."""
    process: int
    """Process id."""
    program: str
    """Name of the program."""


def device_users(proc: Path = Path("/proc")) -> Iterator[DeviceUser]:
    """Find the processes that have a capture device open.

    Parameters
    ----------
    proc
        Where the kernel describes processes.

    Yields
    ------
    DeviceUser
        As far as this user may see them.
    """
    for process in proc.glob("[0-9]*"):
        try:
            links = [os.readlink(link) for link in (process / "fd").iterdir()]
            program = (process / "comm").read_text().strip()
        except OSError:
            continue  # it has ended, or belongs to another user
        for link in links:
            if _CAPTURE_DEVICE.fullmatch(link):
                yield DeviceUser(link, int(process.name), program)


@dataclass(frozen=True)
class CaptureControl:
    """One control of a sound card that has to do with recording."""

    name: str
    """As amixer calls it."""
    is_muted: bool
    """Whether any of its channels is switched off."""
    volumes: tuple[int, ...]
    """Percent, one a channel; empty if it is only a switch."""


def sound_cards(asound: Path = Path("/proc/asound")) -> list[int]:
    """Numbers of the sound cards."""
    return sorted(int(path.name.removeprefix("card")) for path in asound.glob("card[0-9]*"))


def mixer_text(card: int) -> str:
    """What amixer prints about a card; empty if it fails."""
    return _output_of("amixer", "-c", str(card))


def capture_controls(amixer: str) -> list[CaptureControl]:
    """Read the capture controls out of what amixer prints about one card."""
    controls = []
    for text in re.split(r"(?m)^Simple mixer control ", amixer)[1:]:
        volumes = _CAPTURE_VOLUME.findall(text)
        switches = [switch for _, switch in volumes] + _CAPTURE_SWITCH.findall(text)
        if switches:
            name = text.split(",")[0].strip("'")
            percents = tuple(int(percent) for percent, _ in volumes)
            controls.append(CaptureControl(name, "off" in switches, percents))
    return controls


def recorded(queue: CaptureQueue, wait_seconds: float, seconds: float) -> Float32 | None:
    """Take audio from an open microphone.

    Parameters
    ----------
    queue
        Where the microphone delivers.
    wait_seconds
        Longest wait for its first sound, s.
    seconds
        How long to listen after that, s.

    Returns
    -------
    float32 array [n] or None
        Interleaved samples with full scale at 1.0; None if nothing came.
    """
    import numpy as np

    from ..audio.pcm import from_int16

    first = queue.get(wait_seconds)
    if first is None:
        return None
    chunks = [first.data]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        chunk = queue.get(left)
        if chunk is not None:
            chunks.append(chunk.data)
    return from_int16(np.frombuffer(b"".join(chunks), "<i2"))


def _output_of(*command: str) -> str:
    """What a command of the system prints; empty if it is missing or takes too long."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
