"""Whether a rule sends a message now: what it is about, how long that has lasted, and
what the rule has sent before."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ...settings.hours import weekly_hours
from ..changes import NO_MUSIC
from .heard import Occasion
from .settings import NotifyConfig


@dataclass
class Sent:
    """What a rule has sent."""

    at: float | None = None
    """When it sent last, by a clock that only increases, s; None: never."""
    day: str = ""
    """The local date of that, such as "2026-03-01"."""
    told: dict[tuple[str | None, str], str] = field(default_factory=dict)
    """{(source, label or state): when the stay began that was told of last}."""

    def note(self, occasion: Occasion, now: float, moment: time.struct_time) -> None:
        """Remember a message about an occasion. The parameters are those of
        `Rule.wants`."""
        self.at, self.day = now, date_of(moment)
        self.told[occasion.source, occasion.what] = occasion.since


class Rule:
    """One rule. It changes nothing and remembers nothing."""

    def __init__(self, config: NotifyConfig) -> None:
        self._config, self._quiet = config, weekly_hours(config.quiet_hours)

    def is_quiet(self, moment: time.struct_time) -> bool:
        """Whether no message may be sent at a local time."""
        return self._quiet.contains(moment)

    def is_about(self, occasion: Occasion) -> bool:
        """Whether it tells about this label or state of this source."""
        config = self._config
        if config.source and config.source != occasion.source:
            return False
        if occasion.is_state:
            return occasion.what in config.states
        if config.is_about_every_genre:
            return occasion.what.casefold() not in NO_MUSIC
        return occasion.what in config.labels

    def wants(self, occasion: Occasion, sent: Sent, now: float, moment: time.struct_time) -> bool:
        """Whether a message is to be sent.

        Parameters
        ----------
        occasion : Occasion
            A label or a state, and how long it has lasted.
        sent : Sent
            What this rule has sent.
        now : float
            The time, by a clock that only increases, s.
        moment : time.struct_time
            The local time.
        """
        config = self._config
        return (
            self.is_about(occasion)
            and occasion.seconds >= config.stay_seconds
            and sent.told.get((occasion.source, occasion.what)) != occasion.since
            and (sent.at is None or now - sent.at >= 60 * config.cool_down_minutes)
            and not (config.once_a_day and sent.day == date_of(moment))
            and not self.is_quiet(moment)
        )


def date_of(moment: time.struct_time) -> str:
    """The date of a local time, such as "2026-03-01"."""
    return time.strftime("%Y-%m-%d", moment)
