"""One audio file of any format, decoded by the program that hears it whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np

from ..arrays import Float32
from ..errors import AudioError, os_reason
from .ffmpeg import INSTALL, find_ffmpeg
from .ffmpeg_source import FfmpegSource
from .formats.contents import Contents, size_of, truncated
from .formats.examine import examine
from .limits import is_special
from .mono import mono_blocks
from .sndfile_source import NotDecodable, SndfileSource
from .source import AudioBlock


class FileSource:
    """One file, whatever its length: decoded by libsndfile, or else by ffmpeg.

    Parameters
    ----------
    path
        The file. What it is called does not matter: its content says what it is.
    name
        What errors and records call it, if not by its path.

    Raises
    ------
    AudioError
        If the file is missing, empty, unreadable, no audio or cut short; where decoding
        is what shows it, `blocks` raises it.
    """

    def __init__(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        path = os.fspath(path)
        self.name = name or path
        self.warnings: list[str] = []
        """What is odd about the file though it is heard; complete after `blocks`."""
        self._contents = _examined(self.name, path)
        self._decoder = _decoder(self.name, self._contents, path)
        self.sample_rate = self._decoder.sample_rate
        self.channels = self._decoder.channels

    def blocks(self) -> Iterator[AudioBlock]:
        """Decode from the start to the end; a file without its end is an AudioError."""
        frames = 0
        for block in self._decoder.blocks():
            yield block
            frames = block.position + len(block.samples)
        seconds = frames / self.sample_rate
        if self._contents.cut:
            raise AudioError(self.name, truncated(seconds))
        if self._contents.warning:
            self._warn(seconds)
        if isinstance(self._decoder, FfmpegSource):
            self.warnings += self._decoder.warnings

    def _warn(self, seconds: float) -> None:
        self.warnings.append(f"{self._contents.warning}, {seconds:.1f} s")

    @property
    def frames(self) -> int | None:
        """Its length in sample frames, if any place in it can be reached directly: not
        so for files without their end, nor where ffmpeg can only estimate it."""
        return self._decoder.frames

    def read_windows(self, starts: Sequence[int], frames: int) -> Iterator[Float32]:
        """Up to `frames` sample frames from each start on, float32 [n, channels]; only
        where `frames` is a number. Nothing else is decoded."""
        if isinstance(self._decoder, FfmpegSource):
            yield from self._decoder.read_windows(starts, frames)
            self.warnings += self._decoder.warnings
        else:
            for start in starts:
                yield self._decoder.read_at(start, frames)
            self._decoder.check_end()  # the windows may all lie before a cut
        if self._contents.warning and self.frames:
            self._warn(self.frames / self.sample_rate)

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()


def _decoder(name: str, contents: Contents, path: str) -> SndfileSource | FfmpegSource:
    try:
        return SndfileSource(name, contents, path)
    except NotDecodable as error:
        if find_ffmpeg() is None:
            reason = f"{error.reason}; to hear AAC, WMA, WebM, video and more: {INSTALL}"
            raise AudioError(name, reason) from None
    return FfmpegSource(path, name)


def _examined(name: str, path: str) -> Contents:
    try:
        if is_special(os.stat(path).st_mode):
            raise AudioError(name, "is a pipe or a device, not a file")
        with open(path, "rb") as file:
            if size_of(file) == 0:
                raise AudioError(name, "is empty")
            return examine(file)
    except ValueError:
        raise AudioError(name, "no such file (its name has a NUL)") from None
    except OSError as error:
        raise AudioError(name, os_reason(error)) from None


def read_mono(path: str | os.PathLike[str], rate: int) -> Float32:
    """A whole file in memory, for training and tests.

    Parameters
    ----------
    path
        The file.
    rate
        Sample rate of the result, Hz.

    Returns
    -------
    float32 [n]
        One channel, full scale at 1.0: the mean of all, or the loudest of them where
        they cancel each other out.

    Raises
    ------
    AudioError
        As `FileSource`.
    """
    source = FileSource(path)
    try:
        return np.concatenate(list(mono_blocks(source, rate)))
    finally:
        source.close()
