"""The doctor's checks on made-up systems."""

from __future__ import annotations

import os
import shlex
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from genre_edge.live.queue import CaptureQueue
from genre_edge.service.doctor import check_service, clock_finding, disk_finding
from genre_edge.service.doctor_sound import level_finding, mixer_finding
from genre_edge.service.probes import (
    CaptureControl,
    DeviceUser,
    capture_controls,
    device_users,
    recorded,
    sound_cards,
)
from genre_edge.service.systemd_notify import Notifier
from genre_edge.settings.load import load
from genre_edge.sinks import kinds

AMIXER = """\
Simple mixer control 'Mic',0
  Capabilities: pvolume pvolume-joined cvolume cvolume-joined pswitch pswitch-joined cswitch
  Playback channels: Mono
  Capture channels: Mono
  Limits: Playback 0 - 31 Capture 0 - 16
  Mono: Playback 23 [74%] [34.00dB] [off] Capture {volume} [{percent}%] [0.00dB] [{switch}]
Simple mixer control 'Auto Gain Control',0
  Capabilities: pswitch pswitch-joined
  Playback channels: Mono
  Mono: Playback [on]
"""
STEREO = """\
Simple mixer control 'Capture',0
  Front Left: Capture 46 [73%] [17.25dB] [on]
  Front Right: Capture 0 [0%] [-17.25dB] [on]
Simple mixer control 'Input Source',0
  Capture channels: Mono
  Mono: Capture [off]
"""


# --- the mixer


def test_capture_controls_are_read_and_playback_is_not() -> None:
    text = AMIXER.format(volume=12, percent=75, switch="on")
    assert capture_controls(text) == [CaptureControl("Mic", False, (75,))]
    text = AMIXER.format(volume=16, percent=100, switch="off")
    assert capture_controls(text) == [CaptureControl("Mic", True, (100,))]


def test_each_channel_of_a_control_and_a_switch_alone_are_read() -> None:
    assert capture_controls(STEREO) == [
        CaptureControl("Capture", False, (73, 0)),
        CaptureControl("Input Source", True, ()),
    ]
    assert capture_controls("") == []


@pytest.mark.parametrize(
    ("control", "status", "text", "remedy"),
    [
        (CaptureControl("Mic", True, (100,)), "fail", "capture is muted", "sset Mic cap"),
        (CaptureControl("Mic", False, (73, 0)), "fail", "capture volume is 0", "sset Mic 80%"),
        (CaptureControl("Mic", False, (75,)), "ok", "capture volume is 75 %", ""),
        (CaptureControl("Mic", False, ()), "ok", "capture is on", ""),
    ],
)
def test_a_capture_control_is_judged(control, status: str, text: str, remedy: str) -> None:
    finding = mixer_finding(1, control)
    assert (finding.status, finding.text) == (status, f"card 1, Mic: {text}")
    assert shlex.split(finding.remedy) == (["amixer", "-c", "1", *remedy.split()] if remedy else [])


def test_sound_cards_are_counted(tmp_path: Path) -> None:
    for name in ("card1", "card0", "cards", "PCH"):
        (tmp_path / name).mkdir()
    assert sound_cards(tmp_path) == [0, 1]


# --- who uses a device


def test_who_uses_a_capture_device_is_named(tmp_path: Path) -> None:
    for process, program, target in (
        (41, "arecord", "/dev/snd/pcmC1D0c"),
        (42, "aplay", "/dev/snd/pcmC0D0p"),
    ):
        descriptors = tmp_path / str(process) / "fd"
        descriptors.mkdir(parents=True)
        (tmp_path / str(process) / "comm").write_text(program + "\n")
        os.symlink(target, descriptors / "3")
    assert list(device_users(tmp_path)) == [DeviceUser("/dev/snd/pcmC1D0c", 41, "arecord")]


# --- the microphone


def test_what_a_microphone_delivers_is_taken() -> None:
    queue = CaptureQueue(8000, 1.0)
    queue.put(struct.pack("<4h", 0, 16384, -32768, 8192), 4, False)
    samples = recorded(queue, 0.0, 0.0)
    assert samples.tolist() == [0.0, 0.5, -1.0, 0.25]


def test_a_microphone_that_delivers_nothing_is_told_from_silence() -> None:
    assert recorded(CaptureQueue(8000, 1.0), 0.0, 0.0) is None


def noise(amplitude: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (amplitude * rng.uniform(-1, 1, 44_100)).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "status", "text"),
    [
        (None, "fail", "the device delivers no audio"),
        (np.zeros(44_100, np.float32), "fail", "no signal: every sample is the same"),
        (np.sign(noise(1.0)), "warn", "too loud: the signal is clipped"),
        (noise(0.0005), "warn", "very quiet"),
        (noise(0.1), "ok", "-25 dBFS over 2 s"),
    ],
    ids=["nothing", "dead", "clipped", "quiet", "ok"],
)
def test_what_a_microphone_delivers_is_judged(samples, status: str, text: str) -> None:
    finding = level_finding(samples)
    assert (finding.status, finding.text[: len(text)]) == (status, text)
    assert bool(finding.remedy) == (status != "ok")


# --- disk and clock


def test_little_space_on_the_disk_is_a_fault() -> None:
    ok, full = disk_finding(Path("/var"), 2_000_000_000), disk_finding(Path("/var"), 90_000_000)
    assert (ok.status, ok.text, ok.remedy) == ("ok", "2.0 GB free in /var", "")
    assert (full.status, bool(full.remedy)) == ("fail", True)


@pytest.mark.parametrize(
    ("year", "is_synchronised", "status", "text"),
    [
        (1970, None, "fail", "the clock is not set: it shows 1970-"),
        (2024, True, "fail", "the clock is not set: it shows 2024-"),
        (2026, False, "warn", "not synchronised with NTP"),
        (2026, True, "ok", "2026-"),
        (2026, None, "ok", "2026-"),
    ],
)
def test_the_clock_is_judged(year: int, is_synchronised: bool | None, status: str, text: str):
    now = time.mktime((year, 6, 15, 12, 0, 0, 0, 0, -1))
    finding = clock_finding(now, is_synchronised)
    assert (finding.status, finding.text[: len(text)]) == (status, text)
    assert bool(finding.remedy) == (status != "ok")


def test_what_the_service_says_of_itself_is_passed_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    settings = load(kinds.sections(), environment={})[0]
    assert not list(check_service(settings, False)), "none runs here"
    notifier = Notifier({"RUNTIME_DIRECTORY": str(tmp_path)}, lambda: 0.0)
    notifier.heartbeat("")
    assert [finding.status for finding in check_service(settings, False)] == ["ok"]
    Notifier({"RUNTIME_DIRECTORY": str(tmp_path)}).heartbeat("mqtt: stopped by KeyError")
    (finding,) = check_service(settings, False)
    assert (finding.status, finding.text) == ("fail", "mqtt: stopped by KeyError")
