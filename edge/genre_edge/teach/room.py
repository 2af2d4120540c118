"""A room around a recording: what is taught from a file, a microphone will hear."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32

_DECAY_SECONDS = (0.2, 0.9)
"""Shortest and longest time in which a room's sound falls by 60 dB, s."""
_DIRECT_DB = (-3.0, 9.0)
"""Least and most that the direct sound is louder than the room, dB."""
_FIRST_SECONDS = 0.002
"""From the direct sound to the first reflection, s."""


def in_a_room(samples: Float32, rate: int, number: int) -> Float32:
    """Samples as a microphone in a room hears them, float32 [n].

    The room is noise that dies away, which is what remains of many reflections. What
    came before the samples is not known, so their end sounds on into their beginning.

    Parameters
    ----------
    samples
        float32 [n], mono.
    rate
        Their rate, Hz.
    number
        Of the room; each is another one, and always the same.
    """
    rng = np.random.default_rng(number)
    length = min(len(samples), round(rng.uniform(*_DECAY_SECONDS) * rate))
    reflections = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / max(1, length))
    reflections[: round(_FIRST_SECONDS * rate)] = 0
    reflections *= 10 ** (-rng.uniform(*_DIRECT_DB) / 20) / max(
        float(np.linalg.norm(reflections)), 1e-9
    )
    reflections[:1] = 1
    spectrum = np.fft.rfft(samples) * np.fft.rfft(reflections, len(samples))
    heard: Float32 = np.fft.irfft(spectrum, len(samples)).astype(np.float32)
    return heard
