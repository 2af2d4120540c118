"""Samples in memory as a Source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import Fault, UsageError
from .limits import MAX_RATE, MIN_RATE, check_finite
from .pcm import as_floats
from .source import BLOCK_FRAMES, AudioBlock

_MOST_CHANNELS = 64
"""More channels than this, and than there are samples, are a transposed array."""


class ArraySource:
    """An array of samples.

    Parameters
    ----------
    samples : array-like [n] or [n, channels]
        Floats with full scale at 1.0, or int16.
    sample_rate
        Their rate, Hz.
    name
        What errors and records call it.

    Raises
    ------
    UsageError
        If the type or shape of `samples`, or the `sample_rate`, is not one of these.
        Samples that are NaN or infinite are an AudioError of `blocks`.
    """

    def __init__(self, samples: npt.ArrayLike, sample_rate: float, name: str = "samples") -> None:
        self.name = name
        self.sample_rate = checked_rate(sample_rate)
        self._samples = checked_samples(samples)
        self.channels = int(self._samples.shape[1])

    def blocks(self) -> Iterator[AudioBlock]:
        """The samples, some seconds at a time."""
        for at in range(0, len(self._samples), BLOCK_FRAMES):
            block = as_floats(self._samples[at : at + BLOCK_FRAMES])
            check_finite(self.name, block, at, self.sample_rate)
            yield AudioBlock(block, at)

    def close(self) -> None:
        """Nothing to release."""


def checked_rate(sample_rate: float) -> int:
    """`sample_rate` as an int. UsageError unless it is a whole number of Hz that we
    resample."""
    rate: Any = sample_rate.item() if isinstance(sample_rate, np.generic) else sample_rate
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or rate != rate // 1:
        raise UsageError(Fault("sample_rate", sample_rate, "must be a whole number of Hz"))
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UsageError(
            Fault("sample_rate", sample_rate, f"must be between {MIN_RATE} and {MAX_RATE} Hz")
        )
    return int(rate)


def checked_samples(samples: npt.ArrayLike) -> npt.NDArray[Any]:
    """`samples` as an array [n, channels] of floats or int16. UsageError for any other
    type or shape."""
    try:
        array = np.asarray(samples)
    except ValueError:
        raise UsageError(Fault("samples", "", "rows of different lengths")) from None
    if array.size == 0 and not hasattr(samples, "dtype"):
        array = array.astype(np.float32)  # an empty list has no type of its own
    if array.dtype.kind != "f" and array.dtype != np.int16:
        reason = f"must be floats (full scale 1.0) or int16{_remedy(samples, array)}"
        raise UsageError(Fault("samples", f"of type {array.dtype}", reason))
    shape = f"of shape {list(array.shape)}"
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] == 0):
        raise UsageError(Fault("samples", shape, "must be [n] or [n, channels]"))
    if array.ndim == 2 and array.shape[1] > max(len(array), _MOST_CHANNELS):
        raise UsageError(Fault("samples", shape, "must be [n, channels]: give samples.T"))
    return array[:, None] if array.ndim == 1 else array


def _remedy(samples: object, array: npt.NDArray[Any]) -> str:
    """What to do about samples of another type."""
    if isinstance(samples, str | bytes | os.PathLike):
        return "; classify_file takes a path"
    if array.dtype == np.uint8:
        return "; 8-bit audio: (samples - 128.0) / 128"
    if array.dtype.kind in "iu":
        return "; 16-bit values: numpy.asarray(samples, numpy.int16); others: divide by full scale"
    return ""
