"""From PortAudio's callback to the pipeline: a bounded queue that drops the oldest
audio and counts it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Chunk:
    """PCM as the driver delivered it."""

    data: bytes
    """Interleaved little-endian int16."""
    frames: int
    """Sample frames in `data`."""
    position: int
    """Index of the first sample frame since the queue began, lost ones counted."""
    arrived: float
    """time.monotonic() at delivery, s."""
    arrived_utc: float
    """time.time() at delivery, s since 1970."""


class CaptureQueue:
    """Takes chunks from the audio thread and never makes it wait.

    Audio may be lost here, where the consumer is slow, or in the driver. It still
    counts in the positions: the consumer sees a jump, and the timeline stays true.

    Parameters
    ----------
    rate
        Sample rate of the chunks, Hz.
    seconds
        Audio that is kept for a slow consumer, s.
    monotonic
        The clock by which lost audio is measured, s.
    """

    def __init__(
        self, rate: int, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._monotonic = rate, monotonic
        self._capacity = max(1, round(rate * seconds))
        self._chunks: deque[Chunk] = deque()
        self._held = 0
        self._position = 0
        self._ready = threading.Condition()
        self._first: float | None = None  # monotonic time of position 0
        self.dropped = 0
        """Sample frames dropped here because the consumer was slow."""
        self.overflows = 0
        """Times the driver reported that it had lost audio."""
        self.last_arrival = monotonic()
        """When the driver last delivered anything, monotonic s."""

    def put(self, data: bytes, frames: int, lost: bool) -> None:
        """Append a chunk, and drop the oldest ones beyond the capacity. The audio
        thread calls this.

        Parameters
        ----------
        data
            Interleaved little-endian int16.
        frames
            Sample frames in `data`.
        lost
            Whether the driver lost audio before this chunk.
        """
        now = self._monotonic()
        with self._ready:
            if lost:
                self.overflows += 1
                self._position += self._missing(now, frames)
            if self._first is None:
                self._first = now - frames / self._rate
            self._chunks.append(Chunk(data, frames, self._position, now, time.time()))
            self._position += frames
            self._held += frames
            self.last_arrival = now
            while self._held > self._capacity:
                oldest = self._chunks.popleft()
                self._held -= oldest.frames
                self.dropped += oldest.frames
            self._ready.notify()

    def _missing(self, now: float, frames: int) -> int:
        """Frames that were lost before this chunk, by the clock: the driver reports an
        overflow without a number."""
        if self._first is None:
            return 0
        due = round((now - self._first) * self._rate) - frames
        return max(0, due - self._position)

    def get(self, timeout: float) -> Chunk | None:
        """Take the oldest chunk; None if none comes within `timeout` s."""
        with self._ready:
            if not self._chunks:
                self._ready.wait(timeout)
            if not self._chunks:
                return None
            chunk = self._chunks.popleft()
            self._held -= chunk.frames
            return chunk
