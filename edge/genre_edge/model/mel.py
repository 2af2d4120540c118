"""Bands of the STFT, mel or linear, in dB or as they are: one row a frame."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..arrays import Float32
from .frontend_spec import FrontendSpec

POWER_FLOOR = 1e-10
"""Smallest mel power before the logarithm (-100 dB), as in librosa.power_to_db."""
_AMPLITUDE_FLOOR = 1e-5
"""The same of amplitudes, as in librosa.amplitude_to_db."""
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


def htk_mel_to_hz(mel: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Inverse of `hz_to_htk_mel`."""
    m = np.asarray(mel, dtype=np.float64)
    return np.asarray(700.0 * np.expm1(m / 1127.0), dtype=np.float64)


def mel_filterbank(spec: FrontendSpec) -> Float32:
    """Triangular filters, float32 [n_fft // 2 + 1, n_mels].

    Band m rises from edge m to edge m+1 and falls to edge m+2, the edges being evenly
    spaced in mel from f_min to f_max. Triangles over frequency, of unit area (height
    2 / (edge[m+2] - edge[m])) or unit height, on Slaney's scale (Slaney 1998) or HTK's,
    are librosa's and torchaudio's. "htk" are triangles over mel of unit height, without
    the bin at 0 Hz, as in TensorFlow's `tf.signal.linear_to_mel_weight_matrix`.
    "htk-bins" are triangles between whole bins, as in python_speech_features.
    """
    hertz = np.arange(spec.n_fft // 2 + 1, dtype=np.float64) * (spec.sample_rate / spec.n_fft)
    slaney = spec.mel_filters == "slaney"
    to_mel, to_hz = (hz_to_mel, mel_to_hz) if slaney else (hz_to_htk_mel, htk_mel_to_hz)
    mels = np.linspace(to_mel(spec.f_min), to_mel(spec.f_max), spec.n_mels + 2)
    edges = to_hz(mels)
    if spec.mel_filters == "htk":
        bank = _triangles(to_mel(hertz), mels)
        bank[0] = 0.0
    elif spec.mel_filters == "htk-bins":
        whole = np.floor((spec.n_fft + 1) * edges / spec.sample_rate)
        bank = _triangles(np.arange(len(hertz), dtype=np.float64), whole)
    else:
        bank = _triangles(hertz, edges)
    if spec.mel_norm == "area" or (spec.mel_norm == "own" and slaney):
        bank = bank * (2.0 / (edges[2:] - edges[:-2]))
    weights: Float32 = bank.astype(np.float32)
    return weights


def _triangles(
    at: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Triangles of unit height between neighbouring edges, [at, edges - 2].

    A side without a width is a step up to 1, or down to 0, at its edge.
    """
    widths = np.diff(edges)
    steep = np.where(widths == 0.0, 1e-30, widths)
    rising = (at[:, None] - edges[None, :-2] + (widths[:-1] == 0.0) * 1e-9) / steep[:-1]
    falling = (edges[None, 2:] - at[:, None]) / steep[1:]
    heights: npt.NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return heights


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
    return _raised_cosine(length, length, 0.5)


def taper(spec: FrontendSpec) -> Float32:
    """What a frame is multiplied by, float32 [frame_samples]."""
    length = spec.frame_length or spec.n_fft
    name, _, symmetric = spec.taper.partition("-")
    constant = {"hann": 0.5, "hamming": 0.54, "rectangular": 1.0}[name]
    window = _raised_cosine(length, length - 1 if symmetric else length, constant)
    before = (spec.frame_samples - length) // 2
    return np.pad(window, (before, spec.frame_samples - length - before))


def _raised_cosine(length: int, period: int, constant: float) -> Float32:
    """Constant - (1 - constant) cos(2 pi n / period), float32 [length]."""
    n = np.arange(length, dtype=np.float64)
    cosine = np.cos(2.0 * np.pi * n / max(period, 1))
    window: Float32 = (constant - (1.0 - constant) * cosine).astype(np.float32)
    return window


class MelSpectrogram:
    """The spectrogram's bands without what depends on the window: one row a frame.

    In dB for a spec of scale "db" without a level. For others the bands as they are:
    their logarithm is taken when a window's level is known.
    """

    def __init__(self, spec: FrontendSpec) -> None:
        self._spec = spec
        self._length = spec.frame_samples
        self._taper = taper(spec)
        self._magnitude = spec.power == 1
        self._groups: list[tuple[slice, slice, Float32]] = []
        # The squares of a bin's real and imaginary part stand side by side, so each
        # weight stands there twice; magnitudes stand alone.
        copies = 1 if self._magnitude else 2
        bank = np.zeros((0, 0), np.float32) if spec.kind == "linear" else _filters(spec)
        self.columns = bank.shape[1] or spec.bins or spec.n_fft // 2 + 1
        """Numbers in a row."""
        for used, bands in mel_groups(bank):
            weights = np.repeat(bank[used, bands], copies, axis=0)
            bins = slice(copies * used.start, copies * used.stop)
            self._groups.append((bins, bands, np.ascontiguousarray(weights)))
        if self._groups:
            self._parts = max(bins.stop for bins, _, _ in self._groups) * 2 // copies
        else:
            self._parts = 2 * self.columns
        self._padded = np.zeros((_FRAMES, spec.n_fft), dtype=np.float32)

    def __call__(self, samples: Float32) -> Float32:
        """One row for each whole frame of `samples` (float32 [n], at least a frame);
        float32 [frames, columns].

        dB are 10 log10(max(band, 1e-10)), a band being the weighted |STFT|^2 say.
        """
        view = np.lib.stride_tricks.sliding_window_view(samples, self._length)
        frames = view[:: self._spec.hop_length]
        rows: Float32 = np.empty((len(frames), self.columns), dtype=np.float32)
        for at in range(0, len(frames), _FRAMES):
            self._bands(frames[at : at + _FRAMES], rows[at : at + _FRAMES])
        return decibels(rows, self._spec) if in_decibels(self._spec) else rows

    def _bands(self, frames: Float32, rows: Float32) -> None:
        """Bands of some frames, float32 [up to _FRAMES, frame], into `rows`."""
        padded = self._padded[: len(frames)]
        np.multiply(frames, self._taper, out=padded[:, : self._length])
        parts = scipy.fft.rfft(padded, axis=1).view(np.float32)[:, : self._parts]
        np.multiply(parts, parts, out=parts)
        if not self._groups:
            np.add(parts[:, 0::2], parts[:, 1::2], out=rows)
            if self._magnitude:
                np.sqrt(rows, out=rows)
            return
        if self._magnitude:
            parts = np.sqrt(parts[:, 0::2] + parts[:, 1::2])
        for bins, bands, weights in self._groups:
            np.matmul(parts[:, bins], weights, out=rows[:, bands])


def _filters(spec: FrontendSpec) -> Float32:
    """The mel filters, and a last one that sums all bins where the energy is wanted."""
    bank = mel_filterbank(spec)
    return np.pad(bank, ((0, 0), (0, int(spec.frame_energy))), constant_values=1.0)


def in_decibels(spec: FrontendSpec) -> bool:
    """Whether rows are in dB before the window's level is known."""
    return spec.scale.startswith("db") and not spec.window_level


def decibels(rows: Float32, spec: FrontendSpec) -> Float32:
    """Bands in dB, in place: 10 log10 of them, or 20 log10, above a floor."""
    amplitude = spec.scale == "db-amplitude"
    floor = spec.log_floor or (_AMPLITUDE_FLOOR if amplitude else POWER_FLOOR)
    np.maximum(rows, np.float32(floor), out=rows)
    # numpy's natural logarithm is several times faster than its decimal one
    np.log(rows, out=rows)
    rows *= np.float32((20.0 if amplitude else 10.0) / math.log(10.0))
    return rows
