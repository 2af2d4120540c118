"""Mel bands of the STFT, in dB or as they are: one row a frame."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..arrays import Float32
from .frontend_spec import FrontendSpec

POWER_FLOOR = 1e-10
"""Smallest mel power before the logarithm (-100 dB), as in librosa.power_to_db."""
_FRAMES = 32
"""Frames transformed at once: their spectra stay in the cache, and no large block of
memory is asked for."""
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


def hz_to_htk_mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """HTK's mel scale: 1127 ln(1 + f / 700).

    Source: S. Young et al., The HTK Book, equation 5.13.
    """
    f = np.asarray(hz, dtype=np.float64)
    return np.asarray(1127.0 * np.log1p(f / 700.0), dtype=np.float64)


def mel_filterbank(spec: FrontendSpec) -> Float32:
    """Triangular filters, float32 [n_fft // 2 + 1, n_mels].

    Band m rises from edge m to edge m+1 and falls to edge m+2, the edges being evenly
    spaced in mel from f_min to f_max. Slaney's filters are triangles over frequency of
    unit area, height 2 / (edge[m+2] - edge[m]) (Slaney 1998, as in librosa). HTK's are
    triangles over mel of unit height, without the bin at 0 Hz (as in TensorFlow's
    `tf.signal.linear_to_mel_weight_matrix`).
    """
    bins = np.arange(spec.n_fft // 2 + 1, dtype=np.float64) * (spec.sample_rate / spec.n_fft)
    if spec.mel_filters == "htk":
        low, high = hz_to_htk_mel(spec.f_min), hz_to_htk_mel(spec.f_max)
        edges = np.linspace(low, high, spec.n_mels + 2)
        bank = _triangles(hz_to_htk_mel(bins), edges)
        bank[0] = 0.0
    else:
        low, high = hz_to_mel(spec.f_min), hz_to_mel(spec.f_max)
        edges = mel_to_hz(np.linspace(low, high, spec.n_mels + 2))
        bank = _triangles(bins, edges) * (2.0 / (edges[2:] - edges[:-2]))
    weights: Float32 = bank.astype(np.float32)
    return weights


def _triangles(
    at: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Triangles of unit height between neighbouring edges, [at, edges - 2]."""
    rising = (at[:, None] - edges[None, :-2]) / np.diff(edges)[:-1]
    falling = (edges[None, 2:] - at[:, None]) / np.diff(edges)[1:]
    return np.maximum(0.0, np.minimum(rising, falling))


def mel_groups(bank: Float32) -> list[tuple[slice, slice]]:
    """Neighbouring bands of a filterbank, [bins, bands], that are multiplied at once:
    for each group the bins that it uses, and its bands."""
    groups = []
    for low in range(0, bank.shape[1], _MEL_GROUP):
        bands = slice(low, min(low + _MEL_GROUP, bank.shape[1]))
        used = np.flatnonzero(bank[:, bands].any(axis=1))
        first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
        groups.append((slice(first, last), bands))
    return groups


def hann(length: int) -> Float32:
    """Periodic Hann window, float32 [length]: 0.5 - 0.5 cos(2 pi n / length)."""
    n = np.arange(length, dtype=np.float64)
    window: Float32 = (0.5 - 0.5 * np.cos(2.0 * np.pi * n / length)).astype(np.float32)
    return window


class MelSpectrogram:
    """Mel spectrogram without floor or normalisation: one row a frame.

    In dB for a spec of scale "db". For the others the mel bands as they are: their
    logarithm is taken when a window's level is known.
    """

    def __init__(self, spec: FrontendSpec) -> None:
        self._spec = spec
        self._length = spec.frame_samples
        self._hann = hann(self._length)
        self._magnitude = spec.power == 1
        bank = mel_filterbank(spec)
        self._groups: list[tuple[slice, slice, Float32]] = []
        # The squares of a bin's real and imaginary part stand side by side, so each
        # weight stands there twice; magnitudes stand alone.
        copies = 1 if self._magnitude else 2
        for used, bands in mel_groups(bank):
            weights = np.repeat(bank[used, bands], copies, axis=0)
            bins = slice(copies * used.start, copies * used.stop)
            self._groups.append((bins, bands, np.ascontiguousarray(weights)))
        self._parts = max(bins.stop for bins, _, _ in self._groups) * 2 // copies
        self._padded = np.zeros((_FRAMES, spec.n_fft), dtype=np.float32)

    def __call__(self, samples: Float32) -> Float32:
        """One row for each whole frame of `samples` (float32 [n], at least a frame);
        float32 [frames, n_mels].

        dB are 10 log10(max(power, 1e-10)), power being the mel-weighted |STFT|^2.
        """
        view = np.lib.stride_tricks.sliding_window_view(samples, self._length)
        frames = view[:: self._spec.hop_length]
        mel: Float32 = np.empty((len(frames), self._spec.n_mels), dtype=np.float32)
        for at in range(0, len(frames), _FRAMES):
            self._bands(frames[at : at + _FRAMES], mel[at : at + _FRAMES])
        if self._spec.scale != "db":
            return mel
        np.maximum(mel, np.float32(POWER_FLOOR), out=mel)
        # numpy's natural logarithm is several times faster than its decimal one
        np.log(mel, out=mel)
        mel *= np.float32(10.0 / math.log(10.0))
        return mel

    def _bands(self, frames: Float32, mel: Float32) -> None:
        """Mel bands of some frames, float32 [up to _FRAMES, frame], into `mel`."""
        padded = self._padded[: len(frames)]
        np.multiply(frames, self._hann, out=padded[:, : self._length])
        parts = scipy.fft.rfft(padded, axis=1).view(np.float32)[:, : self._parts]
        np.multiply(parts, parts, out=parts)
        if self._magnitude:
            parts = np.sqrt(parts[:, 0::2] + parts[:, 1::2])
        for bins, bands, weights in self._groups:
            np.matmul(parts[:, bins], weights, out=mel[:, bands])
