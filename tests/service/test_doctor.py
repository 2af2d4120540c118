"""The doctor's checks on made systems."""

from __future__ import annotations

import os
from pathlib import Path

from genre_edge.service.doctor import busy_devices, mixer_findings

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


def test_a_muted_microphone_is_found_and_unmuted() -> None:
    (finding,) = mixer_findings(1, AMIXER.format(volume=16, percent=100, switch="off"))
    assert (finding.status, finding.text) == ("fail", "card 1, Mic: capture is muted")
    assert finding.remedy == "amixer -c 1 sset 'Mic' cap"


def test_a_volume_of_zero_is_found() -> None:
    (finding,) = mixer_findings(1, AMIXER.format(volume=0, percent=0, switch="on"))
    assert finding.text == "card 1, Mic: capture volume is 0"
    assert "80%" in finding.remedy


def test_an_open_microphone_is_well() -> None:
    (finding,) = mixer_findings(0, AMIXER.format(volume=12, percent=75, switch="on"))
    assert (finding.status, finding.text) == ("ok", "card 0, Mic: open at 75 %")


def test_who_holds_a_device_is_named(tmp_path: Path) -> None:
    for process, program, target in (
        (41, "arecord", "/dev/snd/pcmC1D0c"),
        (42, "aplay", "/dev/snd/pcmC0D0p"),
    ):
        descriptors = tmp_path / str(process) / "fd"
        descriptors.mkdir(parents=True)
        (tmp_path / str(process) / "comm").write_text(program + "\n")
        os.symlink(target, descriptors / "3")
    assert list(busy_devices(tmp_path)) == [("/dev/snd/pcmC1D0c", 41, "arecord")]
