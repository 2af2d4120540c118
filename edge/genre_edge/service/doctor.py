"""All checks of genre-edge doctor, and those of the system. Each looks at one thing,
and says what to do about a fault."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..clock_sync import is_clock_synchronised
from ..errors import GenreEdgeError
from ..settings.hours import weekly_hours
from ..settings.places import default_folder
from ..settings.settings import Settings
from ..sinks.notify.settings import SECTION as NOTIFY
from .doctor_sound import (
    check_group,
    check_microphone,
    check_mixer,
    check_sources,
    check_users,
)
from .finding import Finding
from .pausing import SWITCHED_OFF
from .systemd_notify import SERVICE_HEARTBEAT, heartbeat_file

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


def check_hours(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """Whether a listening program would pause now."""
    switched_off = default_folder() / SWITCHED_OFF
    if os.path.exists(switched_off):
        remedy = f"turn on the switch in Home Assistant, or rm {switched_off} and start it again"
        yield Finding("hours", "warn", 'the switch "listening" is off', remedy)
    if settings.listen.hours:
        hours, now = weekly_hours(settings.listen.hours), time.localtime()
        state = "listens" if hours.contains(now) else "pauses"
        until = hours.next_change(now)
        text = f"a listening program {state} now" + (f", until {until}" if until else "")
        yield Finding("hours", "ok", text)


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


def check_notify(settings: Settings, verbose: bool) -> Iterator[Finding]:
    """Whether Apprise understands the addresses of each rule [[notify]]; nothing is
    sent."""
    from ..sinks.notify.message import Message
    from ..sinks.notify.send import send

    for rule in settings.all_of(NOTIFY):
        found = send(rule.addresses(), Message("", ""), rule.timeout_seconds, sends=False)
        bad = [f"{one.service}: {one.trouble}" for one in found if one.trouble]
        if bad:
            remedy = "correct its urls; 'genre-edge notify --test' sends a message"
            yield Finding("notify", "fail", f"{rule.title}: {'; '.join(bad)}", remedy)
        else:
            text = f"{rule.title}: Apprise understands {len(found)} of {len(found)} URLs"
            yield Finding("notify", "ok", f"{text} ('genre-edge notify --test' sends a message)")


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
    check_hours,
    check_clock,
    check_notify,
    check_service,
)
"""In the order in which they are shown."""
