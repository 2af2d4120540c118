"""The front-end: PCM samples in, windows of features out (log-mels by default).

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
from .window_features import WindowFeatures


@dataclass(frozen=True)
class Window:
    """One window of audio, ready for the classifier."""

    start: float
    """Seconds from the start of the stream to the window's first sample."""
    end: float
    """Seconds from the start of the stream to just past the window's last sample."""
    features: Float32
    """What the model sees, float32 [*FrontendSpec.shape]: [frames, n_mels] say."""
    samples: Float32
    """The window's samples at the model's rate, float32 [window_samples]; read-only."""


class LogMel:
    """Turns a stream of samples into windows; frames are shared between windows that
    overlap.

    Window k covers the seconds from k * hop_seconds on. With frame_start "stream" its
    frames lie on one grid of `hop_length` samples that starts with the stream: they
    begin at the last grid point that is not after the window, under one frame hop
    early, so that each frame is computed once. With "window" they begin where the
    window does, and are shared where windows are whole frame hops apart; frames that
    reach into the padding belong to one window alone.

    Frames are computed when a window needs them, so what is computed together depends
    on k alone and never on how the samples were cut into pushes: streamed equals batch,
    bit for bit.
    """

    def __init__(self, spec: FrontendSpec, hop_seconds: float | None = None) -> None:
        self.spec = spec
        self.hop_seconds = float(spec.window_seconds if hop_seconds is None else hop_seconds)
        if not spec.hop_length <= self.hop_seconds * spec.sample_rate < math.inf:  # NaN fails too
            frame = f"({spec.hop_length / spec.sample_rate:.3f} s)"
            raise UsageError(
                Fault("hop_seconds", self.hop_seconds, f"must be at least one frame {frame}")
            )
        self._spectrogram = None if spec.kind == "waveform" else MelSpectrogram(spec)
        self._finish = WindowFeatures(spec)
        self._grid = spec.hop_length if spec.frame_start == "stream" else 1
        # Frames that reach before a window, and the last that does not reach past it.
        before, _ = spec.pad_samples
        self._inner_first = -(-before // spec.hop_length)
        inside = spec.window_samples + before - spec.frame_samples
        self._inner_end = min(inside // spec.hop_length + 1, spec.whole_frames)
        shared = self._inner_first < self._inner_end and not spec.preemphasis
        self._shares = shared and self._spectrogram is not None
        self._room = 2 * spec.window_samples
        self.reset()

    def reset(self) -> None:
        """Forget everything heard: the next sample is the first of a new stream."""
        self._buffer = np.zeros(self._room, dtype=np.float32)
        self._filled = 0
        self._first = 0  # stream index of _buffer[0]
        self._rows: Float32 | None = None  # rows of inner frames of the last window
        self._rows_at = 0  # stream index of the first sample of _rows[0]
        self._next = 0  # number of the next window

    @property
    def received(self) -> int:
        """Samples pushed since the start of the stream."""
        return self._first + self._filled

    def window(self, samples: Float32) -> Float32:
        """Features of exactly one window: float32 [window_samples] to float32
        [*spec.shape]."""
        return self._finish(self._whole(samples), samples)

    def _whole(self, samples: Float32) -> Float32:
        """All rows of a window that shares none."""
        spec = self.spec
        heard = samples
        if spec.preemphasis:
            heard = samples.copy()
            heard[1:] -= np.float32(spec.preemphasis) * samples[:-1]
        if self._spectrogram is None:
            return heard
        return self._spectrogram(_padded(heard, spec))[: spec.whole_frames]

    def push(self, samples: Float32) -> Iterator[Window]:
        """Add samples (float32 [n], any n, mono, at the spec's rate) and yield each
        window they complete."""
        for start in range(0, len(samples), self.spec.window_samples):
            self._append(samples[start : start + self.spec.window_samples])
            while self.received >= self._window_start(self._next) + self.spec.window_samples:
                yield self._emit()

    def _window_start(self, number: int) -> int:
        return round(number * self.hop_seconds * self.spec.sample_rate)

    def _origin(self, number: int) -> int:
        """Stream index of the sample at which a window's frames begin."""
        return self._window_start(number) // self._grid * self._grid

    def _append(self, samples: Float32) -> None:
        if self._filled + len(samples) > len(self._buffer):
            # Where the next window's frames begin, or where the stream stands if the
            # hop leaves a gap.
            keep = min(self._origin(self._next), self.received)
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
        offset = start - self._first
        samples = self._buffer[offset : offset + spec.window_samples].copy()
        samples.flags.writeable = False
        if self._shares:
            rows = self._with_edges(self._inner_rows(self._origin(self._next)), samples)
        else:
            rows = self._whole(samples)
        begin = self._next * self.hop_seconds
        self._next += 1
        return Window(
            round(begin, 6),
            round(begin + spec.window_seconds, 6),
            self._finish(rows, samples),
            samples,
        )

    def _inner_rows(self, origin: int) -> Float32:
        """Rows of a window's frames that need no padding. Those that the last window
        has too are taken from it. `origin` is where its frames begin (stream index)."""
        assert self._spectrogram is not None
        hop, before = self.spec.hop_length, self.spec.pad_samples[0]
        first = origin + self._inner_first * hop - before
        kept = None
        if self._rows is not None and (first - self._rows_at) % hop == 0:
            kept = self._rows[(first - self._rows_at) // hop :]
        count = self._inner_end - self._inner_first
        todo = count - (0 if kept is None else len(kept))
        rows = kept
        if todo:
            at = first + (count - todo) * hop - self._first
            length = (todo - 1) * hop + self.spec.frame_samples
            new = self._spectrogram(self._buffer[at : at + length])
            rows = new if kept is None or not len(kept) else np.concatenate([kept, new])
        assert rows is not None
        self._rows, self._rows_at = rows, first
        return rows

    def _with_edges(self, inner: Float32, samples: Float32) -> Float32:
        """The rows of a window: those of its inner frames, and before and after them
        those of frames that reach into its padding."""
        spec, hop = self.spec, self.spec.hop_length
        if len(inner) == spec.whole_frames:
            return inner
        assert self._spectrogram is not None
        padded = _padded(samples, spec)
        parts = [inner]
        if self._inner_first:
            end = (self._inner_first - 1) * hop + spec.frame_samples
            parts.insert(0, self._spectrogram(padded[:end]))
        if self._inner_end < spec.whole_frames:
            end = (spec.whole_frames - 1) * hop + spec.frame_samples
            parts.append(self._spectrogram(padded[self._inner_end * hop : end]))
        return np.concatenate(parts)


def _padded(samples: Float32, spec: FrontendSpec) -> Float32:
    """A window with what the spec puts before and after it."""
    if spec.padding == "none":
        return samples
    if spec.padding == "reflect":
        return np.pad(samples, spec.pad_samples, mode="reflect")
    return np.pad(samples, spec.pad_samples)
