"""The checks of genre-edge doctor that are about sound: who may use which device, what
its mixer is set to, and what it delivers."""

from __future__ import annotations

import grp
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import GenreEdgeError
from ..settings.settings import Settings
from .finding import Finding
from .probes import (
    CaptureControl,
    capture_controls,
    device_users,
    mixer_text,
    recorded,
    sound_cards,
)

if TYPE_CHECKING:
    from ..arrays import Float32

_LISTEN_SECONDS = 2.0
"""How long to listen to the microphone."""
_FIRST_SOUND_SECONDS = 5.0
"""Longest wait for its first sound; a slow board or a sound server needs time."""


def check_group(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """Whether this user may open sound devices."""
    if not Path("/dev/snd").is_dir():
        yield Finding(
            "group",
            "warn",
            "no /dev/snd: the kernel sees no sound card",
            "plug in the microphone; in a container, pass the device on (--device /dev/snd)",
        )
        return
    try:
        audio = grp.getgrnam("audio").gr_gid
    except KeyError:
        return
    if os.geteuid() == 0 or audio in os.getgroups():
        yield Finding("group", "ok", "this user may use sound devices")
    else:
        yield Finding(
            "group",
            "fail",
            "this user is not in the group audio",
            "sudo usermod -aG audio $USER, then log in again",
        )


def check_mixer(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """Capture switches and volumes of every sound card."""
    cards = sound_cards()
    if cards and shutil.which("amixer") is None:
        yield Finding("mixer", "warn", "amixer is not installed", "sudo apt install alsa-utils")
        return
    for card in cards:
        for control in capture_controls(mixer_text(card)):
            yield mixer_finding(card, control)


def mixer_finding(card: int, control: CaptureControl) -> Finding:
    """Judge one capture control of a card."""
    where = f"card {card}, {control.name}"
    command = f"amixer -c {card} sset '{control.name}'"
    if control.is_muted:
        return Finding("mixer", "fail", f"{where}: capture is muted", f"{command} cap")
    if 0 in control.volumes:
        return Finding("mixer", "fail", f"{where}: capture volume is 0", f"{command} 80%")
    if not control.volumes:
        return Finding("mixer", "ok", f"{where}: capture is on")
    return Finding("mixer", "ok", f"{where}: capture volume is {control.volumes[0]} %")


def check_users(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """Which other programs use a capture device."""
    for user in device_users():
        if user.process != os.getpid():
            yield Finding(
                "busy",
                "warn",
                f"{user.device} is in use by {user.program} (process {user.process})",
                f"stop that program (kill {user.process}), or choose a device that can be "
                "shared: --device pulse or --device default",
            )


def check_sources(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """Listen to each stream of the configuration for two seconds."""
    from .source_probe import source_finding

    for source in settings.sources:
        if not source.is_microphone:
            yield source_finding(source, _LISTEN_SECONDS)


def check_microphone(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """Open the microphone as `listen` does, and listen to it for two seconds."""
    if settings.sources and not any(source.is_microphone for source in settings.sources):
        return
    from ..live.portaudio import Session, list_inputs
    from ..live.queue import CaptureQueue

    try:
        devices, _ = list_inputs(verbose)
    except GenreEdgeError as error:
        remedy = "install what the message names, then try again"
        yield Finding("microphone", "fail", str(error), remedy)
        return
    if not devices:
        yield Finding(
            "microphone",
            "fail",
            "PortAudio finds no input device",
            "plug in a microphone; 'arecord -l' must list it",
        )
        return
    yield Finding("devices", "ok", ", ".join(device.token for device in devices))
    queue = CaptureQueue(192_000, _LISTEN_SECONDS + 1)
    try:
        session = Session(settings.microphone, _rate(settings), queue.put, verbose)
    except GenreEdgeError as error:
        remedy = "'genre-edge devices' lists what can be chosen"
        yield Finding("microphone", "fail", str(error), remedy)
        return
    opened = session.format
    channels = "mono" if opened.channels == 1 else f"{opened.channels} channels"
    yield Finding(
        "microphone",
        "ok",
        f"{opened.device.token} opens at {opened.rate} Hz, {channels}, {opened.why}",
    )
    samples = recorded(queue, _FIRST_SOUND_SECONDS, _LISTEN_SECONDS)
    session.close()
    yield level_finding(samples)


def _rate(settings: Settings) -> int:
    """The rate that the model asks for, Hz; any will do for a level."""
    from ..model.engine import Engine

    try:
        return Engine(settings.model).sample_rate
    except GenreEdgeError:  # it has a finding of its own
        return 22_050


def level_finding(samples: Float32 | None) -> Finding:
    """Judge what a microphone delivered.

    Parameters
    ----------
    samples
        float32 [n], full scale at 1.0; None if nothing came.
    """
    from ..audio.level import level_dbfs, usable_state

    if samples is None:
        return Finding(
            "level",
            "fail",
            "the device delivers no audio",
            "unplug it and plug it in again; try another USB port or cable",
        )
    level, state = level_dbfs(samples), usable_state(samples)
    text = f"{level:.0f} dBFS over {_LISTEN_SECONDS:g} s"
    if state == "dead":
        remedy = "unmute it: run alsamixer, press F4, then space"
        return Finding("level", "fail", f"no signal: every sample is the same ({text})", remedy)
    if state == "clipping":
        remedy = "lower the capture volume: run alsamixer, press F4"
        return Finding("level", "warn", f"too loud: the signal is clipped ({text})", remedy)
    if state == "quiet":
        remedy = "raise the capture volume, or use --gain 20"
        return Finding("level", "warn", f"very quiet ({text})", remedy)
    return Finding("level", "ok", text)
