"""The front-end: PCM samples in, normalised log-mel windows out.

There is one front-end. Training, conversion and the edge runtime all call `LogMel`,
configured by the `FrontendSpec` that the model's bundle carries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..errors import UsageError

Float32 = npt.NDArray[np.float32]

_POWER_FLOOR = 1e-10
"""Smallest mel power before the logarithm (-100 dB), as in librosa.power_to_db."""
_STD_FLOOR = 1e-3
"""A window whose log-mel varies by less (dB) is constant: it is centred and not scaled
up."""
_FRAMES = 32
"""Frames transformed at once: their spectra stay in the cache, and no large block of
memory is asked for."""
_MEL_GROUP = 16
"""Mel bands multiplied at once: neighbours share bins, so small groups skip most of the
zeros."""


@dataclass(frozen=True)
class FrontendSpec:
    """Everything that determines what a model sees. Stored in the bundle, next to the
    weights."""

    sample_rate: int = 22050
    """Rate of the samples given to the STFT, Hz."""
    window_seconds: float = 3.0
    """Length of one classified window, seconds."""
    n_fft: int = 2048
    """Length of one STFT frame and of its Hann window, samples."""
    hop_length: int = 512
    """Distance between the starts of neighbouring frames, samples."""
    n_mels: int = 128
    """Number of mel bands."""
    f_min: float = 0.0
    """Lower edge of the lowest mel band, Hz."""
    f_max: float = 11025.0
    """Upper edge of the highest mel band, Hz."""
    top_db: float = 80.0
    """Range kept below the loudest value of the window, dB."""
    normalise: str = "window"
    """"window": each window to zero mean and unit variance; "none": dB as they are."""

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be positive, not {getattr(self, name)}"
            for name in ("sample_rate", "window_seconds", "n_fft", "hop_length", "n_mels", "top_db")
            if getattr(self, name) <= 0
        ]
        if self.normalise not in ("window", "none"):
            problems.append(f"normalise must be 'window' or 'none', not {self.normalise!r}")
        if not 0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            problems.append(
                f"f_min {self.f_min} and f_max {self.f_max} must satisfy "
                f"0 <= f_min < f_max <= {self.sample_rate / 2} (half the sample rate)"
            )
        if not problems and self.window_samples < self.n_fft:
            problems.append("window_seconds is shorter than one frame of n_fft samples")
        if problems:
            raise UsageError("front-end: " + "; ".join(problems))

    @cached_property
    def window_samples(self) -> int:
        """Samples in one window."""
        return round(self.window_seconds * self.sample_rate)

    @cached_property
    def frames(self) -> int:
        """Whole STFT frames in one window (the STFT is not centred, so none is
        padded)."""
        return 1 + (self.window_samples - self.n_fft) // self.hop_length

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of one window of features: (frames, n_mels)."""
        return self.frames, self.n_mels

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FrontendSpec:
        """Build from JSON values; unknown names and wrong types raise UsageError."""
        known: dict[str, type] = {f.name: type(f.default) for f in fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise UsageError(
                f"front-end: unknown field {', '.join(unknown)}; known: {', '.join(known)}"
            )
        cast: dict[str, Any] = {}
        for name, value in values.items():
            kind = known[name]
            accepted = (int, float) if kind is float else kind
            if not isinstance(value, accepted) or isinstance(value, bool):
                raise UsageError(f"front-end: {name} must be {kind.__name__}, not {value!r}")
            cast[name] = kind(value)
        return cls(**cast)


@dataclass(frozen=True)
class Window:
    """One window of audio, ready for the classifier."""

    start: float
    """Seconds from the start of the stream to the window's first sample."""
    end: float
    """Seconds from the start of the stream to just past the window's last sample."""
    features: Float32
    """Normalised log-mel, float32 [frames, n_mels]."""
    samples: Float32
    """The window's samples at the model's rate, float32 [window_samples]; read-only."""


def hz_to_mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Slaney's mel scale: linear (200/3 Hz a mel) below 1 kHz, logarithmic (27 mels per
    factor 6.4) above.

    Source: M. Slaney, Auditory Toolbox, Technical Report 1998-010, Interval Research,
    1998.
    """
    f = np.asarray(hz, dtype=np.float64)
    logarithmic = 15.0 + 27.0 * np.log(np.maximum(f, 1000.0) / 1000.0) / np.log(6.4)
    return np.where(f < 1000.0, f * 3.0 / 200.0, logarithmic)


def mel_to_hz(mel: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Inverse of `hz_to_mel`."""
    m = np.asarray(mel, dtype=np.float64)
    return np.where(m < 15.0, m * 200.0 / 3.0, 1000.0 * 6.4 ** ((m - 15.0) / 27.0))


