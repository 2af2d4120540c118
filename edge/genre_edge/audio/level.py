"""Level and state of a signal: is the microphone usable?"""

from __future__ import annotations

import numpy as np

from ..arrays import Float32

SILENT_DBFS = -120.0
"""The level of digital silence, dBFS: below the smallest step of 16-bit audio."""

QUIET_DBFS = -60.0
"""A microphone below this level is very quiet, dBFS."""
_CONSTANT = 1e-6
"""Peak-to-peak below which a window is constant: a thirtieth of a 16-bit step."""
_CLIP_LEVEL = 0.99
"""Amplitude from which a sample counts as clipped; full scale is 1.0."""
_CLIP_SHARE = 0.002
"""Share of clipped samples beyond which a window is clipped. Music's own peaks stay
well below it."""


def level_dbfs(samples: Float32) -> float:
    """Root-mean-square level: 20 log10(rms), at least -120.

    Parameters
    ----------
    samples
        float32 [n], full scale at 1.0.

    Returns
    -------
    float
        dBFS. A full-scale square wave has 0, a full-scale sine -3.01.
    """
    rms = float(np.sqrt(np.dot(samples, samples) / max(1, len(samples))))
    return max(SILENT_DBFS, 20.0 * float(np.log10(max(rms, 1e-12))))


def signal_state(samples: Float32, gain: float = 1.0) -> str:
    """Whether a microphone delivers a usable signal.

    Parameters
    ----------
    samples
        float32 [n], full scale at 1.0 before the gain.
    gain
        Factor that was applied to them.

    Returns
    -------
    str
        "dead" if all samples are equal; "clipping" if many reach full scale before the
        gain; otherwise "listening".
    """
    if float(np.ptp(samples)) < _CONSTANT * gain:
        return "dead"
    clipped = np.count_nonzero(np.abs(samples) >= _CLIP_LEVEL * gain)
    return "clipping" if clipped > _CLIP_SHARE * len(samples) else "listening"


def usable_state(samples: Float32, gain: float = 1.0) -> str:
    """What a microphone's level means to a person; parameters as for `signal_state`.

    Returns
    -------
    str
        "dead" or "clipping" as for `signal_state`; "quiet" below -60 dBFS; else "good".
    """
    state = signal_state(samples, gain)
    if state != "listening":
        return state
    return "quiet" if level_dbfs(samples) < QUIET_DBFS else "good"


def is_silent(samples: Float32, below_dbfs: float) -> bool:
    """Whether a window is silence: all samples equal, or a level under `below_dbfs`."""
    return level_dbfs(samples) < below_dbfs or float(np.ptp(samples)) < _CONSTANT
