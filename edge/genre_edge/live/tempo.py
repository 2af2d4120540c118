"""Beats per minute of the last 12 s, and how sure that is.

Onsets are sudden rises of the mel bands. A tempo is likely if the onsets resemble
themselves one to four beats later (autocorrelation), if they swing at its frequency
(Fourier), and if it is neither very slow nor very fast.

Sources: D. Ellis, "Beat Tracking by Dynamic Programming", Journal of New Music Research
36, 2007, section 3.1 (onset strength, log-normal weighting of the autocorrelation);
G. Peeters, "Template-Based Estimation of Time-Varying Tempo", EURASIP Journal 2007
(product of both spectra, whose octave errors differ).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..arrays import Float32
from ..model.frontend_spec import FrontendSpec
from ..model.mel import MelSpectrogram

SECONDS = 12.0
"""Length of what a tempo is found in, s."""
SURE_ENOUGH = 0.55
"""Confidence from which a tempo is reported: below it the tempo is too often half or
twice the right one (docs/sensors.md has the figures)."""

_FRAME_SECONDS = 0.01
_FFT_SECONDS = 0.04
"""About that; the nearest power of two of samples."""
_BANDS = 40
_SLOWEST, _FASTEST, _TEMPI = 35.0, 250.0, 500
"""Tempi that are compared, beats/min; their number, evenly spaced in octaves."""
_USUAL, _OCTAVES = 120.0, 0.9
"""Middle of the weighting, beats/min, and its width: Ellis' values."""
_BEATS = 4
"""Beats over which the onsets are compared with themselves."""
_FOURIER_POWER = 0.25
_LOUDNESS = 100.0
"""Factor before the logarithm of a band's power over its mean."""
_CLEAR = 0.5
"""Self-resemblance from which a pulse counts as clear; speech and noise have 0.1."""
_OTHER_OCTAVES = 0.1
"""Tempi that are further apart than that are different ones, octaves."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tempo:
    """A tempo."""

    bpm: float
    """Beats per minute."""
    confidence: float
    """How far the next likely tempo is behind, 0 to 1; less where the pulse is not
    clear."""


class TempoMeter:
    """The tempo of the last 12 s of a stream of one channel.

    Parameters
    ----------
    rate
        Sample rate, Hz.
    """

    def __init__(self, rate: int) -> None:
        hop = round(_FRAME_SECONDS * rate)
        spec = FrontendSpec(
            sample_rate=rate,
            n_fft=2 ** round(math.log2(_FFT_SECONDS * rate)),
            hop_length=hop,
            n_mels=_BANDS,
            f_min=30.0,
            f_max=min(8000.0, rate / 2),
            mel_norm="height",
            scale="none",
            normalise="none",
        )
        self._bands, self._hop, self._frame = MelSpectrogram(spec), hop, spec.n_fft
        self._frames_a_second = rate / hop
        self._wanted = int(SECONDS * self._frames_a_second) - spec.n_fft // hop
        self._tempi = np.geomspace(_SLOWEST, _FASTEST, _TEMPI)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: the next sample is the first of a new stream."""
        self._rows = np.zeros((0, _BANDS), np.float32)
        self._left = np.zeros(0, np.float32)

    def push(self, samples: Float32) -> None:
        """Add samples, float32 [n]."""
        heard = np.concatenate([self._left, samples])
        whole = max(0, (len(heard) - self._frame) // self._hop + 1)
        if whole:
            rows = self._bands(heard)
            self._rows = np.concatenate([self._rows, rows])[-self._wanted :]
        self._left = heard[whole * self._hop :]

    def value(self) -> Tempo | None:
        """The tempo at the end of what was heard; None before 12 s, and of constant
        sound."""
        if len(self._rows) < self._wanted:
            return None
        onsets = onset_strength(self._rows, self._frames_a_second)
        return likeliest(onsets, self._frames_a_second, self._tempi)


def onset_strength(rows: Float32, frames_a_second: float) -> Numbers:
    """How much louder the bands become from frame to frame, without what is usual
    within a second around, [frames - 1]; its mean is 0.

    Parameters
    ----------
    rows
        Power of each band, float32 [frames, bands].
    frames_a_second
        Frames in a second.
    """
    mean = rows.mean(axis=0)
    usual = (mean + mean.mean()) / 2 + 1e-12
    louder = np.diff(np.log1p(_LOUDNESS / usual * rows), axis=0)
    rises = np.maximum(louder, 0.0).sum(axis=1).astype(np.float64)
    second = int(frames_a_second) | 1
    around = np.convolve(np.pad(rises, second // 2, mode="reflect"), _bump(second), mode="valid")
    smooth = np.convolve(np.maximum(rises - around, 0.0), _bump(5), mode="same")
    onsets: Numbers = smooth - smooth.mean()
    return onsets


def likeliest(onsets: Numbers, frames_a_second: float, tempi: Numbers) -> Tempo | None:
    """The likeliest of some tempi; None of onsets that do not vary.

    Parameters
    ----------
    onsets
        Onset strength, [frames], of mean 0.
    frames_a_second
        Frames in a second.
    tempi
        What to choose from, beats/min, rising.
    """
    if not float(np.dot(onsets, onsets)) > 1e-9:
        return None
    resemblance = _resemblance(onsets, 60.0 * frames_a_second / tempi)
    swing = _swing(onsets, tempi / 60.0 / frames_a_second)
    octaves = np.log2(tempi / _USUAL) / _OCTAVES
    likely = np.maximum(resemblance, 0.0) * swing**_FOURIER_POWER * np.exp(-(octaves**2) / 2)
    best = int(np.argmax(likely))
    inner = likely[1:-1]
    peaks = (inner >= likely[:-2]) & (inner >= likely[2:])
    peaks &= np.abs(np.log2(tempi[1:-1] / tempi[best])) > _OTHER_OCTAVES
    behind = 1.0 - float(inner[peaks].max(initial=0.0)) / max(float(likely[best]), 1e-12)
    clear = min(1.0, max(0.0, float(resemblance[best])) / _CLEAR)
    return Tempo(float(tempi[best]), max(0.0, behind) * clear)


def _resemblance(onsets: Numbers, periods: Numbers) -> Numbers:
    """Mean autocorrelation one to four periods later, of at most 1."""
    count = len(onsets)
    power = np.abs(scipy.fft.rfft(onsets, 2 * count)) ** 2
    products = scipy.fft.irfft(power)[:count] / (count - np.arange(count))
    lags = periods * np.arange(1, _BEATS + 1)[:, None]
    found = np.interp(lags, np.arange(count), products / products[0])
    known = lags < 0.75 * count  # beyond, too few frames are compared
    mean: Numbers = (found * known).sum(axis=0) / known.sum(axis=0)
    return mean


def _swing(onsets: Numbers, frequencies: Numbers) -> Numbers:
    """Magnitude of the Fourier transform at some frequencies (1/frame), about 0 to
    1."""
    tapered = onsets * np.hanning(len(onsets))
    size = 2 ** (math.ceil(math.log2(len(onsets))) + 3)
    spectrum = np.abs(scipy.fft.rfft(tapered, size))
    found = np.interp(frequencies * size, np.arange(len(spectrum)), spectrum)
    full = np.linalg.norm(tapered) * math.sqrt(len(onsets)) / 2
    scaled: Numbers = found / max(float(full), 1e-12)
    return scaled


def _bump(length: int) -> Numbers:
    """A Hann window of sum 1, [length]."""
    window = np.hanning(length + 2)[1:-1]
    weights: Numbers = window / window.sum()
    return weights
