"""From samples at any rate to windows of features."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from ..arrays import Float32
from ..audio.file_source import FileSource
from ..audio.limits import SHORTEST_SECONDS
from ..audio.mono import Mixer
from ..audio.resample import Resampler
from ..audio.source import Source
from ..errors import AudioError
from .frontend import LogMel, Window


class WindowStream:
    """One stream of samples, cut into windows of features.

    However the samples are divided among calls of `push`, the windows are the same, bit
    for bit.

    Parameters
    ----------
    logmel
        The front-end. It is reset, and belongs to this stream from now on.
    sample_rate
        Rate of the samples, Hz.
    name
        What an AudioError calls the stream.
    """

    def __init__(self, logmel: LogMel, sample_rate: int, name: str = "samples") -> None:
        logmel.reset()
        self._logmel, self._name, self._rate = logmel, name, sample_rate
        self._mixer = Mixer(sample_rate)
        self._resampler = Resampler(sample_rate, logmel.spec.sample_rate)
        self._pushed = 0
        # All samples before the first window, for a stream shorter than a window.
        self._start: list[Float32] | None = []

    @property
    def seconds(self) -> float:
        """Length of what was pushed, s."""
        return round(self._pushed / self._rate, 3)

    def begins(self, number: int) -> int:
        """Index, among the samples pushed, of the first of window `number`, from 0."""
        return round(number * self._logmel.hop_seconds * self._rate)

    def push(self, samples: Float32) -> list[Window]:
        """Add samples, float32 [n, channels]; returns the windows they complete."""
        self._pushed += len(samples)
        return self._windows(self._resampler.push(self._mixer.push(samples)))

    def finish(self) -> list[Window]:
        """End the stream; returns the windows that its end completes.

        An incomplete last window is dropped, unless it is the only one: then the
        samples are repeated to fill it.

        Raises
        ------
        AudioError
            If the stream was shorter than 0.5 s.
        """
        windows = self._windows(self._resampler.push(self._mixer.flush()))
        windows += self._windows(self._resampler.flush())
        if self._start is None:
            return windows
        if self.seconds < SHORTEST_SECONDS:
            raise AudioError(
                self._name,
                f"is too short: {self.seconds:.2f} s, need at least {SHORTEST_SECONDS} s",
            )
        spec = self._logmel.spec
        whole = np.resize(np.concatenate(self._start), spec.window_samples)
        return [Window(0.0, self.seconds, self._logmel.window(whole), whole)]

    def _windows(self, samples: Float32) -> list[Window]:
        windows = list(self._logmel.push(samples))
        if windows:
            self._start = None
        elif self._start is not None:
            self._start.append(samples)
        return windows


def windows_of(source: Source, stream: WindowStream) -> Iterator[Window]:
    """Every window of a whole source, as `genre-edge classify` takes them.

    Parameters
    ----------
    source
        The audio; it stays open.
    stream
        A new stream at the source's rate.

    Raises
    ------
    AudioError
        If the source is shorter than 0.5 s, or cannot be read.
    """
    for block in source.blocks():
        yield from stream.push(block.samples)
    yield from stream.finish()


def file_windows(path: str | os.PathLike[str], logmel: LogMel) -> list[Window]:
    """Every window of a file, as `windows_of`; all of them stay in memory."""
    source = FileSource(path)
    try:
        return list(windows_of(source, WindowStream(logmel, source.sample_rate, source.name)))
    finally:
        source.close()
