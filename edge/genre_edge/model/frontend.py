"""The front-end: PCM samples in, normalised log-mel windows out.

There is one front-end. Training, conversion and the edge runtime all call `LogMel`,
configured by the `FrontendSpec` that the model's bundle carries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import Float32
from ..errors import Fault, UsageError
from .frontend_spec import FrontendSpec
from .mel import MelSpectrogram

STD_FLOOR = 1e-3
"""A window whose log-mel varies by less (dB) is constant: it is centred and not scaled
up."""
QUIETEST = 1e-5
"""Root-mean-square level (-100 dBFS) below which a window is not scaled up further:
less than the rounding of 16-bit audio."""


@dataclass(frozen=True)
class Window:
    """One window of audio, ready for the classifier."""

    start: float
    """Seconds from the start of the stream to the window's first sample."""
    end: float
    """Seconds from the start of the stream to just past the window's last sample."""
    features: Float32
    """Log-mel as the spec says, float32 [frames, n_mels]."""
    samples: Float32
    """The window's samples at the model's rate, float32 [window_samples]; read-only."""


def normalise(db: Float32, spec: FrontendSpec) -> Float32:
    """Floor a window's dB `top_db` below its maximum, then normalise as the spec says.

    Takes and returns float32 [frames, n_mels]; the input is left as it is.
    """
    return _normalised(np.maximum(db, db.max() - np.float32(spec.top_db)), spec)


def logarithm(mel: Float32, samples: Float32, spec: FrontendSpec) -> Float32:
    """Logarithm of a window's mel bands, at the level that the spec asks for.

    Takes float32 [frames, n_mels] and the window's samples, float32 [window_samples];
    returns float32 [frames, n_mels]. The level is set by a factor on the mel bands, not
    on the samples, so that windows which overlap can share frames.
    """
    factor = spec.log_factor
    if spec.window_level:
        rms = math.sqrt(float(np.dot(samples, samples)) / len(samples))
        factor *= (spec.window_level / max(rms, QUIETEST)) ** spec.power
    scaled: Float32 = mel * np.float32(factor)
    scaled += np.float32(spec.log_offset)
    np.log(scaled, out=scaled)
    if spec.scale == "log10":
        scaled *= np.float32(1.0 / math.log(10.0))
    return _normalised(scaled, spec)


def _normalised(window: Float32, spec: FrontendSpec) -> Float32:
    """The window itself, float32 [frames, n_mels], normalised in place."""
    if spec.normalise == "none":
        return window
    window -= window.mean(dtype=np.float64).astype(np.float32)
    flat = window.reshape(-1)
    deviation = float(np.sqrt(np.dot(flat, flat) / flat.size))
    if deviation > STD_FLOOR:
        window *= np.float32(1.0 / deviation)
    return window


class LogMel:
    """Turns a stream of samples into windows; each frame is computed once, whatever the
    overlap.

    Window k covers the seconds from k * hop_seconds on. Its frames lie on one grid of
    `hop_length` samples that starts with the stream: they begin at the last grid point
    that is not after the window, under one frame hop early. Frames are computed when a
    window needs them, so what is computed together depends on k alone and never on how
    the samples were cut into pushes: streamed equals batch, bit for bit.
    """

    def __init__(self, spec: FrontendSpec, hop_seconds: float | None = None) -> None:
        self.spec = spec
        self.hop_seconds = float(spec.window_seconds if hop_seconds is None else hop_seconds)
        if not spec.hop_length <= self.hop_seconds * spec.sample_rate < math.inf:  # NaN fails too
            frame = f"({spec.hop_length / spec.sample_rate:.3f} s)"
            raise UsageError(
                Fault("hop_seconds", self.hop_seconds, f"must be at least one frame {frame}")
            )
        self._spectrogram = MelSpectrogram(spec)
        self._room = 2 * spec.window_samples
        self.reset()

    def reset(self) -> None:
        """Forget everything heard: the next sample is the first of a new stream."""
        self._buffer = np.zeros(self._room, dtype=np.float32)
        self._filled = 0
        self._first = 0  # stream index of _buffer[0]
        self._frames = np.zeros((0, self.spec.n_mels), dtype=np.float32)
        self._frames_first = 0  # grid index of _frames[0]
        self._next = 0  # number of the next window

    @property
    def received(self) -> int:
        """Samples pushed since the start of the stream."""
        return self._first + self._filled

    def window(self, samples: Float32) -> Float32:
        """Features of exactly one window: float32 [window_samples] to [frames,
        n_mels]."""
        return self._features(self._spectrogram(samples)[: self.spec.frames], samples)

    def push(self, samples: Float32) -> Iterator[Window]:
        """Add samples (float32 [n], any n, mono, at the spec's rate) and yield each
        window they complete."""
        for start in range(0, len(samples), self.spec.window_samples):
            self._append(samples[start : start + self.spec.window_samples])
            while self.received >= self._window_start(self._next) + self.spec.window_samples:
                yield self._emit()

    def _features(self, rows: Float32, samples: Float32) -> Float32:
        """A window's features from its rows of the spectrogram and its samples."""
        if self.spec.scale == "db":
            return normalise(rows, self.spec)
        return logarithm(rows, samples, self.spec)

    def _window_start(self, number: int) -> int:
        return round(number * self.hop_seconds * self.spec.sample_rate)

    def _append(self, samples: Float32) -> None:
        if self._filled + len(samples) > len(self._buffer):
            # The next window's grid point, or where the stream stands if the hop leaves
            # a gap.
            hop = self.spec.hop_length
            keep = min(self._window_start(self._next) // hop * hop, self.received)
            drop = keep - self._first
            kept = self._filled - drop
            room = max(self._room, kept + len(samples))
            moved = np.zeros(room, dtype=np.float32)
            moved[:kept] = self._buffer[drop : self._filled]
            self._buffer, self._filled, self._first = moved, kept, keep
        self._buffer[self._filled : self._filled + len(samples)] = samples
        self._filled += len(samples)

    def _emit(self) -> Window:
        spec, start = self.spec, self._window_start(self._next)
        first_frame = start // spec.hop_length
        done = self._frames_first + len(self._frames)
        todo = max(first_frame, done)
        at = todo * spec.hop_length - self._first
        last = first_frame + spec.frames
        length = (last - todo - 1) * spec.hop_length + spec.frame_samples
        new = self._spectrogram(self._buffer[at : at + length])
        kept = self._frames[max(0, first_frame - self._frames_first) :]
        self._frames = np.concatenate([kept, new]) if len(kept) else new
        self._frames_first = first_frame
        offset = start - self._first
        samples = self._buffer[offset : offset + spec.window_samples].copy()
        samples.flags.writeable = False
        begin = self._next * self.hop_seconds
        self._next += 1
        return Window(
            round(begin, 6),
            round(begin + spec.window_seconds, 6),
            self._features(self._frames, samples),
            samples,
        )
