"""The microphone as a Source that does not end: it waits for the device, reopens it,
and keeps its timeline true."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ..arrays import Float32
from ..audio.mono import to_mono
from ..audio.pcm import from_int16
from ..audio.resample import Resampler
from ..audio.source import Arrival, AudioBlock
from ..health import SourceHealth
from ..settings.tables import CaptureConfig
from .devices import InputDevice, is_token
from .portaudio import Session
from .queue import CaptureQueue, Chunk
from .recovery import POLL_SECONDS, OnState, Recovery


class MicrophoneSource:
    """Audio from a capture device as mono at the model's rate.

    A device that is missing or lost is waited for. Positions count on through every
    interruption, by the monotonic clock.

    Parameters
    ----------
    config
        Which device, and how it is heard.
    model_rate
        Sample rate of the blocks, Hz.
    stop
        Ends `blocks` when it is set.
    on_state
        Called at each change of state of the device.
    health
        Counters that other threads may read.
    verbose
        Whether ALSA and PortAudio may print to standard error.
    pulse
        Called several times a second while the device is waited for.
    """

    channels = 1

    def __init__(
        self,
        config: CaptureConfig,
        model_rate: int,
        stop: threading.Event,
        on_state: OnState,
        health: SourceHealth,
        verbose: bool = False,
        pulse: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = config.device or "default"
        self.sample_rate = model_rate
        self._config, self._stop, self._on_state = config, stop, on_state
        self._health, self._verbose = health, verbose
        self._recovery = Recovery(
            stop, on_state, health, config.exit_on_device_loss, pulse, _hardware
        )
        self._started: float | None = None  # monotonic time of position 0

    def blocks(self) -> Iterator[AudioBlock]:
        """Audio as it arrives.

        Raises
        ------
        DeviceError
            If the device is missing or lost and the configuration says not to wait.
        DeviceChoiceError
            If the devices that are there cannot be what was asked for.
        """
        for session, queue in self._recovery.sessions(self._open, self._loss):
            try:
                yield from self._hear(session, queue)
            finally:
                session.close()

    def close(self) -> None:
        """`blocks` closes what it opened."""

    def set_gain(self, gain_db: float) -> None:
        """Amplify by `gain_db` (dB) from the next block on."""
        self._config = replace(self._config, gain_db=gain_db)

    def _loss(self) -> str:
        return f"{self.name}: device lost"

    def _open(self) -> tuple[Session, CaptureQueue]:
        queue: CaptureQueue | None = None
        early: list[tuple[bytes, int, bool]] = []

        def deliver(data: bytes, frames: int, lost: bool) -> None:
            # The first period may come before the rate, which the queue needs, is
            # known.
            if queue is None:
                early.append((data, frames, lost))
            else:
                queue.put(data, frames, lost)

        session = Session(self._config, self.sample_rate, deliver, self._verbose)
        opened = CaptureQueue(session.format.rate, self._config.queue_seconds)
        for period in early:
            opened.put(*period)
        queue = opened
        self.name = session.format.device.token
        if not is_token(self._config.device) or self._config.device is None:
            # From now on this device is waited for, not whichever has its number or is
            # the default later.
            self._config = replace(self._config, device=session.format.lasting_name)
        self._on_state("listening", _described(session))
        return session, opened

    def _hear(self, session: Session, queue: CaptureQueue) -> Iterator[AudioBlock]:
        """Blocks of one session, until it is lost or stopped."""
        converter = _Converter(session.format.channels, session.format.rate, self)
        dropped = overflows = 0
        while not self._stop.is_set():
            chunk = queue.get(POLL_SECONDS)
            self._health.dropped_seconds += (queue.dropped - dropped) / session.format.rate
            self._health.overflows += queue.overflows - overflows
            dropped, overflows = queue.dropped, queue.overflows
            if chunk is not None:
                yield converter.block(chunk)
            elif not session.active:
                self._on_state("lost", f"{session.format.device.name} is gone")
                return
            elif time.monotonic() - queue.last_arrival > self._config.stall_seconds:
                self._on_state(
                    "lost",
                    f"{session.format.device.name} sends nothing for "
                    f"{self._config.stall_seconds:g} s",
                )
                return

    def timeline(self, monotonic: float) -> int:
        """Position, at the model's rate, of a sample that was heard at `monotonic`
        (s)."""
        if self._started is None:
            self._started = monotonic
        return max(0, round((monotonic - self._started) * self.sample_rate))

    def pick(self, samples: Float32) -> Float32:
        """The chosen channel, or the mean of all, with the gain applied: float32
        [n, channels] to [n]."""
        channel = self._config.channel
        mono = to_mono(samples) if channel is None else samples[:, channel - 1]
        return np.ascontiguousarray(mono * np.float32(self._config.gain))


class _Converter:
    """Turns the chunks of one session into blocks: mono float32 at the model's rate,
    each at its place on the timeline."""

    def __init__(self, channels: int, rate: int, source: MicrophoneSource) -> None:
        self._channels, self._rate, self._source = channels, rate, source
        self._next: int | None = None  # expected position of the next chunk, capture rate
        self._start = 0  # position of the session's first sample, model rate
        self._at = 0  # position of the next output sample, model rate
        self._resampler = Resampler(rate, source.sample_rate)

    def block(self, chunk: Chunk) -> AudioBlock:
        pcm = np.frombuffer(chunk.data, "<i2").reshape(-1, self._channels)
        samples = self._source.pick(from_int16(pcm))
        elapsed = round(chunk.position / self._rate * self._source.sample_rate)
        if self._next is None:
            self._at = self._source.timeline(chunk.arrived - chunk.frames / self._rate)
            self._start = self._at - elapsed
        elif chunk.position != self._next:
            # What the resampler still held is lost too.
            self._at = self._start + elapsed
            self._resampler = Resampler(self._rate, self._source.sample_rate)
        self._next = chunk.position + chunk.frames
        resampled = self._resampler.push(samples)
        block = AudioBlock(resampled[:, None], self._at, Arrival(chunk.arrived, chunk.arrived_utc))
        self._at += len(resampled)
        return block


def _hardware() -> tuple[str, ...]:
    """Something that changes when a sound device is plugged in or pulled, or a sound
    server starts. It takes only a few system calls."""
    try:
        seen = sorted(os.listdir("/dev/snd"))
    except OSError:
        seen = []
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    server = os.environ.get("PULSE_SERVER", "").removeprefix("unix:")
    for socket in (server, f"{runtime}/pulse/native", f"{runtime}/pipewire-0"):
        try:
            seen.append(f"{socket} {os.stat(socket).st_ctime_ns}")
        except OSError:
            continue
    return tuple(seen)


def _described(session: Session) -> str:
    opened = session.format
    device: InputDevice = opened.device
    channels = "mono" if opened.channels == 1 else f"{opened.channels} channels"
    return f"{device.name} [{device.token}], {opened.why}, {opened.rate} Hz, {channels}"
