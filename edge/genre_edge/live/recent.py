"""The last samples of a source, for a model that is to hear them once more."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..arrays import Float32
from ..audio.source import AudioBlock


class RecentAudio:
    """Consecutive blocks, from a position on that moves along. Nothing is copied."""

    def __init__(self) -> None:
        self._blocks: deque[AudioBlock] = deque()

    def add(self, block: AudioBlock) -> None:
        """Append the block that follows."""
        self._blocks.append(block)

    def forget_before(self, position: int) -> None:
        """Let go of blocks that end before a position."""
        while self._blocks and self._end(0) <= position:
            self._blocks.popleft()

    def clear(self) -> None:
        """Let go of everything."""
        self._blocks.clear()

    def since(self, position: int) -> Iterator[Float32]:
        """The samples from a position on, float32 [n, channels] each, in order."""
        for block in self._blocks:
            yield block.samples[max(0, position - block.position) :]

    def _end(self, number: int) -> int:
        block = self._blocks[number]
        return block.position + len(block.samples)
