"""Choosing rate and channels, and what is left behind when opening fails.

The real path is in test_microphone.py; these are devices that cannot be had without
hardware.
"""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from genre_edge.errors import DeviceBusyError, DeviceError
from genre_edge.health import Health
from genre_edge.live import microphone as live
from genre_edge.live import portaudio
from genre_edge.live.microphone import MicrophoneSource
from genre_edge.live.portaudio import Session
from genre_edge.settings.tables import CaptureConfig


class MadePortAudio:
    """Stands in for the module pyaudio: one device that takes some formats and refuses
    others by PortAudio's codes."""

    paInt16 = 8  # noqa: N815

    def __init__(self, accepts: set[tuple[int, int]], channels: int = 2, error: int = 0) -> None:
        self.accepts, self.channels, self.error = accepts, channels, error
        self.alive, self.tried = 0, []

    def PyAudio(self) -> SimpleNamespace:  # noqa: N802
        self.alive += 1
        device = {
            "index": 0,
            "name": "made",
            "maxInputChannels": self.channels,
            "defaultSampleRate": 11025.0,
        }
        return SimpleNamespace(
            get_device_count=lambda: 1,
            get_device_info_by_index=lambda index: device,
            get_default_input_device_info=lambda: device,
            open=self._open,
            terminate=self._terminate,
        )

    def _terminate(self) -> None:
        self.alive -= 1

    def _open(self, *, rate: int, channels: int, **_: object) -> SimpleNamespace:
        self.tried.append((rate, channels))
        if self.error:
            raise OSError("it is so", self.error)
        if channels not in {c for _, c in self.accepts}:
            raise OSError("Invalid number of channels", -9998)
        if (rate, channels) not in self.accepts:
            raise OSError("Invalid sample rate", -9997)
        return SimpleNamespace(is_active=lambda: True, close=lambda: None)


def opened(made: MadePortAudio, monkeypatch, channel: int | None = None) -> Session:
    monkeypatch.setattr(portaudio, "_pyaudio", lambda: made)
    return Session(CaptureConfig(channel=channel), 22050, lambda data, frames, lost: None)


@pytest.mark.parametrize(
    ("accepts", "chosen"),
    [
        ({(48000, 1), (44100, 1), (22050, 1)}, (22050, 1)),
        ({(48000, 1), (44100, 1)}, (44100, 1)),
        ({(16000, 1), (48000, 2)}, (48000, 2)),
        ({(96000, 2), (32000, 2)}, (32000, 2)),
        ({(11025, 2)}, (11025, 2)),
    ],
)
def test_the_best_rate_that_works_is_taken(accepts, chosen, monkeypatch) -> None:
    made = MadePortAudio(accepts)
    session = opened(made, monkeypatch)
    assert (session.format.rate, session.format.channels) == chosen
    session.close()
    assert made.alive == 0


def test_a_chosen_channel_needs_as_many(monkeypatch) -> None:
    made = MadePortAudio({(48000, 1), (48000, 2), (48000, 4)}, channels=4)
    session = opened(made, monkeypatch, channel=3)
    assert session.format.channels == 4
    session.close()
    with pytest.raises(DeviceError, match=r"^channel 5: made has 4"):
        opened(made, monkeypatch, channel=5)
    assert made.alive == 0


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (-9985, DeviceBusyError, "in use by another program"),
        (-9996, DeviceError, "cannot be opened"),
        (0, DeviceError, "none of"),
    ],
)
def test_a_failed_open_names_the_reason_and_leaves_no_instance(
    error, kind, words, monkeypatch
) -> None:
    made = MadePortAudio(set(), error=error)
    with pytest.raises(kind, match=words):
        opened(made, monkeypatch)
    assert made.alive == 0, "an instance left over blocks recovery"


class MadeLive:
    """A MicrophoneSource on a made device, run in the test's thread; `after` is called
    at each state."""

    def __init__(self, made: MadePortAudio, monkeypatch, after, **config: float) -> None:
        monkeypatch.setattr(portaudio, "_pyaudio", lambda: made)
        monkeypatch.setattr(live, "_PAUSES", (0.02, 0.04))
        self.states: list[tuple[str, str]] = []
        self.stop, self.health = threading.Event(), Health()
        self.after = after
        self.source = MicrophoneSource(
            CaptureConfig(**config), 22050, self.stop, self._state, self.health
        )

    def _state(self, state: str, reason: str) -> None:
        self.health.state = state
        self.states.append((state, reason))
        self.after(self)

    def run(self) -> list[str]:
        for _ in self.source.blocks():
            pass
        return [state for state, _ in self.states]


def test_a_busy_device_is_waited_for(monkeypatch) -> None:
    made = MadePortAudio({(22050, 1)}, error=-9985)

    def after(heard: MadeLive) -> None:
        made.error = 0  # the other program lets go
        if heard.states[-1][0] == "listening":
            heard.stop.set()

    heard = MadeLive(made, monkeypatch, after)
    assert heard.run() == ["waiting", "listening"]
    assert "in use by another program" in heard.states[0][1]
    assert made.alive == 0


def test_a_device_that_comes_ends_the_pause_between_attempts(monkeypatch) -> None:
    made = MadePortAudio({(22050, 1)}, error=-9985)
    seen = iter(range(1000))

    def after(heard: MadeLive) -> None:
        made.error = 0
        if heard.states[-1][0] == "listening":
            heard.stop.set()

    heard = MadeLive(made, monkeypatch, after)
    monkeypatch.setattr(live, "_PAUSES", (86_400.0,))
    monkeypatch.setattr(live, "_hardware", lambda: next(seen))
    too_long = threading.Timer(60, heard.stop.set)
    too_long.start()
    assert heard.run() == ["waiting", "listening"]
    too_long.cancel()


def test_a_stream_without_frames_is_lost_and_reopened_as_the_same_device(monkeypatch) -> None:
    made = MadePortAudio({(22050, 1)})

    def after(heard: MadeLive) -> None:
        if len(heard.states) == 5:
            heard.stop.set()

    heard = MadeLive(made, monkeypatch, after, stall_seconds=0.3)
    assert heard.run() == ["listening", "lost", "listening", "lost", "listening"]
    assert "sends nothing for 0.3 s" in heard.states[1][1]
    assert "the system's default input" in heard.states[0][1]
    assert "chosen by its token" in heard.states[2][1]
    assert heard.health.losses == 2
    assert made.alive == 0


def test_channels_are_averaged_or_one_is_picked_and_gain_applied() -> None:
    samples = np.array([[0.1, 0.3], [0.2, -0.2]], dtype=np.float32)

    def heard(**config: float) -> np.ndarray:
        source = MicrophoneSource(
            CaptureConfig(**config), 22050, threading.Event(), lambda s, r: None, Health()
        )
        return source.pick(samples)

    np.testing.assert_allclose(heard(), [0.2, 0.0], atol=1e-7)
    np.testing.assert_allclose(heard(channel=2), [0.3, -0.2], atol=1e-7)
    np.testing.assert_allclose(heard(channel=1, gain_db=20.0), [1.0, 2.0], atol=1e-6)
