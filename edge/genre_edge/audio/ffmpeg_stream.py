"""Audio of any format from a pipe, through ffmpeg: decoded as it arrives."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO, cast

from ..errors import AudioError
from .ffmpeg import FfmpegOutput
from .formats.contents import truncated
from .formats.stream_ends import StreamEnds
from .source import AudioBlock
from .wav_stream import WavStreamSource

_PIPE_BYTES = 1 << 16
_WAV = ("-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "wav")
"""ffmpeg's output: a WAV, as its header tells the rate and the channels."""


class FfmpegStreamSource:
    """The first audio stream of what a pipe or a device gives.

    Parameters
    ----------
    stream
        Where it is read, without a buffer. It belongs to this source from now on.
    head
        What was read of it already.
    name
        What errors and records call it.

    Raises
    ------
    AudioError
        If ffmpeg is not installed, or knows no audio in it.
    """

    def __init__(self, stream: io.FileIO, head: bytes, name: str) -> None:
        self.name = name
        self.warnings: list[str] = []
        """What is odd about the stream though it is heard; complete after `blocks`."""
        self._ends = StreamEnds()
        feeder = _Feeder(stream, head, self._ends)
        arguments = ["-protocol_whitelist", "pipe", "-i", "pipe:0"]
        try:
            self._ffmpeg = FfmpegOutput(
                name, arguments, _WAV, standard_input=feeder.output, waits=feeder.waits
            )
        finally:
            feeder.start()
        try:
            self._wav = WavStreamSource(cast(BinaryIO, _Output(self._ffmpeg)), name)
        except BaseException:
            self._ffmpeg.close()
            raise
        self.sample_rate, self.channels = self._wav.sample_rate, self._wav.channels

    def blocks(self) -> Iterator[AudioBlock]:
        """Decode until the stream ends; AudioError if its end is missing, as far as
        its format tells that on a pipe."""
        frames = 0
        for block in self._wav.blocks():
            yield block
            frames = block.position + len(block.samples)
        complaint, heard = self._ffmpeg.complaint, frames / self.sample_rate
        if complaint and not frames:
            reason = f"cannot be decoded from a pipe ({complaint})"
            raise AudioError(self.name, f"{reason}: name the file instead")
        found = self._ends.contents(frames)
        if found.cut or self._ffmpeg.says_cut:
            raise AudioError(self.name, truncated(heard))
        if found.warning:
            self.warnings.append(f"{found.warning}, {heard:.1f} s")
        if complaint:
            self.warnings.append(f"damaged ({complaint}); heard {heard:.1f} s")

    def close(self) -> None:
        """End the subprocess."""
        self._ffmpeg.close()


class _Output(io.RawIOBase):
    """What ffmpeg writes, as a file to read."""

    def __init__(self, ffmpeg: FfmpegOutput) -> None:
        super().__init__()
        self._ffmpeg, self._held = ffmpeg, b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill some of a buffer; returns how many bytes there were, 0 at the end."""
        self._held = self._held or self._ffmpeg.chunk()
        taken = self._held[: len(buffer)]
        buffer[: len(taken)] = taken
        self._held = self._held[len(taken) :]
        return len(taken)


class _Feeder:
    """Copies a stream, some bytes of which were read already, to a pipe."""

    def __init__(self, stream: io.FileIO, head: bytes, ends: StreamEnds) -> None:
        self.output, self._input = os.pipe()
        """The pipe's end for the reader, until `start`."""
        self._stream, self._head, self._ends = stream, head, ends
        self._reading = False

    def start(self) -> None:
        """Copy from now on. The reader has its own copy of the pipe's end by now."""
        os.close(self.output)
        threading.Thread(target=self._copy, name="stream to ffmpeg", daemon=True).start()

    def waits(self) -> bool:
        """Whether the stream has nothing yet."""
        return self._reading

    def _copy(self) -> None:
        with suppress(OSError), self._stream, open(self._input, "wb", buffering=0) as pipe:
            data = self._head
            while data:
                self._ends.pass_by(data)
                while data:
                    data = data[pipe.write(data) or 0 :]  # fails when the reader ends
                self._reading = True
                data = self._stream.read(_PIPE_BYTES)
                self._reading = False
            self._ends.is_whole_seen = True  # the reader cannot know it sooner
