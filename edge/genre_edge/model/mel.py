"""Mel bands of the STFT, in dB: one row a frame."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..arrays import Float32
from .frontend_spec import FrontendSpec

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
_FRAMES = 32
"""Frames transformed at once: their spectra stay in the cache, and no large block of
memory is asked for."""
_MEL_GROUP = 16
"""Mel bands multiplied at once: neighbours share bins, so small groups skip most of the
zeros."""
_MEL_GROUP = 16
"""Mel bands multiplied at once: neighbours share bins, so small groups skip most of the
zeros."""


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
