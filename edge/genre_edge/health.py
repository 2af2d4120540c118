"""Counters and state of a running program, for whoever wants to report them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .states import DEAF, PAUSED


@dataclass
class SinkHealth:
    """Of one place that records go to."""

    name: str
    """history, webhook HOST, ..."""
    written: int = 0
    """Records delivered."""
    failures: int = 0
    """Times it failed."""
    dropped: int = 0
    """Records lost, for whatever reason."""
    trouble: str = ""
    """What went wrong last."""
    trouble_time: float = 0.0
    """When, UTC s since 1970."""
    stopped: str = ""
    """Why its thread is not working; empty while it is."""

    def failed(self, trouble: str, now: float) -> None:
        """Count a failure."""
        self.failures += 1
        self.trouble, self.trouble_time = trouble, now


@dataclass
class SourceHealth:
    """Of one source. Written by the source and the listener; read by anybody."""

    name: str = ""
    """What the user calls it; empty for a source without a name."""
    state: str = "starting"
    """The last state that was reported."""
    windows: int = 0
    """Windows heard."""
    losses: int = 0
    """Times the device or stream was lost."""
    dropped_seconds: float = 0.0
    """Audio dropped because the program was too slow, s."""
    overflows: int = 0
    """Times the driver reported lost audio."""
    gaps: int = 0
    """Interruptions of the audio, for whatever reason."""

    @property
    def is_deaf(self) -> bool:
        """Whether no audio comes at all."""
        return self.state in DEAF

    def to_json(self) -> dict[str, Any]:
        """All but the name, JSON-ready."""
        values = asdict(self)
        del values["name"]
        return values


@dataclass
class Health:
    """Of the whole program: its sources, in sum too, and its sinks."""

    sources: list[SourceHealth] = field(default_factory=lambda: [SourceHealth()])
    """What is heard, in the order of the settings."""
    sinks: list[SinkHealth] = field(default_factory=list)
    """One for each place that records go to."""

    @property
    def named(self) -> list[SourceHealth]:
        """The sources that have a name."""
        return [source for source in self.sources if source.name]

    @property
    def state(self) -> str:
        """The state of the only source; of several, that of the first that is heard,
        else of the first."""
        heard = [source for source in self.sources if not source.is_deaf]
        return (heard or self.sources)[0].state

    @property
    def stopped(self) -> str:
        """What does not work although it should, in one line; empty if all does."""
        return "; ".join(entry.stopped for entry in self.sinks if entry.stopped)

    @property
    def is_deaf(self) -> bool:
        """Whether no audio comes from any source."""
        return all(source.is_deaf for source in self.sources)

    @property
    def is_paused(self) -> bool:
        """Whether every source is closed on purpose."""
        return all(source.state == PAUSED for source in self.sources)

    @property
    def windows(self) -> int:
        """Windows heard, of all sources."""
        return sum(source.windows for source in self.sources)

    @property
    def losses(self) -> int:
        """Times a device or stream was lost."""
        return sum(source.losses for source in self.sources)

    @property
    def dropped_seconds(self) -> float:
        """Audio dropped because the program was too slow, s."""
        return sum(source.dropped_seconds for source in self.sources)

    @property
    def overflows(self) -> int:
        """Times a driver reported lost audio."""
        return sum(source.overflows for source in self.sources)

    @property
    def gaps(self) -> int:
        """Interruptions of the audio, for whatever reason."""
        return sum(source.gaps for source in self.sources)

    def to_json(self) -> dict[str, Any]:
        """State, counters in sum and sinks, JSON-ready; by source too where sources
        have names."""
        found: dict[str, Any] = {
            "state": self.state,
            "windows": self.windows,
            "losses": self.losses,
            "dropped_seconds": self.dropped_seconds,
            "overflows": self.overflows,
            "gaps": self.gaps,
            "sinks": [asdict(entry) for entry in self.sinks],
        }
        if self.named:
            found["sources"] = {source.name: source.to_json() for source in self.named}
        return found
