"""A stream as a Source that does not end: radio, cameras, FIFOs, through ffmpeg. It
waits for the server, opens the stream again, and keeps its timeline true."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ..arrays import Float32
from ..audio.ffmpeg import INSTALL, find_ffmpeg
from ..audio.ffmpeg_process import FfmpegProcess
from ..audio.mono import Mixer
from ..audio.source import Arrival, AudioBlock
from ..errors import AudioError, DeviceChoiceError, DeviceError
from ..health import SourceHealth
from ..settings.credentials import without_credentials
from ..settings.source_table import SourceConfig
from .ffmpeg_input import input_of
from .pace import LIVE_SPEED, Pace
from .recovery import POLL_SECONDS, OnState, Recovery

_CHANNELS = 2
"""What ffmpeg mixes every stream to; the two are mixed here, as a file's are."""
_TO_STEREO = "aformat=channel_layouts=mono|stereo,pan=stereo|FL<FL+FC|FR<FR+FC"
"""Mono as both channels at its own level: ffmpeg alone makes it quieter by 3 dB."""
_BLOCK_SECONDS = 0.1
_REST_SECONDS = 1.0
"""Shortest time between two openings, s."""


class StreamSource:
    """Audio from a stream as mono at the model's rate, in real time.

    A server that is missing, slow or ended is waited for, as a microphone is. Positions
    count on through every interruption, by the monotonic clock.

    Parameters
    ----------
    config
        Which stream, and how it is heard.
    model_rate
        Sample rate of the blocks, Hz.
    stop
        Ends `blocks` when it is set.
    on_state
        Called at each change of state of the stream.
    health
        Counters that other threads may read.
    pulse
        Called several times a second while the stream is waited for.
    """

    channels = 1

    def __init__(
        self,
        config: SourceConfig,
        model_rate: int,
        stop: threading.Event,
        on_state: OnState,
        health: SourceHealth,
        pulse: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = config.label
        self._address = without_credentials(config.url)
        self.sample_rate = model_rate
        self._config, self._stop, self._on_state, self._pulse = config, stop, on_state, pulse
        self._recovery = Recovery(
            stop, on_state, health, config.exit_on_loss, pulse, least_seconds=_REST_SECONDS
        )
        self._speed = 1.0 if config.scheme == "file" else LIVE_SPEED
        self._next = 0  # position of the next sample if nothing is lost
        self._due: float | None = None  # when the sample before it was due, monotonic s

    def blocks(self) -> Iterator[AudioBlock]:
        """Audio as it arrives.

        Raises
        ------
        DeviceError
            If the stream is missing or lost and the configuration says not to wait.
        DeviceChoiceError
            If ffmpeg is not installed, or a file is none that is heard, before anything
            was.
        """
        for process, first in self._recovery.sessions(self._open, lambda: f"{self._address}: lost"):
            try:
                yield from self._hear(process, first)
            except AudioError as error:
                self._on_state("lost", _told(error))
            finally:
                process.close()

    def close(self) -> None:
        """`blocks` closes what it opened."""

    def set_gain(self, gain_db: float) -> None:
        """Amplify by `gain_db` (dB) from the next block on."""
        self._config = replace(self._config, gain_db=gain_db)

    def _open(self) -> tuple[FfmpegProcess, Float32] | None:
        """Start ffmpeg and wait for the first samples; None when asked to stop."""
        if find_ffmpeg() is None:
            raise DeviceChoiceError(f"{self._address}: needs ffmpeg: {INSTALL}")
        process: FfmpegProcess | None = None
        first: Float32 | None = None
        try:
            process = self._start()
            first = self._read(process)
        except AudioError as error:
            raise DeviceError(_told(error)) from None
        finally:
            if process is not None and first is None:
                process.close()
        if first is None:
            return None
        self._on_state("listening", f"{self._address}, through ffmpeg")
        return process, first

    def _start(self) -> FfmpegProcess:
        config = self._config
        with input_of(config) as asked:
            return FfmpegProcess(
                self._address,
                asked.arguments,
                self.sample_rate,
                _CHANNELS,
                config.stall_seconds,
                asked.standard_input,
                _TO_STEREO,
            )

    def _hear(self, process: FfmpegProcess, first: Float32) -> Iterator[AudioBlock]:
        """Blocks of one session from its first samples on, until asked to stop.
        AudioError when it is lost."""
        mixer, pace = Mixer(self.sample_rate), self._resume()
        samples: Float32 | None = first
        while samples is not None and not self._stop.is_set():
            late = pace.late(len(samples), time.monotonic())
            if late < 0 and self._stop.wait(-late):
                return
            self._due = pace.due
            yield from self._block(self._pick(samples, mixer), late)
            try:
                samples = self._read(process)
            except AudioError:
                yield from self._block(self._amplified(mixer.flush()), 0.0)
                raise

    def _block(self, mono: Float32, late: float) -> Iterator[AudioBlock]:
        """The next block, unless the mixer holds all of it back."""
        if len(mono):
            arrival = Arrival(time.monotonic(), time.time(), max(0.0, late))
            block = AudioBlock(mono[:, None], self._next, arrival)
            self._next += len(mono)
            yield block

    def _resume(self) -> Pace:
        """The pace of a new session. The timeline moves on by the time without
        audio."""
        now = time.monotonic()
        if self._due is not None:
            self._next += max(1, round((now - self._due) * self.sample_rate))
        return Pace(self.sample_rate, self._speed, now)

    def _read(self, process: FfmpegProcess) -> Float32 | None:
        """The next samples, float32 [n, channels]; None when asked to stop. AudioError
        at the end, and when nothing comes."""
        end = time.monotonic() + self._config.stall_seconds
        while not process.ready(POLL_SECONDS):
            self._pulse()
            if self._stop.is_set():
                return None
            if time.monotonic() >= end:
                seconds = f"{self._config.stall_seconds:g} s"
                raise AudioError(self._address, f"sends nothing for {seconds}")
        samples = process.read(round(_BLOCK_SECONDS * self.sample_rate))
        if not len(samples):
            raise AudioError(self._address, process.complaint or "has ended")
        process.forget_complaints()
        return samples

    def _pick(self, samples: Float32, mixer: Mixer) -> Float32:
        """The chosen channel, or the mixture of both, with the gain applied: float32
        [n, channels] to [m]."""
        channel = self._config.channel
        mono = mixer.push(samples) if channel is None else samples[:, channel - 1]
        return self._amplified(mono)

    def _amplified(self, mono: Float32) -> Float32:
        return np.ascontiguousarray(mono * np.float32(self._config.gain))


def _told(error: AudioError) -> str:
    """The error for people: ffmpeg's messages name the address that it was given."""
    return f"{error.name}: {without_credentials(error.reason)}"
