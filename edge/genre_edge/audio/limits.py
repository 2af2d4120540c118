"""Which audio is accepted: its rate, its channels, and samples that are numbers."""

from __future__ import annotations

import stat

import numpy as np

from ..arrays import Float32
from ..errors import AudioError

MIN_RATE, MAX_RATE = 8_000, 192_000
"""Sample rates that are accepted, Hz."""

_LARGEST = 1e12
"""Samples above this are no audio: full scale is 1, or 2^31 where somebody forgot to
scale. The spectrum of much larger ones overflows."""
SHORTEST_SECONDS = 0.5
"""Audio shorter than this is an error rather than one repeated window."""


def is_special(mode: int) -> bool:
    """Whether a file's mode (`st_mode`) is that of a pipe, a socket or a device."""
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def check_format(name: str, rate: int, channels: int) -> None:
    """Check what a file's header says.

    Raises
    ------
    AudioError
        If there is no channel, or the rate (Hz) is not one that we resample.
    """
    if channels < 1:
        raise AudioError(name, "is not audio: it has no channels")
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(name, f"sample rate {rate} Hz is outside {MIN_RATE} to {MAX_RATE} Hz")


def check_finite(name: str, samples: Float32, position: int, rate: int) -> None:
    """Check that every sample is a number.

    Parameters
    ----------
    name
        What the user calls the source.
    samples
        float32 [n, channels].
    position
        Index of the first sample frame in the source.
    rate
        Sample rate of the source, Hz.

    Raises
    ------
    AudioError
        If a sample is NaN or infinite, or so large that its square is; it tells the
        time of the first one.
    """
    # Two reductions on the usual path; NaN is neither above nor below anything.
    if not samples.size or (samples.max() <= _LARGEST and samples.min() >= -_LARGEST):
        return
    wrong = ~(np.abs(samples) <= _LARGEST).all(axis=1)
    first = int(np.flatnonzero(wrong)[0])
    finite = np.isfinite(samples[first]).all()
    what = f"samples above {_LARGEST:g}" if finite else "NaN or infinite samples"
    raise AudioError(name, f"has {what}, the first at {(position + first) / rate:.3f} s")
