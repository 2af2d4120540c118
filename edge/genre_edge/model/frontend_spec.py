"""Everything that determines what a model sees of the audio; the bundle carries it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from ..errors import UsageError
from .frontend_limits import (
    CHOICES,
    FIELDS_SINCE,
    MOST_DELTA_FRAMES,
    MOST_FEATURES,
    MOST_WEIGHTS,
    MOST_WORK,
    faults_of_values,
)


@dataclass(frozen=True)
class FrontendSpec:
    """Everything that determines what a model sees. Stored in the bundle, next to the
    weights.

    The fields stand in the order of the work: window, frames, transform, bands, scale,
    coefficients, shape, normalisation.
    """

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
    """Range kept below the loudest value of the window, dB; 1000 keeps all."""
    normalise: str = "window"
    """"window": each window to zero mean and unit variance; "window-bands": each band
    of it; "stored": by band_mean and band_deviation; "minmax": from 0 to minmax_high;
    "none": as they are."""
    frame_length: int = 0
    """Length of the taper, samples; zeros fill n_fft. 0: n_fft itself."""
    power: int = 2
    """What the bands weigh: 1, the STFT's magnitude; 2, its square."""
    mel_filters: str = "slaney"
    """"slaney": Slaney's mel scale, triangles over Hz; "htk": HTK's, triangles over
    mel, nothing at 0 Hz (TensorFlow's); "htk-hz": HTK's, triangles over Hz (librosa's
    htk=True, torchaudio's); "htk-bins": HTK's, triangles between whole bins
    (python_speech_features')."""
    scale: str = "db"
    """"db": 10 log10 of the bands; "db-amplitude": 20 log10; both floored by `top_db`.
    "ln", "log10": logarithm of log_factor * band + log_offset. "none": the bands."""
    log_factor: float = 1.0
    """Factor before the logarithm, for "ln" and "log10"."""
    log_offset: float = 0.0
    """Offset before the logarithm, for "ln" and "log10"; it is what silence becomes."""
    window_level: float = 0.0
    """Level that each window is scaled to before the logarithm, full scale being 1. 0:
    no scaling."""
    kind: str = "mel"
    """"mel": mel bands; "mfcc": their cosine transform; "linear": the STFT's bins;
    "waveform": the samples themselves."""
    taper: str = "hann"
    """What a frame is multiplied by: periodic "hann" or "hamming", the same
    "-symmetric", or "rectangular"."""
    taper_place: str = "start"
    """Where a taper shorter than n_fft lies: "start", its frame is frame_length long
    (TensorFlow); "centre", the frame is n_fft long (librosa, torch)."""
    padding: str = "none"
    """What surrounds a window: "none"; "zeros" or "reflect", half a frame on both sides
    (centred frames); "end", zeros after it, so that the last sample is in a frame."""
    frame_start: str = "stream"
    """Where a window's first frame begins: "window", where the window does; "stream",
    at the last multiple of hop_length before, so that any windows share frames."""
    preemphasis: float = 0.0
    """Share of the sample before that is taken off each sample."""
    mel_norm: str = "own"
    """"area": filters of unit area over Hz; "height": of unit height; "own": area for
    Slaney's, height for HTK's."""
    bins: int = 0
    """The lowest bins that kind "linear" keeps; 0: all, n_fft / 2 + 1."""
    level_of: str = "rms"
    """What window_level sets: the root mean square ("rms") or the largest sample
    ("peak")."""
    log_floor: float = 0.0
    """Smallest value before the logarithm. 0: 1e-10 for "db", 1e-5 for "db-amplitude",
    none for the others."""
    db_reference: str = "one"
    """What 0 dB is: "one", a band of 1; "max", the largest of the window."""
    n_mfcc: int = 0
    """Coefficients that kind "mfcc" keeps."""
    dct_type: int = 2
    """Type of the cosine transform."""
    dct_norm: str = "ortho"
    """"ortho" or "none", as in scipy.fft.dct."""
    lifter: int = 0
    """Liftering: coefficient n times 1 + lifter / 2 sin(pi (n + lifter_from) / lifter).
    0: none."""
    lifter_from: int = 1
    """1: librosa's; 0: HTK's and python_speech_features'."""
    frame_energy: bool = False
    """Whether the logarithm of the frame's energy stands in place of coefficient 0."""
    deltas: int = 0
    """Derivatives over time that are added: 1, the first; 2, the second too."""
    delta_width: int = 9
    """Frames that a derivative is taken over; odd."""
    delta_method: str = "savgol"
    """"savgol": librosa's; "regression": python_speech_features' and torchaudio's."""
    delta_axis: str = "bands"
    """Where derivatives stand: after the "bands", or as further "channels"."""
    fixed_frames: int = 0
    """Frames that are kept; zeros follow where there are fewer. 0: all there are."""
    band_mean: tuple[float, ...] = ()
    """Mean of each band, or one for all, for normalise "stored"."""
    band_deviation: tuple[float, ...] = ()
    """Standard deviation of each band, or one for all, for normalise "stored"."""
    minmax_high: float = 1.0
    """Upper end of normalise "minmax"."""
    flip_bands: bool = False
    """Whether the highest band comes first, as in pictures."""
    channels: int = 1
    """How often the window is repeated as a channel: 1, or 3 as in colour pictures."""

    def __post_init__(self) -> None:
        # Sizes are computed from fields that are known to be within their bounds.
        problems = (
            faults_of_values(vars(self)) or self._faults_of_fields() or self._faults_of_sizes()
        )
        if problems:
            raise UsageError("front-end: " + "; ".join(problems))

    def _faults_of_fields(self) -> list[str]:
        """Fields that do not go together."""
        problems = []
        if not 0 <= self.frame_length <= self.n_fft:
            problems.append(f"frame_length must be from 0 to n_fft, not {self.frame_length}")
        if self.scale in ("ln", "log10"):
            if not (self.log_offset or self.log_floor):
                problems.append("log_offset (or log_floor) must be positive for a logarithm")
        elif self.log_offset or self.log_factor != 1:
            problems.append("log_factor and log_offset need scale 'ln' or 'log10'")
        if not 0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            problems.append(
                f"f_min {self.f_min} and f_max {self.f_max} must satisfy "
                f"0 <= f_min < f_max <= {self.sample_rate / 2} (half the sample rate)"
            )
        if self.padding != "none" and self.frame_start != "window":
            problems.append("padding needs frame_start 'window'")
        most = self.n_mels if self.kind == "mfcc" else 0
        if not (1 if most else 0) <= self.n_mfcc <= most:
            problems.append(f"n_mfcc {self.n_mfcc}: kind 'mfcc' takes 1 to n_mels, others 0")
        if self.bins > (self.n_fft // 2 + 1 if self.kind == "linear" else 0):
            problems.append(f"bins {self.bins}: kind 'linear' takes up to n_fft / 2 + 1, others 0")
        if self.frame_energy and self.kind != "mfcc":
            problems.append("frame_energy needs kind 'mfcc'")
        if self.delta_width % 2 == 0:
            problems.append(f"delta_width must be odd, not {self.delta_width}")
        if self.channels > 1 and self.deltas and self.delta_axis == "channels":
            problems.append("channels are taken by the deltas already")
        if (self.normalise == "stored") != bool(self.band_mean and self.band_deviation):
            problems.append("normalise 'stored' and band_mean with band_deviation need each other")
        return problems

    def _faults_of_sizes(self) -> list[str]:
        """What is too long, too short or too much."""
        if self.kind == "waveform":
            used = self.deltas or self.fixed_frames or self.flip_bands or self.channels > 1
            return ["kind 'waveform' has no frames, bands or channels"] if used else []
        problems = []
        if self.window_samples < self.frame_samples:
            problems.append(
                f"window_seconds is shorter than one frame of {self.frame_samples} samples"
            )
        elif (
            self.whole_frames * self.n_fft > MOST_WORK
            or self.n_fft * self.n_mels > MOST_WEIGHTS
            or math.prod(self.shape) > MOST_FEATURES
        ):
            problems.append(
                f"{self.whole_frames} frames of n_fft {self.n_fft} and {self.n_mels} mel bands "
                "are too much work: a larger hop_length, a smaller n_fft or n_mels"
            )
        if self.deltas and not self.delta_width <= self.whole_frames <= MOST_DELTA_FRAMES:
            problems.append(f"deltas need {self.delta_width} to {MOST_DELTA_FRAMES} frames")
        for name in ("band_mean", "band_deviation"):
            if len(getattr(self, name)) not in (0, 1, self.bands):
                problems.append(f"{name} must be 1 or {self.bands} numbers")
        return problems

    @cached_property
    def window_samples(self) -> int:
        """Samples in one window."""
        return round(self.window_seconds * self.sample_rate)

    @cached_property
    def frame_samples(self) -> int:
        """Samples that one STFT frame covers."""
        return self.n_fft if self.taper_place == "centre" else self.frame_length or self.n_fft

    @cached_property
    def pad_samples(self) -> tuple[int, int]:
        """Samples put before and after a window."""
        if self.padding == "end":
            over = (self.window_samples - self.frame_samples) % self.hop_length
            return 0, (self.hop_length - over) % self.hop_length
        half = 0 if self.padding == "none" else self.frame_samples // 2
        return half, half

    @cached_property
    def whole_frames(self) -> int:
        """STFT frames that fit in one window and its padding."""
        length = self.window_samples + sum(self.pad_samples)
        return 1 + (length - self.frame_samples) // self.hop_length

    @cached_property
    def frames(self) -> int:
        """Frames of the features: whole_frames, unless a number is fixed."""
        return self.fixed_frames or self.whole_frames

    @cached_property
    def bands(self) -> int:
        """Values of a frame."""
        one = {"mfcc": self.n_mfcc, "linear": self.bins or self.n_fft // 2 + 1}
        stacked = self.deltas if self.delta_axis == "bands" else 0
        return one.get(self.kind, self.n_mels) * (1 + stacked)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape of one window of features: (frames, bands), (frames, bands, channels)
        if there are several, or (samples,)."""
        if self.kind == "waveform":
            return (self.window_samples,)
        stacked = 1 + self.deltas if self.delta_axis == "channels" else 1
        channels = max(self.channels, stacked)
        return (self.frames, self.bands) if channels == 1 else (self.frames, self.bands, channels)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values; those of newer schemas only where one is
        used."""
        values = asdict(self)
        return {n: v for n, v in values.items() if FIELDS_SINCE.get(n, 1) <= self.version}

    @cached_property
    def version(self) -> int:
        """The oldest bundle schema that has all fields and values in use: 1, 2 or 3."""
        newest = 1
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                newest = max(newest, FIELDS_SINCE.get(field.name, 1))
            newest = max(newest, CHOICES.get(field.name, {}).get(value, 1))
        return newest

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FrontendSpec:
        """Build from JSON values; unknown names and wrong types raise UsageError."""
        known: dict[str, Any] = {f.name: f.default for f in fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            import difflib

            close = difflib.get_close_matches(unknown[0], known, 1)
            meant = f"did you mean {close[0]}? Known" if close else "known"
            raise UsageError(
                f"front-end: unknown field {', '.join(unknown)}; {meant}: {', '.join(known)}"
            )
        return cls(**{name: _cast(name, value, known[name]) for name, value in values.items()})


def _cast(name: str, value: Any, default: Any) -> Any:
    """A JSON value as a field's type. UsageError."""
    kind = type(default)
    if kind is tuple:
        numbers = value if isinstance(value, list | tuple) else [value]
        return tuple(_cast(name, number, 0.0) for number in numbers)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"front-end: {name} must be {kind.__name__}, not {value!r}")
    try:
        return kind(value)
    except OverflowError:
        raise UsageError(f"front-end: {name} is too large") from None