def mel_filterbank(spec: FrontendSpec) -> Float32:
    """Triangular filters of unit area (Slaney's normalisation), float32 [n_fft // 2 +
    1, n_mels].

    Band m rises from edge m to edge m+1 and falls to edge m+2, the edges being evenly
    spaced in mel from f_min to f_max; its height is 2 / (edge[m+2] - edge[m]). Source:
    Slaney 1998, as in librosa.
    """
    edges = mel_to_hz(np.linspace(hz_to_mel(spec.f_min), hz_to_mel(spec.f_max), spec.n_mels + 2))
    bins = np.arange(spec.n_fft // 2 + 1) * (spec.sample_rate / spec.n_fft)
    rising = (bins[:, None] - edges[None, :-2]) / np.diff(edges)[:-1]
    falling = (edges[None, 2:] - bins[:, None]) / np.diff(edges)[1:]
    height = 2.0 / (edges[2:] - edges[:-2])
    bank: Float32 = (np.maximum(0.0, np.minimum(rising, falling)) * height).astype(np.float32)
    return bank


def hann(length: int) -> Float32:
    """Periodic Hann window, float32 [length]: 0.5 - 0.5 cos(2 pi n / length)."""
    n = np.arange(length, dtype=np.float64)
    window: Float32 = (0.5 - 0.5 * np.cos(2.0 * np.pi * n / length)).astype(np.float32)
    return window


class MelSpectrogram:
    """Power mel spectrogram in dB, without floor or normalisation: one row a frame."""

    def __init__(self, spec: FrontendSpec) -> None:
        self._spec = spec
        self._hann = hann(spec.n_fft)
        bank = mel_filterbank(spec)
        self._groups: list[tuple[slice, slice, Float32]] = []
        for low in range(0, spec.n_mels, _MEL_GROUP):
            bands = slice(low, min(low + _MEL_GROUP, spec.n_mels))
            used = np.flatnonzero(bank[:, bands].any(axis=1))
            first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
            # Each weight twice: the squares of a bin's real and imaginary part stand
            # side by side.
            weights = np.repeat(bank[first:last, bands], 2, axis=0)
            self._groups.append((slice(2 * first, 2 * last), bands, np.ascontiguousarray(weights)))
        self._parts = max(bins.stop for bins, _, _ in self._groups)
        self._windowed = np.empty((_FRAMES, spec.n_fft), dtype=np.float32)

    def __call__(self, samples: Float32) -> Float32:
        """dB of each whole frame of `samples` (float32 [n], n >= n_fft); float32
        [frames, n_mels].

        dB are 10 log10(max(power, 1e-10)), power being the mel-weighted |STFT|^2.
        """
        view = np.lib.stride_tricks.sliding_window_view(samples, self._spec.n_fft)
        frames = view[:: self._spec.hop_length]
        mel: Float32 = np.empty((len(frames), self._spec.n_mels), dtype=np.float32)
        for at in range(0, len(frames), _FRAMES):
            self._power(frames[at : at + _FRAMES], mel[at : at + _FRAMES])
        np.maximum(mel, np.float32(_POWER_FLOOR), out=mel)
        np.log(
            mel, out=mel
        )  # numpy's natural logarithm is several times faster than its decimal one
        mel *= np.float32(10.0 / math.log(10.0))
        return mel

    def _power(self, frames: Float32, mel: Float32) -> None:
        """Mel power of some frames, float32 [up to _FRAMES, n_fft], into `mel`."""
        windowed = np.multiply(frames, self._hann, out=self._windowed[: len(frames)])
        parts = scipy.fft.rfft(windowed, axis=1).view(np.float32)[:, : self._parts]
        np.multiply(parts, parts, out=parts)
        for bins, bands, weights in self._groups:
            np.matmul(parts[:, bins], weights, out=mel[:, bands])


def normalise(db: Float32, spec: FrontendSpec) -> Float32:
    """Floor a window's dB `top_db` below its maximum, then normalise as the spec says.

    Takes and returns float32 [frames, n_mels]; the input is left as it is.
    """
    floored: Float32 = np.maximum(db, db.max() - np.float32(spec.top_db))
    if spec.normalise == "none":
        return floored
    floored -= floored.mean(dtype=np.float64).astype(np.float32)
    flat = floored.reshape(-1)
    deviation = float(np.sqrt(np.dot(flat, flat) / flat.size))
    if deviation > _STD_FLOOR:
        floored *= np.float32(1.0 / deviation)
    return floored


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
        self.hop_seconds = spec.window_seconds if hop_seconds is None else hop_seconds
        if not spec.hop_length <= self.hop_seconds * spec.sample_rate < math.inf:  # NaN fails too
            raise UsageError(
                f"--hop {self.hop_seconds:g}: must be at least one frame "
                f"({spec.hop_length / spec.sample_rate:.3f} s)"
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
        return normalise(self._spectrogram(samples)[: self.spec.frames], self.spec)

    def push(self, samples: Float32) -> Iterator[Window]:
        """Add samples (float32 [n], any n, mono, at the spec's rate) and yield each
        window they complete."""
        for start in range(0, len(samples), self.spec.window_samples):
            self._append(samples[start : start + self.spec.window_samples])
            while self.received >= self._window_start(self._next) + self.spec.window_samples:
                yield self._emit()

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
        length = (last - todo - 1) * spec.hop_length + spec.n_fft
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
            normalise(self._frames, spec),
            samples,
        )
