"""What is wrong in a fleet now: of each device, and of the collector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .alert import Alert
from .device_rows import DeviceRow
from .reading import (
    CLOCK_SECONDS,
    SILENT_SECONDS,
    age_text,
    clock_trouble,
    microphone_trouble,
    output_trouble,
    presence,
)
from .subscribing import Subscribing

BACK_SECONDS = 120.0
"""A device that was silent must be heard of this often to be there again, s: of its
four health messages in that time one must come."""
DEVICE_KINDS = ("silent", "microphone", "clock", "trouble")
"""What may be wrong with a device."""


@dataclass(frozen=True)
class Limits:
    """When something is wrong enough to tell."""

    silent_after: float = 600.0
    """A device that was not heard of for so long is silent, s; at least 60."""
    clock_off: float = CLOCK_SECONDS
    """A clock that is further off is wrong, s."""
    hold: float = 120.0
    """How long something must last to begin, and to be over, s."""
    ignore: tuple[str, ...] = ()
    """Devices that are not looked at: patterns such as "shop-*"."""
    parts: int = 1
    """How many collectors share the devices, as `genre-edge collect --part` has it."""

    def is_ignored(self, device: str) -> bool:
        """Whether a device is not looked at."""
        return any(fnmatchcase(device, one) for one in self.ignore)

    def part_of(self, device: str) -> int:
        """Which collector a device belongs to, from 1."""
        parts = (Subscribing(part=k, parts=self.parts) for k in range(1, self.parts + 1))
        return next(one.part for one in parts if one.is_mine(device))

    def collector(self, part: int) -> str:
        """The kind of the alert about a collector."""
        return "collector" if self.parts == 1 else f"collector-{part}of{self.parts}"


@dataclass(frozen=True)
class Finding:
    """What was found of one thing that may be wrong."""

    device: str | None
    """Which device; None: the whole fleet."""
    kind: str
    """What may be wrong."""
    is_wrong: bool | None
    """Whether it is; None: that cannot be told now."""
    text: str = ""
    """What is wrong, in one line."""
    since: float | None = None
    """When it began, UTC, s since 1970; None: that is not known."""


def heard_of(row: DeviceRow) -> float:
    """When a device was last heard of, UTC, s since 1970. One of which the broker had
    kept something alone counts from when it was first known."""
    return row.first_seen if row.last_seen is None else row.last_seen


def device_findings(
    row: DeviceRow, now: float, limits: Limits, quiet_from: float = 0.0
) -> Iterator[Finding]:
    """Look at one device.

    Parameters
    ----------
    row : DeviceRow
        What is known of it.
    now : float
        UTC, s since 1970.
    limits : Limits
        When something is wrong.
    quiet_from : float
        Silence before does not count, UTC, s since 1970.
    """
    yield _silence(row, now, limits, quiet_from)
    # Of a device that is not there nothing new is known.
    is_there = presence(row, now, min(limits.silent_after, SILENT_SECONDS)) == "online"
    texts = (microphone_trouble(row), clock_trouble(row, limits.clock_off), output_trouble(row))
    for kind, text in zip(DEVICE_KINDS[1:], texts, strict=True):
        yield Finding(row.device, kind, bool(text) if is_there else None, text)


def _silence(row: DeviceRow, now: float, limits: Limits, quiet_from: float) -> Finding:
    """Offline counts as silent, once it has lasted as long: a device says "offline"
    when it is switched off, and the broker says the same of one that it has lost."""
    heard = heard_of(row)
    is_wrong: bool | None = None  # neither long silent nor heard of often
    if now - max(heard, quiet_from) > limits.silent_after:
        is_wrong = True
    elif now - heard <= min(BACK_SECONDS, limits.silent_after):
        is_wrong = None if row.online is False else False  # it may have just said goodbye
    where = "offline and not" if presence(row, now) == "offline" else "not"
    text = f"{where} heard of for {age_text(limits.silent_after)}"
    return Finding(row.device, "silent", is_wrong, text, heard)


def collector_finding(rows: Sequence[DeviceRow], now: float, limits: Limits, part: int) -> Finding:
    """Look at one collector by what it has written: whether nothing has come from any
    of its devices. Unknown from half of `silent_after` on, before any device can be
    silent for as long as that.

    Parameters
    ----------
    rows : sequence of DeviceRow
        Its devices, ignored ones too.
    now : float
        UTC, s since 1970.
    limits : Limits
        When something is wrong.
    part : int
        Which collector, from 1.
    """
    newest = max((heard_of(row) for row in rows), default=now)
    is_stale = now - newest > limits.silent_after / 2
    is_wrong = None if is_stale and now - newest <= limits.silent_after else is_stale
    text = (
        f"nothing has come from any device for {age_text(limits.silent_after)}: the collector, "
        "the broker or the network may be down"
    )
    return Finding(None, limits.collector(part), is_wrong, text, newest)


def wrong_now(rows: Sequence[DeviceRow], now: float, limits: Limits) -> list[Alert]:
    """All that is wrong at this moment, however short: where nothing comes from
    anybody that alone, in place of all devices that are silent."""
    found = []
    for part in range(1, limits.parts + 1):
        members = [row for row in rows if limits.part_of(row.device) == part]
        collector = collector_finding(members, now, limits, part)
        found.append(collector)
        if not collector.is_wrong:
            for row in members:
                if not limits.is_ignored(row.device):
                    found += device_findings(row, now, limits)
    return [Alert(one.device, one.kind, one.text, one.since) for one in found if one.is_wrong]
