"""Everything that determines what a model sees of the audio; the bundle carries it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from ..errors import UsageError

_SINCE_VERSION_2 = (
    "frame_length",
    "power",
    "mel_filters",
    "scale",
    "log_factor",
    "log_offset",
    "window_level",
)
"""Fields that bundles of schema 1 do not have."""
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "normalise": ("window", "none"),
    "power": (1, 2),
    "mel_filters": ("slaney", "htk"),
    "scale": ("db", "ln", "log10"),
}
"""Fields that take one of a few values."""


@dataclass(frozen=True)
class FrontendSpec:
    """Everything that determines what a model sees. Stored in the bundle, next to the
    weights."""

    sample_rate: int = 22050
    """Rate of the samples given to the STFT, Hz."""
    window_seconds: float = 3.0
    """Length of one classified window, seconds."""
    n_fft: int = 2048
    """Length of the Fourier transform of one STFT frame, samples."""
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
    """"window": each window to zero mean and unit variance; "none": as they are."""
    frame_length: int = 0
    """Length of the Hann window, samples; zeros follow up to n_fft. 0: n_fft itself."""
    power: int = 2
    """What the mel filters weigh: 1, the STFT's magnitude; 2, its square."""
    mel_filters: str = "slaney"
    """"slaney": unit area, Slaney's mel scale; "htk": unit height, HTK's mel scale."""
    scale: str = "db"
    """"db": 10 log10 of the mel bands, floored by `top_db`; "ln", "log10": natural or
    common logarithm of log_factor * mel + log_offset."""
    log_factor: float = 1.0
    """Factor before the logarithm, for "ln" and "log10"."""
    log_offset: float = 0.0
    """Offset before the logarithm, for "ln" and "log10"; it is what silence becomes."""
    window_level: float = 0.0
    """Root-mean-square level that each window is scaled to before the logarithm, for
    "ln" and "log10", full scale being 1. 0: no scaling."""

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be positive, not {getattr(self, name)}"
            for name in (
                *("sample_rate", "window_seconds", "n_fft", "hop_length", "n_mels", "top_db"),
                "log_factor",
            )
            if not 0 < getattr(self, name) < math.inf
        ]
        problems += [
            f"{name} must be {' or '.join(map(repr, known))}, not {getattr(self, name)!r}"
            for name, known in _CHOICES.items()
            if getattr(self, name) not in known
        ]
        if not 0 <= self.frame_length <= self.n_fft:
            problems.append(f"frame_length must be from 0 to n_fft, not {self.frame_length}")
        if self.scale == "db" and (self.log_offset or self.window_level or self.log_factor != 1):
            problems.append("log_factor, log_offset and window_level need scale 'ln' or 'log10'")
        if self.scale != "db" and not 0 < self.log_offset < math.inf:
            problems.append(f"log_offset must be positive, not {self.log_offset}")
        if not 0 <= self.window_level <= 1:
            problems.append(f"window_level must be from 0 to 1, not {self.window_level}")
        if not 0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            problems.append(
                f"f_min {self.f_min} and f_max {self.f_max} must satisfy "
                f"0 <= f_min < f_max <= {self.sample_rate / 2} (half the sample rate)"
            )
        if not problems and self.window_samples < self.frame_samples:
            problems.append(
                f"window_seconds is shorter than one frame of {self.frame_samples} samples"
            )
        if problems:
            raise UsageError("front-end: " + "; ".join(problems))

    @cached_property
    def window_samples(self) -> int:
        """Samples in one window."""
        return round(self.window_seconds * self.sample_rate)

    @cached_property
    def frame_samples(self) -> int:
        """Samples that one STFT frame covers."""
        return self.frame_length or self.n_fft

    @cached_property
    def frames(self) -> int:
        """Whole STFT frames in one window (the STFT is not centred, so none is
        padded)."""
        return 1 + (self.window_samples - self.frame_samples) // self.hop_length

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of one window of features: (frames, n_mels)."""
        return self.frames, self.n_mels

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values; version 2 ones only where one is used."""
        values = asdict(self)
        if self.version == 1:
            for name in _SINCE_VERSION_2:
                del values[name]
        return values

    @cached_property
    def version(self) -> int:
        """The bundle schema that has all fields in use: 1, or 2 where a newer field
        differs from its default."""
        defaults = {f.name: f.default for f in fields(self)}
        return 2 if any(getattr(self, n) != defaults[n] for n in _SINCE_VERSION_2) else 1

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
