"""Sample-rate conversion of a stream (soxr)."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32

_BLOCK_SECONDS = 0.1
"""Length of the blocks that soxr is given, s. They are always equal, so that its output
cannot depend on how the stream was divided."""


class Resampler:
    """Resamples one mono stream. However the input is divided, the output is the same,
    bit for bit.

    Parameters
    ----------
    rate_in, rate_out
        Sample rates, Hz. Where they are equal, samples pass through.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._pending: list[Float32] = []
        self._held = 0
        self._block = max(1, round(rate_in * _BLOCK_SECONDS))
        self._stream = None
        if rate_in != rate_out:
            import soxr

            self._stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")

    def push(self, samples: Float32) -> Float32:
        """Add samples at the input rate, float32 [n]; returns what is ready at the
        output rate."""
        if self._stream is None:
            return samples
        self._pending.append(samples)
        self._held += len(samples)
        if self._held < self._block:
            return np.zeros(0, dtype=np.float32)
        held = np.concatenate(self._pending)
        whole = len(held) // self._block * self._block
        self._pending, self._held = [held[whole:]], len(held) - whole
        out = [
            self._stream.resample_chunk(held[at : at + self._block])
            for at in range(0, whole, self._block)
        ]
        return np.concatenate(out)

    def flush(self) -> Float32:
        """End the stream; returns what was still inside the filter."""
        if self._stream is None:
            return np.zeros(0, dtype=np.float32)
        held = np.concatenate([*self._pending, np.zeros(0, dtype=np.float32)])
        self._pending, self._held = [], 0
        tail: Float32 = self._stream.resample_chunk(held, last=True)
        return tail
