"""Any source as one channel at the rate that the model takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arrays import Float32
from .resample import Resampler
from .source import Source

_BLOCK_SECONDS = 0.1
"""Channels are compared over this time, s. It begins with the stream, so that the
mixture does not depend on how the stream was divided."""
_CANCELLED = 1e-3
"""Power of the mean, as a share of the loudest channel's, below which the channels
cancel each other out: -30 dB. Channels that have nothing to do with each other leave a
half to a sixty-fourth of it."""


def to_mono(samples: Float32) -> Float32:
    """Average over channels: float32 [n, channels] to float32 [n]."""
    channels = samples.shape[1]
    if channels == 1:
        return samples[:, 0]
    mean: Float32 = samples[:, 0] + samples[:, 1]
    for channel in range(2, channels):
        mean += samples[:, channel]
    mean /= np.float32(channels)
    return mean


class Mixer:
    """Mixes a stream to one channel: the mean of its channels, or the loudest of them
    where they cancel each other out.

    A recording whose channels have opposite phase is silent in the mean, though it can
    be heard. However the input is divided, the output is the same, bit for bit.

    Parameters
    ----------
    rate
        Sample rate, Hz.
    """

    def __init__(self, rate: int) -> None:
        self._block = max(1, round(rate * _BLOCK_SECONDS))
        self._held: Float32 | None = None

    def push(self, samples: Float32) -> Float32:
        """Add samples, float32 [n, channels]; returns what is ready, float32 [m]. One
        channel passes through. The number of channels may change."""
        before = self._held
        if before is not None and before.shape[1] != samples.shape[1]:
            return np.concatenate([self.flush(), self.push(samples)])
        if samples.shape[1] == 1:
            return samples[:, 0]
        if before is not None:
            samples = np.concatenate([before, samples])
        whole = len(samples) // self._block * self._block
        self._held = samples[whole:]
        return self._mixed(samples[:whole], self._block)

    def flush(self) -> Float32:
        """End the stream; returns what was still held."""
        held, self._held = self._held, None
        if held is None or not len(held):
            return np.zeros(0, dtype=np.float32)
        return self._mixed(held, len(held))

    def _mixed(self, samples: Float32, block: int) -> Float32:
        mean = to_mono(samples)
        blocks, power = mean.reshape(-1, block), _power(mean.reshape(-1, block))
        # The loudest channel has at most the power of all together, which is quicker.
        together = _power(np.ascontiguousarray(samples).reshape(-1, block * samples.shape[1]))
        for number in np.flatnonzero(power < _CANCELLED * together):
            channels = samples[number * block : (number + 1) * block].T.copy()
            of_channels = _power(channels)
            if power[number] < _CANCELLED * of_channels.max():
                blocks[number] = channels[of_channels.argmax()]
        return mean


def mixed(samples: Float32, rate: int) -> Float32:
    """Samples in memory as one channel: float32 [n, channels] at `rate` (Hz) to [n]."""
    mixer = Mixer(rate)
    return np.concatenate([mixer.push(samples), mixer.flush()])


def _power(blocks: Float32) -> Float32:
    """Sum of the squares of each row, float32 [b, n] to [b]."""
    power: Float32 = np.einsum("bn,bn->b", blocks, blocks)
    return power


def mono_blocks(source: Source, rate: int) -> Iterator[Float32]:
    """The whole of `source` as mono float32 at `rate` (Hz), block by block.

    Channels are mixed first; the mixture is resampled as one stream.
    """
    mixer, resampler = Mixer(source.sample_rate), Resampler(source.sample_rate, rate)
    for block in source.blocks():
        yield resampler.push(mixer.push(block.samples))
    yield resampler.push(mixer.flush())
    yield resampler.flush()
