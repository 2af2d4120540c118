"""Opening what a user names: a file, a pipe or a device, or standard input."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from typing import BinaryIO, Protocol, cast

from ..errors import AudioError, os_reason
from .ffmpeg import INSTALL, find_ffmpeg
from .ffmpeg_source import refuse_playlist
from .ffmpeg_stream import FfmpegStreamSource
from .file_source import FileSource
from .limits import is_special
from .source import Source
from .wav_stream import UnknownCoding, WavStreamSource, is_wav

_HEAD_BYTES = 16
"""What tells a WAV, or a playlist, from the rest."""
_MOST_HEADER = 1 << 20
"""How much of a WAV's header is kept, so that ffmpeg can read it again, bytes."""
_DESCRIPTOR = re.compile(r"-|/dev/stdin|(?:/dev|/proc/self)/fd/(\d+)")
"""What only this process can open by its name."""


class Recording(Source, Protocol):
    """A source that ends."""

    warnings: list[str]
    """What is odd about it though it is heard; complete after `blocks`."""


def is_stream(name: str) -> bool:
    """Whether this process alone can read a name: a descriptor of its own such as "-",
    or a pipe, a socket or a device, which can be read once only."""
    if _DESCRIPTOR.fullmatch(name):
        return True
    try:
        return is_special(os.stat(name).st_mode)
    except (OSError, ValueError):
        return False


def open_audio(name: str) -> Recording:
    """Open a file or a stream, whatever its format.

    A WAV on a stream is read by this program; other formats need ffmpeg there. A file
    that the shell has opened ("< song.ogg") is heard as if it were named.

    Raises
    ------
    AudioError
        If it cannot be opened or is no audio.
    """
    if not is_stream(name):
        return FileSource(name)
    if name == "-" and sys.stdin is None:
        raise AudioError(name, "standard input is closed")
    path = _file_of(name)
    if path is not None:
        return FileSource(path, name)
    try:
        # Without a buffer, so that what follows the first bytes is still in the pipe.
        stream = open(os.dup(0) if name == "-" else name, "rb", 0)  # noqa: SIM115
        try:
            return _of_stream(stream, name)
        except BaseException:
            stream.close()
            raise
    except OSError as error:
        raise AudioError(name, os_reason(error)) from None


def _file_of(name: str) -> str | None:
    """The path, for any process of this user, of a regular file that a descriptor of
    this one has open; None unless it is one that can be opened from its start."""
    own = _DESCRIPTOR.fullmatch(name)
    if own is None:
        return None
    descriptor = int(own[1] or 0)
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if not is_file or os.lseek(descriptor, 0, os.SEEK_CUR):
            return None
    except OSError:
        return None
    path = f"/proc/{os.getpid()}/fd/{descriptor}"
    return path if os.access(path, os.R_OK) else None


def _of_stream(stream: io.FileIO, name: str) -> Recording:
    head = b""
    while len(head) < _HEAD_BYTES and (more := stream.read(_HEAD_BYTES - len(head))):
        head += more
    if not head:
        raise AudioError(name, "is empty")
    if is_wav(head):
        resumed = _Resumed(stream, head)
        try:
            return WavStreamSource(cast(BinaryIO, resumed), name, owned=True)
        except UnknownCoding:
            given = resumed.given()
            if find_ffmpeg() is None or given is None:
                raise
            return FfmpegStreamSource(stream, given, name)
        finally:
            resumed.forget()
    refuse_playlist(name, head)
    if find_ffmpeg() is None:
        reason = "is not a WAV; other formats on a pipe need ffmpeg"
        raise AudioError(name, f"{reason}: {INSTALL}")
    return FfmpegStreamSource(stream, head, name)


class _Resumed(io.RawIOBase):
    """A stream together with what was read of it already."""

    def __init__(self, stream: io.FileIO, head: bytes) -> None:
        super().__init__()
        self._stream, self._head = stream, head
        self._given: bytearray | None = bytearray()
        self._owns = True

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Some bytes, `size` at most; none at the end."""
        if self._head:
            taken, self._head = self._head[:size], self._head[size:]
        else:
            taken = self._stream.read(size)
        if self._given is not None:
            self._given += taken
            if len(self._given) > _MOST_HEADER:
                self._given = None
        return taken

    def given(self) -> bytes | None:
        """All that was read, for who reads on from the stream itself, which is theirs
        from now on; None if it was too much to keep."""
        self._owns = self._given is None
        return None if self._given is None else bytes(self._given)

    def forget(self) -> None:
        """Keep nothing from now on of what is read."""
        self._given = None

    def close(self) -> None:
        """Close the stream too."""
        if self._owns:
            self._stream.close()
        super().close()
