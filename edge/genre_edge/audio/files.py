"""Where audio comes from: the Source protocol, and files.

A Source yields blocks of PCM at its own rate and channel count; `mono_blocks` turns any
Source into the mono stream at the model's rate that `LogMel` takes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..arrays import Float32
from ..errors import AudioError
from ..quiet import quiet_stderr
from .resample import Resampler
from .truncation import ends_early

if TYPE_CHECKING:
    import soundfile

AUDIO_SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au"}
)
"""What is looked for in folders; a file named on its own is tried whatever its
suffix."""

MIN_RATE, MAX_RATE = 8_000, 192_000
"""Sample rates that are accepted, Hz."""

BLOCK_FRAMES = 65_536
"""Sample frames decoded at a time."""

SHORTEST_SECONDS = 0.5
"""Audio shorter than this is an error rather than one padded window."""


@dataclass(frozen=True)
class AudioBlock:
    """Consecutive samples of one source."""

    samples: Float32
    """float32 [n, channels], full scale at 1.0."""
    position: int
    """Index of the first sample frame since the source was opened, lost ones counted: a
    jump is a gap."""
    arrived: Arrival | None = None
    """When the last sample was delivered; None where audio does not arrive in real
    time."""


@dataclass(frozen=True)
class Arrival:
    """The moment at which the driver delivered a block, on both clocks."""

    monotonic: float
    """time.monotonic(), s: for measuring delays."""
    utc: float
    """time.time(), s since 1970: for telling the time."""


class Source(Protocol):
    """Anything that delivers audio. `blocks` may raise AudioError or DeviceError at any
    point."""

    sample_rate: int
    """Rate of the blocks, Hz."""
    channels: int
    """Channels in each block."""

    @property
    def name(self) -> str:
        """What the user calls it: a path, or a device."""
        ...

    def blocks(self) -> Iterator[AudioBlock]:
        """The audio, in order."""
        ...

    def close(self) -> None:
        """Release the file or device."""
        ...


class FileSource:
    """Decodes one file block by block, whatever its length."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open `path`; AudioError if it is missing, empty, unreadable, not audio or cut
        short."""
        self.name = os.fspath(path)
        self._file = _open(self.name)
        self.sample_rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        try:
            check_format(self.name, self.sample_rate, self.channels)
        except AudioError:
            self.close()
            raise

    def blocks(self) -> Iterator[AudioBlock]:
        """Decode from the start to the end; a file shorter than its header says is an
        AudioError."""
        position = 0
        while True:
            samples = self._read()
            if not len(samples):
                break
            check_finite(self.name, samples, position, self.sample_rate)
            yield AudioBlock(samples, position)
            position += len(samples)
        declared = self._file.frames
        if position < declared or ends_early(self.name):
            raise AudioError(self.name, _truncated(position, self.sample_rate))

    def _read(self) -> Float32:
        import soundfile

        try:
            with quiet_stderr():
                samples: Float32 = self._file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioError(self.name, f"damaged or truncated ({_reason(error)})") from None
        return samples

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _open(name: str) -> soundfile.SoundFile:
    import soundfile

    try:
        size = os.stat(name).st_size
        with open(name, "rb"):
            pass
    except OSError as error:
        raise AudioError(name, (error.strerror or str(error)).lower()) from None
    if size == 0:
        raise AudioError(name, "is empty")
    try:
        with quiet_stderr():
            return soundfile.SoundFile(name)
    except soundfile.LibsndfileError as error:
        raise AudioError(name, f"cannot be decoded as audio ({_reason(error)})") from None


def _reason(error: Any) -> str:
    text = str(error.error_string).strip().rstrip(".")
    return " ".join(text.split())


def _truncated(frames: int, rate: int) -> str:
    return f"is truncated: it ends after {frames / rate:.1f} s, before its own end mark"


def check_format(name: str, rate: int, channels: int) -> None:
    """Raise AudioError unless there is a channel and the rate is one we resample."""
    if channels < 1:
        raise AudioError(name, "has no channels")
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(name, f"sample rate {rate} Hz is outside {MIN_RATE} to {MAX_RATE} Hz")


def check_finite(name: str, samples: Float32, position: int, rate: int) -> None:
    """Raise AudioError if any sample is NaN or infinite, naming the first one's
    time."""
    # One reduction on the usual path: a sum is finite when every addend is and none
    # overflows.
    if np.isfinite(np.sum(samples)) or np.isfinite(samples).all():
        return
    bad = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0])
    raise AudioError(
        name, f"has NaN or infinite samples, the first at {(position + bad) / rate:.3f} s"
    )


def mono_blocks(source: Source, rate: int) -> Iterator[Float32]:
    """The whole of `source` as mono float32 at `rate`: channels averaged, then
    resampled as a stream."""
    resampler = Resampler(source.sample_rate, rate)
    for block in source.blocks():
        yield resampler.push(to_mono(block.samples))
    yield resampler.flush()


def to_mono(samples: Float32) -> Float32:
    """Average over channels: float32 [n, channels] to float32 [n]."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    mean: Float32 = samples.mean(axis=1, dtype=np.float32)
    return mean


def read_mono(path: str | os.PathLike[str], rate: int) -> Float32:
    """A whole file as mono float32 at `rate`, for training and tests; AudioError as
    `FileSource`."""
    source = FileSource(path)
    try:
        return np.concatenate(list(mono_blocks(source, rate)))
    finally:
        source.close()


def find_audio(paths: Iterable[str]) -> Iterator[str | AudioError]:
    """Expand folders (recursively, in name order) into audio files; "-" and files pass
    through.

    A folder without audio, or one that cannot be listed, comes out as the AudioError to
    report, so that the rest is still done.
    """
    for path in paths:
        if path == "-" or not os.path.isdir(path):
            yield path
            continue
        errors: list[OSError] = []
        found = [
            os.path.join(folder, name)
            for folder, folders, names in os.walk(path, onerror=errors.append)
            for name in names
            if Path(name).suffix.lower() in AUDIO_SUFFIXES and not name.startswith(".")
        ]
        yield from sorted(found)
        for error in errors:
            yield AudioError(str(error.filename), (error.strerror or str(error)).lower())
        if not found and not errors:
            yield AudioError(
                path, f"no audio in this folder (looked for {' '.join(sorted(AUDIO_SUFFIXES))})"
            )
