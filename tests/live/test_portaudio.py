"""Choosing rate and channels, and what is left behind when opening fails.

The real path is in test_microphone.py; these are devices that cannot be had without
hardware.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from genre_edge.audio.pcm import to_int16
from genre_edge.errors import DeviceBusyError, DeviceChoiceError, DeviceError
from genre_edge.health import SourceHealth
from genre_edge.live import microphone as live
from genre_edge.live import portaudio, recovery
from genre_edge.live.microphone import MicrophoneSource, _Converter
from genre_edge.live.portaudio import Session
from genre_edge.live.queue import Chunk
from genre_edge.settings.tables import CaptureConfig

from tests.conftest import noise


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

    def _open(
        self, *, rate: int, channels: int, stream_callback: Callable, **_: object
    ) -> SimpleNamespace:
        self.tried.append((rate, channels))
        self.callback = stream_callback
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


def test_the_drivers_report_of_lost_audio_is_passed_on(monkeypatch) -> None:
    made, delivered = MadePortAudio({(22050, 1)}), []
    monkeypatch.setattr(portaudio, "_pyaudio", lambda: made)
    session = Session(CaptureConfig(), 22050, lambda *given: delivered.append(given))
    for status in (0, 2):  # 2: paInputOverflow
        made.callback(b"\0\0", 1, None, status)
    session.close()
    assert delivered == [(b"\0\0", 1, False), (b"\0\0", 1, True)]


def microphone(**config: float) -> MicrophoneSource:
    return MicrophoneSource(
        CaptureConfig(**config), 22050, threading.Event(), lambda s, r: None, SourceHealth()
    )


def period(position: int, arrived: float, seconds: float = 1.0, seed: int = 0) -> Chunk:
    """Noise at 48 kHz, whose last sample was delivered at `arrived` (monotonic s)."""
    samples = to_int16(noise(seconds, 48000, seed=seed))
    return Chunk(samples.tobytes(), len(samples), position, arrived, 0.0)


def test_positions_count_on_by_the_clock_across_a_loss_of_the_device() -> None:
    source = microphone()
    first = _Converter(1, 48000, source)
    assert first.block(period(0, 101.0)).position == 0
    again = _Converter(1, 48000, source)  # the first sample was heard at 100 s, this at 108 s
    assert again.block(period(0, 108.5, seconds=0.5)).position == 8 * 22050


def test_lost_frames_move_the_position_and_end_the_resamplers_stream() -> None:
    converter = _Converter(1, 48000, microphone())
    before = converter.block(period(0, 101.0))
    after = converter.block(period(3 * 48000, 104.0, seed=1))  # two seconds are missing
    assert (before.position, after.position) == (0, 3 * 22050)
    alone = _Converter(1, 48000, microphone()).block(period(0, 1.0, seed=1))
    np.testing.assert_array_equal(after.samples, alone.samples)


def test_a_request_that_no_device_can_meet_is_not_waited_for(monkeypatch) -> None:
    made = MadePortAudio({(22050, 1)})
    heard = MadeLive(made, monkeypatch, lambda heard: heard.stop.set(), device="nonsense")
    with pytest.raises(DeviceChoiceError, match="device nonsense: not found"):
        heard.run()
    assert made.alive == 0


class MadeLive:
    """A MicrophoneSource on a made device, run in the test's thread; `after` is called
    at each state."""

    def __init__(self, made: MadePortAudio, monkeypatch, after, **config: float) -> None:
        monkeypatch.setattr(portaudio, "_pyaudio", lambda: made)
        monkeypatch.setattr(recovery, "_PAUSES", (0.02, 0.04))
        self.states: list[tuple[str, str]] = []
        self.stop, self.health = threading.Event(), SourceHealth()
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

    monkeypatch.setattr(live, "_hardware", lambda: next(seen))
    heard = MadeLive(made, monkeypatch, after)
    monkeypatch.setattr(recovery, "_PAUSES", (86_400.0,))
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
        return microphone(**config).pick(samples)

    np.testing.assert_allclose(heard(), [0.2, 0.0], atol=1e-7)
    np.testing.assert_allclose(heard(channel=2), [0.3, -0.2], atol=1e-7)
    np.testing.assert_allclose(heard(channel=1, gain_db=20.0), [1.0, 2.0], atol=1e-6)
