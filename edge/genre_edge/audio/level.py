"""What a window's samples say of the microphone, before any model is asked."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32

SILENT_DBFS = -120.0
"""What digital silence is reported as: below the smallest step of 16-bit audio,
dBFS."""

_CONSTANT = 1e-6
"""Peak-to-peak below which a window is constant: a thirtieth of a 16-bit step."""
_CLIP_LEVEL = 0.99
_CLIP_SHARE = 0.002
"""Share of samples at full scale from which a window is clipped: music's own peaks stay
well below."""


def level_dbfs(samples: Float32) -> float:
    """Root-mean-square level, float32 [n] to dBFS; a full-scale square wave is 0, a
    full-scale sine -3.01.

    20 log10(rms), at least -120.
    """
    rms = float(np.sqrt(np.dot(samples, samples) / max(1, len(samples))))
    return max(SILENT_DBFS, 20.0 * float(np.log10(max(rms, 1e-12))))


def signal_state(samples: Float32, gain: float = 1.0) -> str:
    """ "dead" (all samples equal), "clipping" (many at full scale before the gain) or
    "listening"."""
    if float(np.ptp(samples)) < _CONSTANT * gain:
        return "dead"
    clipped = np.count_nonzero(np.abs(samples) >= _CLIP_LEVEL * gain)
    return "clipping" if clipped > _CLIP_SHARE * len(samples) else "listening"
