"""How loud an example was over time: enough for a small picture, and no audio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float32
from ..audio.level import SILENT_DBFS

STEP_SECONDS = 0.25
"""From one level to the next, s, unless an example is long."""
_MOST_LEVELS = 120
"""Levels of one example at most: what a small picture can show."""


@dataclass(frozen=True)
class LevelCurve:
    """Levels of an example, evenly spaced over it."""

    seconds: float
    """From one level to the next, s."""
    levels_dbfs: tuple[int, ...]
    """Root-mean-square level of each step, dBFS, -120 to 0; at most 120 of them."""

    def packed(self) -> bytes:
        """The levels, one byte each."""
        return bytes(-level for level in self.levels_dbfs)

    @classmethod
    def unpacked(cls, seconds: float, levels: bytes) -> LevelCurve:
        """The curve whose levels were packed."""
        return cls(seconds, tuple(-level for level in levels))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"seconds": self.seconds, "levels_dbfs": [*self.levels_dbfs]}


def curve_of(powers: Sequence[float], seconds: float) -> LevelCurve:
    """The curve of an example. If it is long, or its steps are shorter than
    STEP_SECONDS, a level stands for several steps.

    Parameters
    ----------
    powers
        Mean square of the samples of each step, full scale at 1.0.
    seconds
        Length of a step, s.
    """
    coarse = math.ceil(round(STEP_SECONDS / seconds, 6))
    merged = max(coarse, math.ceil(len(powers) / _MOST_LEVELS))
    steps = [powers[at : at + merged] for at in range(0, len(powers), merged)]
    levels = (10 * math.log10(max(sum(step) / len(step), 1e-12)) for step in steps)
    rounded = (round(min(0.0, max(SILENT_DBFS, level))) for level in levels)
    return LevelCurve(merged * seconds, tuple(rounded))


class LevelMeter:
    """Measures the curve of a stream, block by block; keeps no samples but those of an
    unfinished step."""

    def __init__(self, sample_rate: int) -> None:
        self._step = max(1, round(STEP_SECONDS * sample_rate))
        self._powers: list[float] = []
        self._rest: Float32 = np.empty(0, np.float32)

    def push(self, samples: Float32) -> None:
        """Add samples, float32 [n, channels]."""
        squares = np.concatenate([self._rest, np.square(samples).mean(axis=1)])
        whole = len(squares) - len(squares) % self._step
        self._powers += squares[:whole].reshape(-1, self._step).mean(axis=1).tolist()
        self._rest = squares[whole:]

    def curve(self) -> LevelCurve:
        """The curve of what was pushed; an unfinished step is left out."""
        return curve_of(self._powers, STEP_SECONDS)
