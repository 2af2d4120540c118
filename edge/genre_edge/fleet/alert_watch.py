"""From one look at the fleet to the next: what has begun, and what is over.

Something must last to count, so that a flapping connection rings once at most. While
nothing comes from anybody, devices are left as they were: that is one alert, and not
one for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from .alert import Alert, Key
from .alert_rules import Finding, Limits, collector_finding, device_findings
from .device_rows import DeviceRow
from .reading import age_text

LONGEST_GAP_SECONDS = 120.0
"""After so long without a look it is watched anew, s: the machine may have slept, or
its clock was set."""
_OVER = {
    "silent": "heard of again",
    "microphone": "the microphone works again",
    "clock": "the clock is right again",
    "trouble": "no trouble any more",
    "database": "the database can be read again",
}


@dataclass
class Remembered:
    """What a watch must know after a restart."""

    on: dict[Key, Alert] = field(default_factory=dict)
    """What is wrong, as it was told."""
    quiet_from: dict[int, float] = field(default_factory=dict)
    """{collector: silence of its devices before does not count, UTC s since 1970}."""

    def copy(self) -> Remembered:
        """One that stays as it is."""
        return Remembered(dict(self.on), dict(self.quiet_from))


class Watch:
    """Follows a fleet; it is given the time, and does not ask for it."""

    def __init__(self, limits: Limits, known: Remembered | None = None) -> None:
        """Go on from what is known.

        Parameters
        ----------
        limits : Limits
            When something is wrong enough to tell.
        known : Remembered or None
            What was told before; it is kept up to date.
        """
        self._limits = limits
        self.known = Remembered() if known is None else known
        self._doubts: dict[Key, float] = {}
        """{alert: since when the opposite of what was told has been seen}."""
        self._last_look: float | None = None
        self._quiet: set[int] = set()
        """Collectors from which nothing comes."""

    def look(self, rows: Sequence[DeviceRow] | None, now: float, why: str = "") -> list[Alert]:
        """Take what the database says; returns what has begun, and what is over.

        Parameters
        ----------
        rows : sequence of DeviceRow or None
            All devices; None: the database cannot be read.
        now : float
            UTC, s since 1970.
        why : str
            Why it cannot be read.
        """
        database = Finding(None, "database", rows is None, f"the database cannot be read: {why}")
        told = self._steps([database], now)
        if rows is None:
            return told
        if self._last_look is None or not 0 <= now - self._last_look <= LONGEST_GAP_SECONDS:
            self._begin_anew(now)
        self._last_look = now
        by_part = {part: list[DeviceRow]() for part in range(1, self._limits.parts + 1)}
        for row in rows:
            by_part[self._limits.part_of(row.device)].append(row)
        for part, members in by_part.items():
            told += self._look_at_part(part, members, now)
        return told + self._forget(rows, now)

    def _begin_anew(self, now: float) -> None:
        """Nothing is known of the time before: nothing has lasted yet, and whoever is
        silent gets as long to be heard of."""
        self._doubts = {key: at for key, at in self._doubts.items() if key[1] == "database"}
        begin = now - self._limits.silent_after + self._limits.hold
        for part in range(1, self._limits.parts + 1):
            earlier = min(self.known.quiet_from.get(part, 0.0), now)
            self.known.quiet_from[part] = max(earlier, begin)
            if (None, self._limits.collector(part)) in self.known.on:
                self._quiet.add(part)

    def _look_at_part(self, part: int, members: Sequence[DeviceRow], now: float) -> list[Alert]:
        """Look at one collector and, if something comes from it, at its devices."""
        collector = collector_finding(members, now, self._limits, part)
        told = self._steps([collector], now)
        watched = [row for row in members if not self._limits.is_ignored(row.device)]
        if collector.is_wrong is not False:
            self._quiet.add(part)
            names = {row.device for row in watched}
            self._doubts = {key: at for key, at in self._doubts.items() if key[0] not in names}
            return told
        if part in self._quiet:
            # They come back one after the other, each when it has noticed.
            self._quiet.discard(part)
            self.known.quiet_from[part] = now
        quiet_from = self.known.quiet_from[part]
        for row in watched:
            told += self._steps(device_findings(row, now, self._limits, quiet_from), now)
        return told

    def _steps(self, findings: Iterable[Finding], now: float) -> list[Alert]:
        steps = (self._step(one, now) for one in findings)
        return [one for one in steps if one is not None]

    def _step(self, found: Finding, now: float) -> Alert | None:
        """One thing that may be wrong: an alert if that has changed for long enough."""
        key = (found.device, found.kind)
        told = self.known.on.get(key)
        if found.is_wrong is None or found.is_wrong == (told is not None):
            self._doubts.pop(key, None)
            return None
        seen_since = self._doubts[key] = min(self._doubts.get(key, now), now)
        if now - seen_since < self._hold(found.kind, told is None):
            return None
        del self._doubts[key]
        if told is not None:
            return self._over(told, _OVER.get(found.kind, "messages come again"), seen_since)
        since = seen_since if found.since is None else found.since
        self.known.on[key] = Alert(found.device, found.kind, found.text, since)
        return self.known.on[key]

    def _hold(self, kind: str, begins: bool) -> float:
        """How long something must last to count, s. For how long a device must be
        silent is a setting of its own, and it must be there again for half of that."""
        if kind != "silent":
            return self._limits.hold
        return 0.0 if begins else max(self._limits.hold, self._limits.silent_after / 2)

    def _over(self, told: Alert, text: str, until: float) -> Alert:
        del self.known.on[told.key]
        lasted = age_text(until - (told.since or until))
        return replace(told, text=f"{text}, after {lasted}", until=until)

    def _forget(self, rows: Sequence[DeviceRow], now: float) -> list[Alert]:
        """End what is told of whom nobody watches any more."""
        names = {row.device for row in rows if not self._limits.is_ignored(row.device)}
        kinds = {self._limits.collector(part) for part in range(1, self._limits.parts + 1)}

        def is_watched(key: Key) -> bool:
            device, kind = key
            return kind in {*kinds, "database"} if device is None else device in names

        self._doubts = {key: at for key, at in self._doubts.items() if is_watched(key)}
        gone = [told for key, told in self.known.on.items() if not is_watched(key)]
        return [self._over(told, "is not watched any more", now) for told in gone]
