"""One input decoded to samples by ffmpeg, as they come."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence

import numpy as np

from ..arrays import Float32
from .ffmpeg import PIPE_BYTES, STALL_SECONDS, FfmpegOutput


class FfmpegProcess(FfmpegOutput):
    """Decodes one input to samples.

    Other parameters are as for `FfmpegOutput`.

    Parameters
    ----------
    sample_rate
        Rate of the samples that come out, Hz; ffmpeg resamples where it must.
    channels
        Channels that come out.
    filters
        What ffmpeg's filters do with the audio first, in its own language.
    stream
        What is decoded, in ffmpeg's language; the first audio stream if not given.
    """

    def __init__(
        self,
        name: str,
        input_arguments: Sequence[str],
        sample_rate: int,
        channels: int,
        stall_seconds: float = STALL_SECONDS,
        standard_input: int = subprocess.DEVNULL,
        filters: str = "",
        stream: str = "0:a:0",
    ) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self._held = b""
        output = ["-map", stream, *(["-af", filters] if filters else [])]
        output += [
            "-ac",
            str(channels),
            "-ar",
            str(sample_rate),
            "-c:a",
            "pcm_f32le",
            "-f",
            "f32le",
        ]
        super().__init__(name, input_arguments, output, stall_seconds, standard_input)

    def read(self, frames: int) -> Float32:
        """The next samples, as soon as there are some.

        Parameters
        ----------
        frames
            The most sample frames to return.

        Returns
        -------
        float32 [n, channels]
            Full scale at 1.0; n is 0 at the end of the input only.

        Raises
        ------
        AudioError
            If the input cannot be decoded, or nothing came for `stall_seconds`.
        """
        frame = 4 * self.channels
        while len(self._held) < frame:
            chunk = self.chunk()
            if not chunk:
                return np.zeros((0, self.channels), dtype=np.float32)
            self._held += chunk
        size = min(frames, len(self._held) // frame) * frame
        data, self._held = self._held[:size], self._held[size:]
        return np.frombuffer(data, "<f4").astype(np.float32).reshape(-1, self.channels)

    def ready(self, seconds: float) -> bool:
        """Wait for samples or the end, for `seconds` at most; whether `read` would
        return at once, or say how the input ended."""
        deadline = time.monotonic() + seconds
        while len(self._held) < 4 * self.channels:
            for key, _ in self._pipes.select(max(0.0, deadline - time.monotonic())):
                data = os.read(key.fd, PIPE_BYTES)
                if key.fileobj is not self._process.stdout:
                    self._take_words(key.fileobj, data)
                elif data:
                    self._held += data  # it may be less than one sample frame
                else:
                    return True
            if time.monotonic() >= deadline:
                return len(self._held) >= 4 * self.channels
        return True
