"""A source whose blocks are made by a test or a benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from genre_edge.audio.source import Arrival, AudioBlock


@dataclass
class BlockSource:
    """Delivers the blocks it is given, whatever their positions and times of
    arrival."""

    given: Iterable[AudioBlock]
    """The blocks, all of one rate and mono."""
    sample_rate: int
    """Their rate, Hz."""
    name: str = "made"
    channels: int = 1

    def blocks(self) -> Iterator[AudioBlock]:
        """The blocks."""
        yield from self.given

    def close(self) -> None:
        """Nothing to release."""


def cut(
    samples: np.ndarray,
    sample_rate: int,
    position: int = 0,
    utc: float | None = None,
    size: int = 1000,
) -> list[AudioBlock]:
    """Mono samples in blocks of `size`, the first of them at `position` on the
    timeline.

    With `utc`, each block arrives when its last sample is due, if sample 0 of the
    timeline was heard at `utc` (s since 1970).
    """
    blocks = []
    for at in range(0, len(samples), size):
        part = samples[at : at + size]
        end = position + at + len(part)
        arrived = None
        if utc is not None:
            arrived = Arrival(end / sample_rate, utc + end / sample_rate)
        blocks.append(AudioBlock(part[:, None], position + at, arrived))
    return blocks
