"""The checks behind genre-edge doctor. Each looks at one thing, and says what to do
about a fault."""

from __future__ import annotations

import grp
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..clock_sync import is_clock_synchronised
from ..errors import GenreEdgeError
from ..settings.places import default_folder
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
from .systemd_notify import SERVICE_HEARTBEAT, heartbeat_file

if TYPE_CHECKING:
    from ..arrays import Float32

_LISTEN_SECONDS = 2.0
"""How long to listen to the microphone."""
_FIRST_SOUND_SECONDS = 5.0
"""Longest wait for its first sound; a slow board or a sound server needs time."""
_QUIET_DBFS = -60.0
"""A microphone below this level is very quiet."""
_EARLIEST_TIME = 1_750_000_000
"""A clock before this (June 2025; s since 1970) has not been set since the start."""
_MIN_FREE_BYTES = 100 * 1024 * 1024


Check = Callable[[Settings, bool], Iterator[Finding]]
"""Takes the settings in force, and whether to let ALSA and PortAudio print."""


def check_python(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """The Python that runs this program."""
    yield Finding("python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def check_model(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """The model, and what runs it."""
    from ..model.engine import Engine

    try:
        engine = Engine(settings.model)
    except GenreEdgeError as error:
        remedy = "reinstall genre-edge, or choose another model with --model"
        yield Finding("model", "fail", str(error), remedy)
        return
    bundle = engine.bundle
    yield Finding("model", "ok", f"{bundle.info.name} is complete and unchanged ({bundle.path})")
    yield Finding("interpreter", "ok", engine.classifier.runtime)


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
        session = Session(settings.microphone, 22_050, queue.put, verbose)
    except GenreEdgeError as error:
        remedy = "'genre-edge devices' lists what can be chosen"
        yield Finding("microphone", "fail", str(error), remedy)
        return
    opened = session.format
    yield Finding(
        "microphone",
        "ok",
        f"{opened.device.token} opens at {opened.rate} Hz, {opened.channels} channel(s), "
        f"{opened.why}",
    )
    samples = recorded(queue, _FIRST_SOUND_SECONDS, _LISTEN_SECONDS)
    session.close()
    yield level_finding(samples)


def level_finding(samples: Float32 | None) -> Finding:
    """Judge what a microphone delivered.

    Parameters
    ----------
    samples
        float32 [n], full scale at 1.0; None if nothing came.
    """
    from ..audio.level import level_dbfs, signal_state

    if samples is None:
        return Finding(
            "level",
            "fail",
            "the device delivers no audio",
            "unplug it and plug it in again; try another USB port or cable",
        )
    level, state = level_dbfs(samples), signal_state(samples)
    text = f"{level:.0f} dBFS over {_LISTEN_SECONDS:g} s"
    if state == "dead":
        remedy = "unmute it: run alsamixer, press F4, then space"
        return Finding("level", "fail", f"no signal: every sample is the same ({text})", remedy)
    if state == "clipping":
        remedy = "lower the capture volume: run alsamixer, press F4"
        return Finding("level", "warn", f"too loud: the signal is clipped ({text})", remedy)
    if level < _QUIET_DBFS:
        remedy = "raise the capture volume, or use --gain 20"
        return Finding("level", "warn", f"very quiet ({text})", remedy)
    return Finding("level", "ok", text)


def check_ffmpeg(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """The program that decodes what this one does not."""
    from ..audio.ffmpeg import INSTALL, find_ffmpeg

    found = find_ffmpeg()
    use = "AAC, WMA, WebM, video, pipes that hold no WAV, and streams ([[source]])"
    if found is not None:
        yield Finding("ffmpeg", "ok", f"{found}, for {use}")
    elif any(not source.is_microphone for source in settings.sources):
        yield Finding("ffmpeg", "fail", "not installed, and a [[source]] needs it", INSTALL)
    else:
        yield Finding("ffmpeg", "ok", f"not installed; needed only for {use}: {INSTALL}")


def check_disk(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """Free space where the history is kept."""
    folder = default_folder()
    while not os.path.exists(folder):
        folder = folder.parent
    yield disk_finding(folder, shutil.disk_usage(folder).free)


def disk_finding(folder: Path, free: int) -> Finding:
    """Judge the free space of a folder, bytes."""
    text = f"{free / 1e9:.1f} GB free in {folder}"
    if free < _MIN_FREE_BYTES:
        remedy = "free some space: journalctl --vacuum-size=50M, apt clean"
        return Finding("disk", "fail", text, remedy)
    return Finding("disk", "ok", text)


def check_clock(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """Whether the system knows what time it is."""
    yield clock_finding(time.time(), is_clock_synchronised())


def clock_finding(now: float, is_synchronised: bool | None) -> Finding:
    """Judge the clock.

    Parameters
    ----------
    now
        What it shows, s since 1970.
    is_synchronised
        Whether it follows NTP; None if that is not known.
    """
    local = time.localtime(now)
    if now < _EARLIEST_TIME:
        return Finding(
            "clock",
            "fail",
            f"the clock is not set: it shows {time.strftime('%Y-%m-%d', local)}",
            "connect to a network (NTP), or set it: sudo date -s '2026-01-31 12:00'",
        )
    if is_synchronised is False:
        return Finding(
            "clock",
            "warn",
            "not synchronised with NTP",
            "sudo timedatectl set-ntp true, or ignore this if the device is offline",
        )
    return Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S %Z", local))


def check_service(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """What a service that runs says of itself."""
    path = heartbeat_file() or SERVICE_HEARTBEAT
    try:
        trouble = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # none runs here, or it is not ours to see
    if trouble:
        remedy = "journalctl -u genre-edge has more; sudo systemctl restart genre-edge"
        yield Finding("service", "fail", trouble, remedy)
    else:
        yield Finding("service", "ok", "every part of it works")


CHECKS: tuple[Check, ...] = (
    check_python,
    check_model,
    check_group,
    check_mixer,
    check_users,
    check_microphone,
    check_sources,
    check_ffmpeg,
    check_disk,
    check_clock,
    check_service,
)
"""In the order in which they are shown."""
