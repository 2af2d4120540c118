"""Everything that determines what a model sees of the audio; the bundle carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from ..errors import UsageError


@dataclass(frozen=True)
class FrontendSpec:
    """Everything that determines what a model sees. Stored in the bundle, next to the
    weights."""

    sample_rate: int = 22050
    """Rate of the samples given to the STFT, Hz."""
    window_seconds: float = 3.0
    """Length of one classified window, seconds."""
    n_fft: int = 2048
    """Length of one STFT frame and of its Hann window, samples."""
    hop_length: int = 512
    """Distance between the starts of neighbouring frames, samples."""
    n_mels: int = 128
    """Number of mel bands."""
    f_min: float = 0.0
    """Lower edge of the lowest mel band, Hz."""
    f_max: float = 11025.0
    """Upper edge of the highest mel band, Hz."""
    top_db: float = 80.0
    """Range kept below the loudest value of the window, dB."""
    normalise: str = "window"
    """"window": each window to zero mean and unit variance; "none": dB as they are."""

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be positive, not {getattr(self, name)}"
            for name in ("sample_rate", "window_seconds", "n_fft", "hop_length", "n_mels", "top_db")
            if getattr(self, name) <= 0
        ]
        if self.normalise not in ("window", "none"):
            problems.append(f"normalise must be 'window' or 'none', not {self.normalise!r}")
        if not 0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            problems.append(
                f"f_min {self.f_min} and f_max {self.f_max} must satisfy "
                f"0 <= f_min < f_max <= {self.sample_rate / 2} (half the sample rate)"
            )
        if not problems and self.window_samples < self.n_fft:
            problems.append("window_seconds is shorter than one frame of n_fft samples")
        if problems:
            raise UsageError("front-end: " + "; ".join(problems))

    @cached_property
    def window_samples(self) -> int:
        """Samples in one window."""
        return round(self.window_seconds * self.sample_rate)

    @cached_property
    def frames(self) -> int:
        """Whole STFT frames in one window (the STFT is not centred, so none is
        padded)."""
        return 1 + (self.window_samples - self.n_fft) // self.hop_length

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of one window of features: (frames, n_mels)."""
        return self.frames, self.n_mels

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FrontendSpec:
        """Build from JSON values; unknown names and wrong types raise UsageError."""
        known: dict[str, type] = {f.name: type(f.default) for f in fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise UsageError(
                f"front-end: unknown field {', '.join(unknown)}; known: {', '.join(known)}"
            )
        cast: dict[str, Any] = {}
        for name, value in values.items():
            kind = known[name]
            accepted = (int, float) if kind is float else kind
            if not isinstance(value, accepted) or isinstance(value, bool):
                raise UsageError(f"front-end: {name} must be {kind.__name__}, not {value!r}")
            cast[name] = kind(value)
        return cls(**cast)
