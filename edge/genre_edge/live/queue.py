"""From PortAudio's callback to the pipeline: a bounded queue that drops the oldest and
counts it."""

from __future__ import annotations

import threading
import time
from collections import deque
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

    Audio that is lost (dropped here because the consumer is slow, or reported lost by
    the driver) still counts in the positions, so the consumer sees a jump and the
    timeline stays true.
    """

    def __init__(self, rate: int, seconds: float) -> None:
        self._rate = rate
        self._room = max(1, round(rate * seconds))
        self._chunks: deque[Chunk] = deque()
        self._held = 0
        self._position = 0
        self._ready = threading.Condition()
        self._first: float | None = None
        self.dropped = 0
        """Sample frames dropped here because the consumer was slow."""
        self.overflows = 0
        """Times the driver reported that it had lost audio."""
        self.last_arrival = time.monotonic()
        """When the driver last delivered anything, monotonic s."""

    def put(self, data: bytes, frames: int, lost: bool) -> None:
        """Called from the audio thread: append, and drop the oldest beyond the room
        there is."""
        now = time.monotonic()
        with self._ready:
            if lost:
                self.overflows += 1
                self._position += self._missing(now, frames)
            self._first = self._first if self._first is not None else now - frames / self._rate
            self._chunks.append(Chunk(data, frames, self._position, now, time.time()))
            self._position += frames
            self._held += frames
            self.last_arrival = now
            while self._held > self._room:
                oldest = self._chunks.popleft()
                self._held -= oldest.frames
                self.dropped += oldest.frames
            self._ready.notify()

    def _missing(self, now: float, frames: int) -> int:
        """Frames that the clock says were lost when the driver reports an overflow
        without a number."""
        if self._first is None:
            return 0
        due = round((now - self._first) * self._rate) - frames
        return max(0, due - self._position)

    def get(self, timeout: float) -> Chunk | None:
        """The oldest chunk, or None if none comes within `timeout` s."""
        with self._ready:
            if not self._chunks:
                self._ready.wait(timeout)
            if not self._chunks:
                return None
            chunk = self._chunks.popleft()
            self._held -= chunk.frames
            return chunk
