"""What a collector is sent by the broker, and as which part of all collectors."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from ..sinks.mqtt.stretch_messages import TOPIC as STRETCH

_GROUP = "$share/genre-edge-collect/"
"""What a topic filter begins with where the broker shares messages out."""


@dataclass(frozen=True)
class Subscribing:
    """What is received, and as whom."""

    windows: bool = False
    """Whether single windows too."""
    part: int = 1
    """Which part of the devices, from 1."""
    parts: int = 1
    """How many parts there are."""
    shared: bool = False
    """Whether the broker shares messages out among the collectors; else each is sent
    everything, and takes its part."""

    def is_mine(self, device: str) -> bool:
        """Whether a device is in this part."""
        return self.parts == 1 or zlib.crc32(device.encode()) % self.parts == self.part - 1

    def filters(self, prefix: str) -> tuple[list[str], list[str]]:
        """The topic filters to subscribe to, and all others that a collector may ever
        have subscribed to.

        Parameters
        ----------
        prefix : str
            What all topics begin with.
        """
        rows = {STRETCH: True, "window": self.windows}
        ends = {f"{level}/{kind}": on for kind, on in rows.items() for level in ("+", "+/+")}
        ends |= {"+/health": True, "+/status": True}
        group, other = (_GROUP, "") if self.shared else ("", _GROUP)
        wanted = [f"{group}{prefix}/{end}" for end, on in ends.items() if on]
        others = [f"{group}{prefix}/{end}" for end, on in ends.items() if not on]
        return wanted, others + [f"{other}{prefix}/{end}" for end in ends]


def is_latest(topic: str) -> bool:
    """Whether only the latest message of a topic counts: health and status."""
    return topic.endswith(("/health", "/status"))
