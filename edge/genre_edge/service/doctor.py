"""The checks behind genre-edge doctor: each looks at one thing and says what to do
about it."""

from __future__ import annotations

import argparse
import grp
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import GenreEdgeError
from ..settings.places import default_folder

LISTEN_SECONDS = 2.0
"""How long the microphone is heard."""
_FIRST_SOUND_SECONDS = 5.0
"""Longest wait for its first sound: a slow board or a sound server takes its time."""
_EARLIEST_CLOCK = 1_750_000_000
"""A clock before this (June 2025) has not been set since boot."""
_LEAST_DISK = 100 * 1024 * 1024
_CAPTURE_DEVICE = re.compile(r"/dev/snd/pcmC(\d+)D(\d+)c")


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    name: str
    """What was looked at."""
    status: str
    """ok, warn or fail."""
    text: str
    """What was found."""
    remedy: str = ""
    """What to do; empty if nothing."""


Check = Callable[[argparse.Namespace], Iterator[Finding]]


def python(_: argparse.Namespace) -> Iterator[Finding]:
    """The Python that runs this."""
    yield Finding("python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def group_audio(_: argparse.Namespace) -> Iterator[Finding]:
    """Whether this user may open sound devices."""
    if not Path("/dev/snd").is_dir():
        yield Finding(
            "group",
            "warn",
            "no /dev/snd: the kernel sees no sound card",
            "plug the microphone in, or pass the device into the container (--device /dev/snd)",
        )
        return
    try:
        audio = grp.getgrnam("audio").gr_gid
    except KeyError:
        return
    if os.geteuid() == 0 or audio in os.getgroups():
        yield Finding("group", "ok", "may use sound devices")
    else:
        yield Finding(
            "group",
            "fail",
            "this user is not in the group audio",
            "sudo usermod -aG audio $USER, then log in again",
        )


def busy_devices(proc: Path = Path("/proc")) -> Iterator[tuple[str, int, str]]:
    """(device, process id, program) of every process that holds a capture device, as
    far as we may see."""
    for process in proc.glob("[0-9]*"):
        try:
            links = [os.readlink(link) for link in (process / "fd").iterdir()]
            program = (process / "comm").read_text().strip()
        except OSError:
            continue
        for link in links:
            if _CAPTURE_DEVICE.fullmatch(link):
                yield link, int(process.name), program


def busy(_: argparse.Namespace) -> Iterator[Finding]:
    """Who else uses a capture device."""
    for device, process, program in busy_devices():
        if process != os.getpid():
            yield Finding(
                "busy",
                "warn",
                f"{device} is held by {program} (process {process})",
                f"stop it (kill {process}), or let it share: choose the device 'pulse' or "
                "'default'",
            )


def mixer(_: argparse.Namespace) -> Iterator[Finding]:
    """Capture switches and volumes of every card."""
    cards = sorted(int(p.name[4:]) for p in Path("/proc/asound").glob("card[0-9]*"))
    if not cards:
        return
    if shutil.which("amixer") is None:
        yield Finding("mixer", "warn", "amixer is not installed", "sudo apt install alsa-utils")
        return
    for card in cards:
        shown = subprocess.run(
            ["amixer", "-c", str(card)], capture_output=True, text=True, timeout=10
        )
        yield from mixer_findings(card, shown.stdout)


def mixer_findings(card: int, amixer: str) -> Iterator[Finding]:
    """What amixer's output says of one card's capture controls."""
    for control in re.split(r"(?m)^Simple mixer control ", amixer)[1:]:
        name = control.split(",")[0].strip("'")
        states = re.findall(
            r"Capture (?:\d+ )?\[(\d+)%\](?: \[[^\]]*dB\])?(?: \[(on|off)\])?", control
        )
        states += [("", switch) for switch in re.findall(r"Capture \[(on|off)\]", control)]
        if not states:
            continue
        where = f"card {card}, {name}"
        if any(switch == "off" for _, switch in states):
            yield Finding(
                "mixer", "fail", f"{where}: capture is muted", f"amixer -c {card} sset '{name}' cap"
            )
        elif any(volume == "0" for volume, _ in states):
            yield Finding(
                "mixer",
                "fail",
                f"{where}: capture volume is 0",
                f"amixer -c {card} sset '{name}' 80%",
            )
        else:
            yield Finding("mixer", "ok", f"{where}: open at {states[0][0] or '?'} %")


def model(args: argparse.Namespace) -> Iterator[Finding]:
    """The model and the interpreter."""
    from ..model.engine import Engine

    try:
        engine = Engine(args.settings.model)
    except GenreEdgeError as error:
        yield Finding("model", "fail", str(error), "reinstall genre-edge, or name another --model")
        return
    yield Finding("model", "ok", f"{engine.bundle.info.name} is whole ({engine.bundle.path})")
    yield Finding("interpreter", "ok", engine.classifier.runtime)


def microphone(args: argparse.Namespace) -> Iterator[Finding]:
    """Opens the device as `listen` does and hears two seconds."""
    from ..live.portaudio import list_inputs

    try:
        devices, _ = list_inputs(args.verbose)
    except GenreEdgeError as error:
        yield Finding("microphone", "fail", str(error), "install what is named, then try again")
        return
    if not devices:
        yield Finding(
            "microphone",
            "fail",
            "PortAudio finds no input device",
            "plug a microphone in; 'arecord -l' must list it",
        )
        return
    yield Finding("devices", "ok", ", ".join(device.token for device in devices))
    yield from _heard(args.settings.microphone, args.verbose)


def _heard(config: object, verbose: bool) -> Iterator[Finding]:
    import numpy as np

    from ..audio.level import level_dbfs, signal_state
    from ..audio.pcm import from_int16
    from ..live.portaudio import Session
    from ..live.queue import CaptureQueue
    from ..settings.tables import CaptureConfig

    assert isinstance(config, CaptureConfig)
    queue = CaptureQueue(192_000, LISTEN_SECONDS + 1)
    try:
        session = Session(config, 22_050, queue.put, verbose)
    except GenreEdgeError as error:
        yield Finding(
            "microphone", "fail", str(error), "'genre-edge devices' lists what can be chosen"
        )
        return
    opened = session.format
    yield Finding(
        "microphone",
        "ok",
        f"{opened.device.token} opens at {opened.rate} Hz, {opened.channels} channel(s), "
        f"{opened.why}",
    )
    first = queue.get(_FIRST_SOUND_SECONDS)
    chunks = [] if first is None else [np.frombuffer(first.data, "<i2")]
    end = time.monotonic() + LISTEN_SECONDS
    while first is not None and time.monotonic() < end:
        chunk = queue.get(0.2)
        if chunk is not None:
            chunks.append(np.frombuffer(chunk.data, "<i2"))
    session.close()
    if not chunks:
        yield Finding(
            "level", "fail", "the device sends nothing", "replug it; try another USB port or cable"
        )
        return
    samples = from_int16(np.concatenate(chunks))
    level, state = level_dbfs(samples), signal_state(samples)
    text = f"{level:.0f} dBFS over {LISTEN_SECONDS:g} s"
    if state == "dead":
        yield Finding(
            "level",
            "fail",
            f"every sample is the same ({text})",
            "unmute it: run alsamixer, F4, space",
        )
    elif state == "clipping":
        yield Finding(
            "level", "warn", f"clipping ({text})", "lower the capture volume: alsamixer, F4"
        )
    elif level < -60:
        yield Finding(
            "level", "warn", f"very quiet ({text})", "raise the capture volume, or use --gain 20"
        )
    else:
        yield Finding("level", "ok", text)


def disk(_: argparse.Namespace) -> Iterator[Finding]:
    """Room where the history is kept."""
    folder = default_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free in {folder}"
    if free < _LEAST_DISK:
        yield Finding("disk", "fail", text, "make room: journalctl --vacuum-size=50M, apt clean")
    else:
        yield Finding("disk", "ok", text)


def clock(_: argparse.Namespace) -> Iterator[Finding]:
    """Whether the system knows what time it is."""
    if time.time() < _EARLIEST_CLOCK:
        yield Finding(
            "clock",
            "fail",
            f"the clock says {time.strftime('%Y-%m-%d')}",
            "connect to a network (NTP), or set it: sudo date -s '2026-01-31 12:00'",
        )
        return
    if shutil.which("timedatectl"):
        shown = subprocess.run(
            ["timedatectl", "show", "-p", "NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=10,
        )
        if shown.stdout.strip() == "no":
            yield Finding(
                "clock",
                "warn",
                "not synchronised with NTP",
                "sudo timedatectl set-ntp true, or ignore it offline",
            )
            return
    yield Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S %Z"))


CHECKS: tuple[Check, ...] = (python, model, group_audio, mixer, busy, microphone, disk, clock)
"""In the order they are shown."""
