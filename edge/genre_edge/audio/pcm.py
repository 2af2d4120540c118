"""16-bit samples and floats: the one scale between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Float32

INT16_FULL_SCALE = 32768
"""The int16 value that is 1.0 as a float: the range becomes -1.0 to just below 1.0, as
libsndfile reads it."""


def from_int16(samples: npt.NDArray[np.integer[Any]]) -> Float32:
    """16-bit samples as float32 with full scale at 1.0; any shape."""
    scaled: Float32 = samples.astype(np.float32) * np.float32(1 / INT16_FULL_SCALE)
    return scaled


def to_int16(samples: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int16]:
    """Floats with full scale at 1.0 as 16-bit samples; rounded, clipped; any shape."""
    steps = np.round(samples * INT16_FULL_SCALE)
    return np.clip(steps, -INT16_FULL_SCALE, INT16_FULL_SCALE - 1).astype(np.int16)


def as_floats(samples: npt.NDArray[Any]) -> Float32:
    """Floats of any width, or int16, as float32 with full scale at 1.0; any shape."""
    if samples.dtype == np.int16:
        return from_int16(samples)
    with np.errstate(over="ignore"):  # too large for float32: infinite, and found as such
        return samples.astype(np.float32, copy=False)
