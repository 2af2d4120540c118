"""Any source as one channel at the rate that the model takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arrays import Float32
from .resample import Resampler
from .source import Source


def to_mono(samples: Float32) -> Float32:
    """Average over channels: float32 [n, channels] to float32 [n]."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    mean: Float32 = samples.mean(axis=1, dtype=np.float32)
    return mean


def mono_blocks(source: Source, rate: int) -> Iterator[Float32]:
    """The whole of `source` as mono float32 at `rate` (Hz), block by block.

    Channels are averaged first; the mean is resampled as one stream.
    """
    resampler = Resampler(source.sample_rate, rate)
    for block in source.blocks():
        yield resampler.push(to_mono(block.samples))
    yield resampler.flush()
