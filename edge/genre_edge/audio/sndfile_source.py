"""Audio files decoded with libsndfile, block by block."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np

from ..arrays import Float32
from ..errors import AudioError, os_reason
from ..quiet import quiet_stderr
from .formats.contents import CODEC_FRAMES, Contents, Part, truncated
from .formats.splice import Splice
from .limits import check_finite, check_format
from .mono import mixed
from .pcm import as_floats
from .source import BLOCK_FRAMES, AudioBlock

_READ_AHEAD = 1 << 16
"""How much of a file of pieces is read at a time, bytes."""


class SndfileSource:
    """One file that libsndfile decodes.

    Parameters
    ----------
    name
        What errors and records call it.
    contents
        What the file holds.
    path
        The file, if `name` is not its path.

    Raises
    ------
    NotDecodable
        If libsndfile does not know the format, or not all parts have one rate.
    AudioError
        If the audio has a rate that is not accepted.
    """

    def __init__(self, name: str, contents: Contents, path: str | None = None) -> None:
        self.name, self._path = name, path or name
        self._contents = contents
        self._opened, self._number = self._open(contents.parts[0]), 0
        self.sample_rate = int(self._opened.file.samplerate)
        self.channels = int(self._opened.file.channels)
        try:
            check_format(name, self.sample_rate, self.channels)
            self._lengths = self._checked_parts()
        except AudioError:
            self.close()
            raise

    def blocks(self) -> Iterator[AudioBlock]:
        """Decode from the start to the end; AudioError if the end is missing."""
        position = 0
        for number, part in enumerate(self._contents.parts):
            self._open_part(number)
            begin = position
            # What follows the last frame of a FLAC is not audio, and ends in an error.
            whole = self._opened.file.frames if self._opened.file.format == "FLAC" else None
            while len(samples := self._read(_at_most(whole, position - begin))):
                check_finite(self.name, samples, position, self.sample_rate)
                yield AudioBlock(samples, position)
                position += len(samples)
            expected = self._opened.file.frames if part.frames is None else part.frames
            if part.frames is not None or self._opened.file.format == "OGG":
                # The last page of Ogg may count further than its last packet decodes.
                expected -= CODEC_FRAMES
            if position - begin < expected:
                raise AudioError(self.name, truncated(position / self.sample_rate))

    @property
    def frames(self) -> int | None:
        """Its length in sample frames, if any place in it can be read directly."""
        if self._contents.cut or not self._opened.can_seek:
            return None
        return sum(self._lengths)

    def read_at(self, start: int, frames: int) -> Float32:
        """Up to `frames` sample frames from `start` on, float32 [n, channels]. Where
        parts have different numbers of channels, they are mixed to one."""
        pieces, begin = list[Float32](), 0
        for number, length in enumerate(self._lengths):
            first, last = max(start, begin), min(start + frames, begin + length)
            if first < last:
                pieces.append(self._read_in_part(number, first - begin, last - first))
            begin += length
        samples = _joined(pieces, self.sample_rate)
        check_finite(self.name, samples, start, self.sample_rate)
        return samples

    def check_end(self) -> None:
        """See that the last samples are there, where `frames` is a number. AudioError
        if they are not."""
        total = sum(self._lengths)
        begin = max(0, total - self.sample_rate // 10)
        if begin < total and not len(self.read_at(begin, total - begin)):
            raise AudioError(self.name, "damaged or truncated (its end is missing)")

    def _read_in_part(self, number: int, start: int, frames: int) -> Float32:
        import soundfile

        self._open_part(number)
        try:
            with quiet_stderr():
                self._opened.file.seek(start)
        except soundfile.LibsndfileError as error:
            raise AudioError(self.name, f"damaged or truncated ({_reason(error)})") from None
        return self._read(frames)

    def _open_part(self, number: int) -> None:
        if number != self._number:
            self.close()
            self._opened, self._number = self._open(self._contents.parts[number]), number

    def _open(self, part: Part) -> _Opened:
        return _Opened(self.name, self._path, part)

    def close(self) -> None:
        """Close the file."""
        self._opened.close()

    def _checked_parts(self) -> list[int]:
        """Length of each part, sample frames. NotDecodable unless all have one form."""
        lengths = [int(self._opened.file.frames)]
        for part in self._contents.parts[1:]:
            with closing(self._open(part)) as opened:
                rate = int(opened.file.samplerate)
                lengths.append(int(opened.file.frames))
            if rate != self.sample_rate:
                change = f"its rate changes from {self.sample_rate} to {rate} Hz"
                raise NotDecodable(self.name, change)
        return lengths

    def _read(self, frames: int = BLOCK_FRAMES) -> Float32:
        import soundfile

        # 16 bits are read as they are: numpy scales them faster than libsndfile.
        kind = "int16" if self._opened.file.subtype == "PCM_16" else "float32"
        try:
            with quiet_stderr():
                samples = self._opened.file.read(frames, dtype=kind, always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioError(self.name, f"damaged or truncated ({_reason(error)})") from None
        return as_floats(samples)


def _joined(pieces: list[Float32], rate: int) -> Float32:
    """Pieces of [n, channels] one after the other."""
    if len(pieces) == 1:
        return pieces[0]
    if len({piece.shape[1] for piece in pieces}) > 1:
        pieces = [mixed(piece, rate)[:, None] for piece in pieces]
    return np.concatenate(pieces) if pieces else np.zeros((0, 1), np.float32)


def _at_most(whole: int | None, read: int) -> int:
    """Sample frames to read next, of `whole` if that is known."""
    return BLOCK_FRAMES if whole is None else min(BLOCK_FRAMES, whole - read)


class NotDecodable(AudioError):
    """A file that libsndfile cannot decode; ffmpeg may."""


class _Opened:
    """A part of a file, open in libsndfile."""

    def __init__(self, name: str, path: str, part: Part) -> None:
        import soundfile

        self._what: int | io.BufferedReader
        try:
            if part.pieces:
                # Decoders read a few bytes at a time.
                splice = Splice(open(path, "rb"), part.pieces)  # noqa: SIM115 (close does)
                self._what = io.BufferedReader(splice, _READ_AHEAD)
            else:
                # By name libsndfile would go by the suffix if it knows no header.
                self._what = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise AudioError(name, os_reason(error)) from None
        try:
            with quiet_stderr():
                self.file = soundfile.SoundFile(self._what)  # owns a descriptor, failed or not
            # soundfile seeks three times around each read of a file that it takes to be
            # seekable, which costs as much as a tenth of the decoding.
            self.can_seek = self.file.seekable()
            self.file.seekable = lambda: False
        except soundfile.LibsndfileError as error:
            self._close_splice()
            raise NotDecodable(name, f"cannot be decoded as audio ({_reason(error)})") from None

    def close(self) -> None:
        """Close it; soundfile leaves a splice open."""
        self.file.close()
        self._close_splice()

    def _close_splice(self) -> None:
        if isinstance(self._what, io.BufferedReader):
            self._what.close()


def _reason(error: Any) -> str:
    text = str(error.error_string).strip().rstrip(".")
    return " ".join(text.split())
