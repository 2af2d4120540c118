"""Which audio is accepted: its rate, its channels, and samples that are numbers."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32
from ..errors import AudioError

MIN_RATE, MAX_RATE = 8_000, 192_000
"""Sample rates that are accepted, Hz."""

SHORTEST_SECONDS = 0.5
"""Audio shorter than this is an error rather than one repeated window."""


def check_format(name: str, rate: int, channels: int) -> None:
    """Check what a file's header says.

    Raises
    ------
    AudioError
        If there is no channel, or the rate (Hz) is not one that we resample.
    """
    if channels < 1:
        raise AudioError(name, "has no channels")
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
        If a sample is NaN or infinite; it tells the time of the first one.
    """
    # One reduction on the usual path: a sum is finite when every addend is and none
    # overflows.
    if np.isfinite(np.sum(samples)) or np.isfinite(samples).all():
        return
    bad = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0])
    raise AudioError(
        name, f"has NaN or infinite samples, the first at {(position + bad) / rate:.3f} s"
    )
