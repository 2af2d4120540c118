"""An alert: what is wrong with a device or the whole fleet, and that it is over."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..console import harmless
from ..records import iso8601
from ..settings.source_table import topic_of

Key = tuple[str | None, str]
"""Device and kind: of these, one alert is on at a time."""


@dataclass(frozen=True)
class Alert:
    """Something is wrong, or is wrong no more. Times are UTC, s since 1970."""

    device: str | None
    """Its name in the topics; None: the whole fleet."""
    kind: str
    """silent, microphone, clock, trouble; of the fleet collector, database."""
    text: str
    """What is wrong, or how that ended, in one line."""
    since: float | None
    """When it began; None if that is not known."""
    until: float | None = None
    """When it was over; None: it is not."""

    @property
    def key(self) -> Key:
        """Device and kind."""
        return self.device, self.kind

    @property
    def is_over(self) -> bool:
        """Whether it is wrong no more."""
        return self.until is not None

    @property
    def id(self) -> str:
        """Its own, and the same whenever it is told."""
        known = json.dumps([self.device, self.kind, self.since, self.is_over])
        return f"alert_{hashlib.sha256(known.encode()).hexdigest()[:32]}"

    @property
    def topic(self) -> str:
        """The end of its MQTT topic."""
        return self.kind if self.device is None else f"{_level(self.device)}/{self.kind}"

    @property
    def line(self) -> str:
        """For people: it cannot control a terminal."""
        when = self.since if self.until is None else self.until
        time = "-" if when is None else f"{datetime.fromtimestamp(when):%Y-%m-%d %H:%M:%S}"
        over = " over" if self.is_over else ""
        return harmless(f"{time}  {self.device or 'fleet'}  {self.kind}{over}  {self.text}")

    def to_json(self) -> dict[str, Any]:
        """The JSON contract, in this order of keys."""
        return {
            "type": "alert",
            "id": self.id,
            "device": self.device,
            "kind": self.kind,
            "is_over": self.is_over,
            "since": None if self.since is None else iso8601(self.since),
            "until": None if self.until is None else iso8601(self.until),
            "text": self.text,
        }


def _level(device: str) -> str:
    """A device's name as one level of a topic. Names of devices come from topics, and
    stay as they are; what a broker could refuse is replaced."""
    import zlib

    safe = topic_of(device)
    if safe == device or not device.isascii():  # then it has a checksum already
        return safe
    return f"{safe}_{zlib.crc32(device.encode()):08x}"
