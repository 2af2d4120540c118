"""The level of a microphone as it is now, in figures and in a word."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import Float32
from ..audio.level import level_dbfs, usable_state
from ..audio.mono import to_mono
from ..audio.source import AudioBlock, Source

_STATE_SECONDS = 2.0
"""The word is said of the last time so long, s."""
_LEVEL_SECONDS = 0.3
"""The level is that of the last time so long, s."""


@dataclass(frozen=True)
class Level:
    """What a person sees of a microphone."""

    dbfs: float
    """Root-mean-square level of the last moment, dBFS."""
    state: str
    """dead, clipping, quiet or good."""


class LevelMeter:
    """Keeps the last two seconds of a signal; one thread adds, any may ask.

    Parameters
    ----------
    sample_rate
        Rate of the samples, Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._blocks: deque[Float32] = deque()
        self._held = 0
        self._lock = threading.Lock()

    def add(self, samples: Float32) -> None:
        """Hear mono samples, float32 [n], full scale at 1.0."""
        with self._lock:
            self._blocks.append(samples)
            self._held += len(samples)
            while self._held - len(self._blocks[0]) > _STATE_SECONDS * self._rate:
                self._held -= len(self._blocks.popleft())

    def level(self, gain: float = 1.0) -> Level | None:
        """The level now; None before anything was heard.

        Parameters
        ----------
        gain
            Factor that was applied to the samples.
        """
        with self._lock:
            blocks = list(self._blocks)
        samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        if not len(samples):
            return None
        last = samples[-round(_LEVEL_SECONDS * self._rate) :]
        return Level(round(level_dbfs(last), 1), usable_state(samples, gain))


class MeteredSource:
    """A source that passes audio on unchanged and lets a meter hear it."""

    def __init__(self, source: Source, meter: LevelMeter) -> None:
        self._source, self._meter = source, meter
        self.sample_rate, self.channels = source.sample_rate, source.channels

    @property
    def name(self) -> str:
        """Name of the source; it may change while the source runs."""
        return self._source.name

    def blocks(self) -> Iterator[AudioBlock]:
        """Yield the blocks of the source, unchanged."""
        for block in self._source.blocks():
            self._meter.add(to_mono(block.samples))
            yield block

    def close(self) -> None:
        """Close the source."""
        self._source.close()
