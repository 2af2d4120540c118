"""Holding a stream to real time.

A server begins with several seconds at once, a download comes as fast as the network
carries it, and audio that was held up comes late and then all together. What is heard
has one pace: that of a player.
"""

from __future__ import annotations

LIVE_SPEED = 1.005
"""How fast a live stream may be heard: more than any server's clock is too fast, so
that what comes at once is made up for."""

_FOLLOW = 0.01
"""Share of the delay of each block by which all later ones are due later: the pace
follows a slow clock, and leaves room for blocks that are late again."""

_AT_ONCE = 0.5
"""A block that comes within this share of its length after the one before has waited:
it makes up for a delay, and says nothing of the stream's clock."""


class Pace:
    """Tells how late the blocks of one stream are.

    Parameters
    ----------
    rate
        Sample rate, Hz.
    speed
        How many seconds may be heard in one.
    now
        When the first sample is due, monotonic s.
    """

    def __init__(self, rate: int, speed: float, now: float) -> None:
        self._rate, self._speed = rate, speed
        self.due = now
        """When the last sample so far was due, monotonic s."""
        self._came = now

    def late(self, frames: int, now: float) -> float:
        """Take note of a block.

        Parameters
        ----------
        frames
            Its samples.
        now
            When it came, monotonic s.

        Returns
        -------
        float
            By how much its end is late, s; negative if it came too early.
        """
        seconds = frames / (self._rate * self._speed)
        has_waited, self._came = now - self._came < _AT_ONCE * seconds, now
        self.due += seconds
        late = now - self.due
        if late > 0 and not has_waited:
            self.due += _FOLLOW * late
        return late
