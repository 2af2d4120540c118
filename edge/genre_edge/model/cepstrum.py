"""Mel-frequency cepstral coefficients, and derivatives over time."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..arrays import Float32
from .frontend_spec import FrontendSpec


def cepstral_matrix(spec: FrontendSpec) -> Float32:
    """What turns mel bands on a logarithmic scale into liftered coefficients, float32
    [n_mels, n_mfcc].

    The transform is scipy.fft.dct's. Liftering multiplies coefficient n by
    1 + lifter / 2 sin(pi (n + lifter_from) / lifter) (S. Young et al., The HTK Book,
    equation 5.15, where n + lifter_from is the number of the coefficient).
    """
    norm = "ortho" if spec.dct_norm == "ortho" else None
    unit = np.eye(spec.n_mels, dtype=np.float64)
    matrix = scipy.fft.dct(unit, type=spec.dct_type, norm=norm, axis=1)[:, : spec.n_mfcc]
    if spec.lifter:
        n = np.arange(spec.n_mfcc) + spec.lifter_from
        matrix = matrix * (1.0 + spec.lifter / 2.0 * np.sin(math.pi * n / spec.lifter))
    weights: Float32 = np.ascontiguousarray(matrix, dtype=np.float32)
    return weights


def delta_matrices(spec: FrontendSpec, frames: int) -> tuple[Float32, ...]:
    """What turns frames into their derivatives over time, float32 [frames, frames] for
    each order of `spec.deltas`."""
    make = _savgol if spec.delta_method == "savgol" else _regression
    orders = range(1, spec.deltas + 1)
    return tuple(make(frames, spec.delta_width, n).astype(np.float32) for n in orders)


def _savgol(frames: int, width: int, order: int) -> npt.NDArray[np.float64]:
    """The derivative of a polynomial of that order, fitted to `width` frames around
    each; at both ends the fit to the first or last `width` serves all.

    Source: A. Savitzky and M. J. E. Golay, Analytical Chemistry 36(8), 1964.
    """
    matrix = np.zeros((frames, frames))
    half = width // 2
    for frame in range(frames):
        first = min(max(frame - half, 0), frames - width)
        places = np.arange(first, first + width) - frame
        fit = np.linalg.pinv(np.vander(places.astype(np.float64), order + 1, increasing=True))
        matrix[frame, first : first + width] = math.factorial(order) * fit[order]
    return matrix


def _regression(frames: int, width: int, order: int) -> npt.NDArray[np.float64]:
    """Regression over `width` frames, those at the ends repeated; a second derivative
    is that of the first.

    Source: The HTK Book, equation 5.16.
    """
    half = width // 2
    once = np.zeros((frames, frames))
    places = np.arange(frames)
    for n in range(1, half + 1):
        once[places, np.minimum(places + n, frames - 1)] += n
        once[places, np.maximum(places - n, 0)] -= n
    once /= 2.0 * sum(n * n for n in range(1, half + 1))
    return np.linalg.matrix_power(once, order)
