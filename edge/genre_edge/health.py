"""Counters and state of a running program, for whoever wants to report them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class SinkHealth:
    """Of one place that records go to."""

    name: str
    """history, webhook HOST, ..."""
    written: int = 0
    """Records taken without trouble."""
    failures: int = 0
    """Times it failed."""
    dropped: int = 0
    """Records lost because its queue was full or it did not finish."""
    trouble: str = ""
    """What went wrong last."""
    trouble_time: float = 0.0
    """When, UTC s since 1970."""

    def failed(self, trouble: str, now: float) -> None:
        """Count a failure."""
        self.failures += 1
        self.trouble, self.trouble_time = trouble, now


@dataclass
class Health:
    """Written by the capture and the listener; read by anybody."""

    state: str = "starting"
    """The last state that was reported."""
    windows: int = 0
    """Windows heard."""
    losses: int = 0
    """Times the device was lost."""
    dropped_seconds: float = 0.0
    """Audio dropped because the program was too slow, s."""
    overflows: int = 0
    """Times the driver reported lost audio."""
    gaps: int = 0
    """Interruptions of the stream, for whatever reason."""
    sinks: list[SinkHealth] = field(default_factory=list)
    """One for each place that records go to."""

    @property
    def is_deaf(self) -> bool:
        """Whether no audio comes at all."""
        return self.state in ("starting", "waiting", "lost")
