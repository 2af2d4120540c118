"""Source -> LogMel -> Classifier -> records. Every mode of the program runs through here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .bundle import find_model, read_bundle
from .classifier import Classifier
from .errors import AudioError
from .frontend import Float32, LogMel
from .records import FileOutput, FileRecord, WindowRecord, scores_by_label, top1
from .resample import Resampler
from .sources import SHORTEST_SECONDS, Source, to_mono


@dataclass(frozen=True)
class EngineConfig:
    """What turns audio into genres; small and picklable, so that worker processes can build their own."""

    model: str
    """A bundle's path, or the name of a shipped one."""
    hop_seconds: float | None = None
    """Distance between the starts of neighbouring windows, s; None: the window's length."""
    runtime: str | None = None
    """Interpreter (litert, tflite, tensorflow); None: the first that is installed."""
    threads: int = 1
    """Threads of the interpreter."""


class Engine:
    """A loaded model and its front-end."""

    def __init__(self, config: EngineConfig) -> None:
        self.bundle = read_bundle(find_model(config.model))
        self.logmel = LogMel(self.bundle.info.frontend, config.hop_seconds)
        self.classifier = Classifier(self.bundle, config.runtime, config.threads)

    def classify(self, source: Source) -> Iterator[FileOutput]:
        """One record a window as the source delivers it, then the verdict.

        An incomplete last window is dropped, unless it is the only one: then it is repeated to full
        length. AudioError if the source is shorter than 0.5 s.
        """
        total = np.zeros(len(self.classifier.labels), dtype=np.float64)  # a sum: files may be hours long
        windows = 0
        clock = _Clock(source.sample_rate)
        start: list[Float32] | None = []  # what was heard before the first window, for a short file
        self.logmel.reset()
        for samples in _mono(source, self.logmel.spec.sample_rate, clock):
            if start is not None:
                start.append(samples)
            for window in self.logmel.push(samples):
                start = None
                scores = self.classifier.scores(window.features)
                total += scores
                windows += 1
                yield self._window(source.name, window.start, window.end, scores)
        if not windows:
            scores = self._short(source.name, clock.seconds, np.concatenate(start or []))
            total += scores
            windows = 1
            yield self._window(source.name, 0.0, clock.seconds, scores)
        yield self._verdict(source.name, clock.seconds, windows, (total / windows).astype(np.float32))

    def _window(self, name: str, start: float, end: float, scores: Float32) -> WindowRecord:
        labels = self.classifier.labels
        return WindowRecord(name, start, end, *top1(labels, scores), scores_by_label(labels, scores))

    def _short(self, name: str, seconds: float, samples: Float32) -> Float32:
        if seconds < SHORTEST_SECONDS:
            raise AudioError(name, f"is too short: {seconds:.2f} s, need at least {SHORTEST_SECONDS} s")
        whole = np.resize(samples, self.logmel.spec.window_samples)
        return self.classifier.scores(self.logmel.window(whole))

    def _verdict(self, name: str, seconds: float, windows: int, mean: Float32) -> FileRecord:
        labels = self.classifier.labels
        return FileRecord(name, seconds, windows, *top1(labels, mean), scores_by_label(labels, mean))


class _Clock:
    """Counts a source's sample frames."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self.frames = 0

    @property
    def seconds(self) -> float:
        return round(self.frames / self._rate, 3)


def _mono(source: Source, rate: int, clock: _Clock) -> Iterator[Float32]:
    """The source's audio as mono at the model's rate, counted on the way."""
    resampler = Resampler(source.sample_rate, rate)
    for block in source.blocks():
        clock.frames += len(block.samples)
        yield resampler.push(to_mono(block.samples))
    yield resampler.flush()
