"""Opening what a user names: a file, a pipe or a device, or standard input."""

from __future__ import annotations

import io
import os
import sys
from typing import BinaryIO, Protocol, cast

from ..errors import AudioError
from .ffmpeg import INSTALL, find_ffmpeg
from .ffmpeg_source import refuse_playlist
from .ffmpeg_stream import FfmpegStreamSource
from .file_source import FileSource
from .limits import is_special
from .source import Source
from .wav_stream import WavStreamSource, is_wav

_HEAD_BYTES = 16
"""What tells a WAV, or a playlist, from the rest."""


class Recording(Source, Protocol):
    """A source that ends."""

    warnings: list[str]
    """What is odd about it though it is heard; complete after `blocks`."""


def is_stream(name: str) -> bool:
    """Whether a name can be read once only: "-", a pipe, a socket or a device."""
    if name == "-":
        return True
    try:
        return is_special(os.stat(name).st_mode)
    except (OSError, ValueError):
        return False


def open_audio(name: str) -> Recording:
    """Open a file or a stream, whatever its format.

    A WAV on a stream is read by this program; other formats need ffmpeg there.

    Raises
    ------
    AudioError
        If it cannot be opened or is no audio.
    """
    if not is_stream(name):
        return FileSource(name)
    if name == "-" and sys.stdin is None:
        raise AudioError(name, "standard input is closed")
    try:
        # Without a buffer, so that what follows the first bytes is still in the pipe.
        stream = open(os.dup(0) if name == "-" else name, "rb", 0)  # noqa: SIM115
        try:
            return _of_stream(stream, name)
        except BaseException:
            stream.close()
            raise
    except OSError as error:
        raise AudioError(name, (error.strerror or str(error)).lower()) from None


def _of_stream(stream: io.FileIO, name: str) -> Recording:
    head = b""
    while len(head) < _HEAD_BYTES and (more := stream.read(_HEAD_BYTES - len(head))):
        head += more
    if not head:
        raise AudioError(name, "is empty")
    if is_wav(head):
        return WavStreamSource(cast(BinaryIO, _Resumed(stream, head)), name, owned=True)
    refuse_playlist(name, head.lstrip(b"\xef\xbb\xbf"))
    if find_ffmpeg() is None:
        reason = "is not a WAV; other formats on a pipe need ffmpeg"
        raise AudioError(name, f"{reason}: {INSTALL}")
    return FfmpegStreamSource(stream, head, name)


class _Resumed(io.RawIOBase):
    """A stream together with what was read of it already."""

    def __init__(self, stream: io.FileIO, head: bytes) -> None:
        super().__init__()
        self._stream, self._head = stream, head

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Some bytes, `size` at most; none at the end."""
        if self._head:
            taken, self._head = self._head[:size], self._head[size:]
            return taken
        return self._stream.read(size)

    def close(self) -> None:
        """Close the stream too."""
        self._stream.close()
        super().close()
