"""WAV from a pipe: decoded as it arrives, without seeking.

libsndfile needs to seek, and the standard library's `wave` reads no floating point; a
pipe gives neither a length nor a second chance. Source of the layout: Microsoft,
"Multiple Channel Audio Data and WAVE Files" (2007), and EBU Tech 3306 for RF64.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ..arrays import Float32
from ..errors import AudioError
from .ffmpeg import INSTALL
from .formats.chunks import SLACK_BYTES, ds64_data_size, is_unknown
from .formats.contents import UNKNOWN_LENGTH, overclaimed, truncated
from .limits import check_finite, check_format
from .source import BLOCK_FRAMES, AudioBlock

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_LONGEST_BODY = 64
"""How much of a chunk before the samples is kept, bytes."""


_NEEDS = f"needs ffmpeg on a pipe ({INSTALL}), as all but PCM and float does"


class UnknownCoding(AudioError):
    """A WAV whose samples are neither PCM nor float; ffmpeg may decode them."""


def is_wav(head: bytes) -> bool:
    """Whether a file or stream that begins with these 12 bytes is a WAV."""
    return head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE"


class WavStreamSource:
    """A WAV on a stream that cannot seek, such as standard input.

    Parameters
    ----------
    stream
        The WAV, from its first byte.
    name
        What errors and records call it.
    owned
        Whether `close` closes the stream. Otherwise it belongs to the caller.

    Raises
    ------
    UnknownCoding
        If its coding is neither PCM nor float.
    AudioError
        If the header is no WAV's.
    """

    def __init__(self, stream: BinaryIO, name: str = "-", owned: bool = False) -> None:
        self.name = name
        self._stream, self._owned = stream, owned
        self._size: int | None = None
        self.warnings: list[str] = []
        """What is odd about the stream though it is heard; complete after `blocks`."""
        riff = _exactly(stream, 12)
        if not riff:
            raise AudioError(name, "is empty")
        if not is_wav(riff):
            raise AudioError(name, "is not a WAV")
        self._read_header()
        check_format(name, self.sample_rate, self.channels)

    def _read_header(self) -> None:
        found, long_size = False, None
        while True:
            header = _exactly(self._stream, 8)
            if len(header) < 8:
                raise AudioError(self.name, "is truncated: the WAV ends before its samples")
            kind, size = struct.unpack("<4sI", header)
            if kind == b"data":
                break
            body = _exactly(self._stream, min(size, _LONGEST_BODY))
            _skip(self._stream, size + size % 2 - len(body))
            if kind == b"fmt ":
                self._parse_format(body)
                found = True
            elif kind == b"ds64":
                long_size = ds64_data_size(body)
        if not found:
            raise AudioError(self.name, "is not a valid WAV: no format before its samples")
        self._size = long_size or (None if is_unknown(size) else size)

    def _parse_format(self, body: bytes) -> None:
        if len(body) < 16:
            raise AudioError(self.name, "is truncated: the WAV ends within its format")
        coding, self.channels, self.sample_rate, _, align, bits = struct.unpack(
            "<HHIIHH", body[:16]
        )
        if coding == _EXTENSIBLE and len(body) >= 26:
            (coding,) = struct.unpack("<H", body[24:26])
        # Samples of 12 or 20 bits are at the top of 2 or 3 bytes.
        self._bytes = align // max(1, self.channels)
        decodable = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8)}
        fits = self.channels == 0 or self._bytes * self.channels == align
        if not fits or bits > 8 * self._bytes or self._bytes not in decodable.get(coding, ()):
            raise UnknownCoding(self.name, f"WAV coding {coding} with {bits} bits: {_NEEDS}")
        self._float = coding == _FLOAT

    def blocks(self) -> Iterator[AudioBlock]:
        """Decode until the data chunk ends. AudioError if the stream ends before it."""
        frame = self._bytes * self.channels
        left, position = self._size, 0
        while left is None or left > 0:
            want = BLOCK_FRAMES * frame if left is None else min(BLOCK_FRAMES * frame, left)
            data = _exactly(self._stream, want)
            whole = len(data) // frame
            if whole:
                samples = self._decode(data[: whole * frame]).reshape(whole, self.channels)
                check_finite(self.name, samples, position, self.sample_rate)
                yield AudioBlock(samples, position)
                position += whole
            if left is not None:
                left -= len(data)
            if len(data) < want:
                break
        seconds = position / self.sample_rate
        if left is None:
            self.warnings.append(f"{UNKNOWN_LENGTH}, {seconds:.1f} s")
        elif left > SLACK_BYTES:
            raise AudioError(self.name, truncated(seconds))
        elif left > 0:
            self.warnings.append(f"{overclaimed(left)}, {seconds:.1f} s")

    def _decode(self, data: bytes) -> Float32:
        if self._float:
            return np.frombuffer(data, f"<f{self._bytes}").astype(np.float32)
        if self._bytes == 1:  # 8-bit WAV is unsigned
            return (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / np.float32(128.0)
        if self._bytes == 3:  # widen to the top three bytes of an int32
            wide = np.zeros((len(data) // 3, 4), dtype=np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return wide.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
        full_scale = np.float32(2 ** (8 * self._bytes - 1))
        return np.frombuffer(data, f"<i{self._bytes}").astype(np.float32) / full_scale

    def close(self) -> None:
        """Close the stream if it is owned."""
        if self._owned:
            self._stream.close()


def _exactly(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, or fewer at the end of the stream. A pipe may deliver less at a
    time."""
    parts: list[bytes] = []
    while size > 0:
        part = stream.read(min(size, 1 << 20))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _skip(stream: BinaryIO, size: int) -> None:
    """Read past `size` bytes, or to the end."""
    while size > 0 and (passed := len(stream.read(min(size, 1 << 20)))):
        size -= passed
