"""What every source of audio has in common: the Source protocol and its blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..arrays import Float32

BLOCK_FRAMES = 65_536
"""Sample frames that a source without a rhythm of its own delivers at a time."""


@dataclass(frozen=True)
class Arrival:
    """The moment at which the driver delivered a block, on both clocks."""

    monotonic: float
    """time.monotonic(), s: for measuring delays."""
    utc: float
    """time.time(), s since 1970: for telling the time."""
    late: float = 0.0
    """By how much it came later than it was due, as far as the source knows, s."""


@dataclass(frozen=True)
class AudioBlock:
    """Consecutive samples of one source."""

    samples: Float32
    """float32 [n, channels], full scale at 1.0."""
    position: int
    """Index of the first sample frame since the source was opened. Lost frames are
    counted, so a jump is a gap."""
    arrived: Arrival | None = None
    """When the last sample was delivered; None where audio does not arrive in real
    time."""


class Source(Protocol):
    """Anything that delivers audio. `blocks` may raise AudioError or DeviceError at any
    point."""

    sample_rate: int
    """Rate of the blocks, Hz."""
    channels: int
    """Channels in each block."""

    @property
    def name(self) -> str:
        """What the user calls it: a path, or a device."""
        ...

    def blocks(self) -> Iterator[AudioBlock]:
        """The audio, in order."""
        ...

    def close(self) -> None:
        """Release the file or device."""
        ...
