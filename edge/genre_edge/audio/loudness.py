"""Loudness as people hear it: short-term, K-weighted, of one channel.

Source: ITU-R BS.1770-4 (weighting, loudness of a stretch) and EBU Tech 3341 (short-term
is the last 3 s, without gates). The filters are pyloudnorm's, so that its figures and
these agree.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..arrays import Float32

SHORT_TERM_SECONDS = 3.0
"""Length of what short-term loudness is measured on, s."""
QUIETEST_LUFS = -70.0
"""Anything quieter, digital silence too, has this loudness, LUFS: the absolute gate of
BS.1770, below which loudness is not told from silence."""

_OFFSET = -0.691
"""Makes a full-scale sine of 997 Hz on one channel -3.01 LUFS, dB."""
_SETTLING_SECONDS = 0.12
"""Time after which an impulse has left the filters, s: they have then fallen below
1e-11."""


def lufs(mean_square: float) -> float:
    """Loudness of a stretch from the mean square of its weighted samples, LUFS; at
    least -70."""
    quietest = 10.0 ** ((QUIETEST_LUFS - _OFFSET) / 10.0)
    return _OFFSET + 10.0 * float(np.log10(max(mean_square, quietest)))


def k_weighting(rate: float, hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
    """What the K-weighting does to each frequency: the factor, complex.

    A shelf (4 dB above 1500 Hz, Q 0.707: a head in the sound's way) and a high-pass
    (38 Hz, Q 0.5), as biquads whose coefficients depend on the sample rate.

    Parameters
    ----------
    rate
        Sample rate, Hz.
    hertz
        Frequencies, Hz.

    Source: R. Bristow-Johnson, Cookbook formulae for audio EQ biquad filter
    coefficients; the values are those of pyloudnorm 0.2.
    """
    shelf = _high_shelf(4.0, 2.0**-0.5, 1500.0, rate)
    high_pass = _high_pass(0.5, 38.0, rate)
    delay = np.exp(-2j * np.pi * hertz / rate)
    return _response(*shelf, delay) * _response(*high_pass, delay)


Coefficients = tuple[float, float, float]


def _high_shelf(
    gain_db: float, q: float, hertz: float, rate: float
) -> tuple[Coefficients, Coefficients]:
    a, w = 10.0 ** (gain_db / 40.0), 2.0 * np.pi * hertz / rate
    cosine, width = np.cos(w), 2.0 * np.sqrt(a) * np.sin(w) / (2.0 * q)
    plus, minus = a + 1.0, a - 1.0
    return (
        (
            a * (plus + minus * cosine + width),
            -2.0 * a * (minus + plus * cosine),
            a * (plus + minus * cosine - width),
        ),
        (
            plus - minus * cosine + width,
            2.0 * (minus - plus * cosine),
            plus - minus * cosine - width,
        ),
    )


def _high_pass(q: float, hertz: float, rate: float) -> tuple[Coefficients, Coefficients]:
    w = 2.0 * np.pi * hertz / rate
    cosine, alpha = np.cos(w), np.sin(w) / (2.0 * q)
    half = (1.0 + cosine) / 2.0
    return (half, -2.0 * half, half), (1.0 + alpha, -2.0 * cosine, 1.0 - alpha)


def _response(
    b: Coefficients, a: Coefficients, delay: npt.NDArray[np.complex128]
) -> npt.NDArray[np.complex128]:
    found: npt.NDArray[np.complex128] = (b[0] + delay * (b[1] + delay * b[2])) / (
        a[0] + delay * (a[1] + delay * a[2])
    )
    return found


class ShortTermLoudness:
    """Loudness of the last 3 s of a stream of one channel.

    It depends on the last samples alone, so it is the same, bit for bit, however the
    stream was divided. The filters are applied to the spectrum of these 3 s and of the
    moment before: in Python the recursions would take a hundred times as long, and
    scipy.signal takes half a second to import on a large machine.

    Parameters
    ----------
    rate
        Sample rate, Hz.
    """

    def __init__(self, rate: int) -> None:
        self._measured = round(SHORT_TERM_SECONDS * rate)
        needed = self._measured + round(_SETTLING_SECONDS * rate)
        self._length = int(scipy.fft.next_fast_len(needed, real=True))
        self._weights = _weights(rate, self._length)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: the next sample is the first of a new stream."""
        self._heard = np.zeros(self._length, np.float32)
        self._count = 0

    def push(self, samples: Float32) -> None:
        """Add samples, float32 [n], full scale at 1.0."""
        self._count += len(samples)
        self._heard = np.concatenate([self._heard, samples])[-self._length :]

    def value(self) -> float | None:
        """Loudness of the last 3 s, LUFS, -70 or more; None before 3 s were heard."""
        if self._count < self._measured:
            return None
        spectrum = scipy.fft.rfft(self._heard) * self._weights
        # What wraps around falls on the moment before.
        weighted = scipy.fft.irfft(spectrum, self._length)[-self._measured :]
        return lufs(float(np.dot(weighted, weighted)) / self._measured)


@lru_cache(maxsize=4)
def _weights(rate: int, length: int) -> npt.NDArray[np.complex64]:
    hertz = scipy.fft.rfftfreq(length, 1.0 / rate)
    return k_weighting(rate, hertz).astype(np.complex64)
