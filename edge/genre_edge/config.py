"""Configuration as frozen dataclasses; names are those of the command line and the JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .errors import UsageError


@dataclass(frozen=True)
class CaptureConfig:
    """How the microphone is heard."""

    device: str | None = None
    """A device's token, its index, or a part of its name; None: the default device."""
    gain_db: float = 0.0
    """Gain applied to the samples, dB."""
    channel: int | None = None
    """The one channel to hear, counted from 1; None: the mean of all."""
    exit_on_device_loss: bool = False
    """Leave with an error instead of waiting for the device."""
    queue_seconds: float = 10.0
    """Audio kept for a slow consumer before the oldest is dropped, s."""
    stall_seconds: float = 5.0
    """Time without a frame after which the stream counts as dead, s."""

    @property
    def gain(self) -> float:
        """The gain as a factor of amplitude."""
        return float(10.0 ** (self.gain_db / 20.0))

    def __post_init__(self) -> None:
        problems = []
        if not math.isfinite(self.gain_db) or abs(self.gain_db) > 60:
            problems.append(f"--gain {self.gain_db:g}: must be between -60 and 60 dB")
        if self.channel is not None and self.channel < 1:
            problems.append(f"--channel {self.channel}: channels are counted from 1")
        if problems:
            raise UsageError("; ".join(problems))


@dataclass(frozen=True)
class ListenConfig:
    """What is made of what is heard."""

    smooth: int = 3
    """Windows averaged for the label; 1 switches smoothing off."""
    silence_dbfs: float = -65.0
    """Windows below this level are silence, dBFS (root mean square)."""
    uncertain_below: float | None = None
    """Smoothed probability below which the label is "uncertain"; None: what the model's bundle says."""
    duration: float | None = None
    """Stop after this many seconds of audio."""
    windows: int | None = None
    """Stop after this many windows."""

    def __post_init__(self) -> None:
        problems = []
        if self.smooth < 1:
            problems.append(f"--smooth {self.smooth}: must be at least 1 window")
        if not -120 <= self.silence_dbfs <= 0:
            problems.append(f"--silence {self.silence_dbfs:g}: must be between -120 and 0 dBFS")
        if self.uncertain_below is not None and not 0 <= self.uncertain_below <= 1:
            problems.append(f"--uncertain {self.uncertain_below:g}: must be between 0 and 1")
        if self.duration is not None and not self.duration > 0:
            problems.append(f"--duration {self.duration:g}: must be positive")
        if self.windows is not None and self.windows < 1:
            problems.append(f"--windows {self.windows}: must be at least 1")
        if problems:
            raise UsageError("; ".join(problems))
