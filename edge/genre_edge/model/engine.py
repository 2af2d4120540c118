"""Source -> LogMel -> Classifier -> records. Every mode of the program runs through
here."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arrays import Float32
from ..audio.limits import SHORTEST_SECONDS
from ..audio.mono import mono_blocks
from ..audio.source import AudioBlock, Source
from ..errors import AudioError
from ..records import FileOutput, FileRecord, WindowRecord
from ..settings.tables import EngineConfig
from .bundle import find_model, read_bundle
from .classifier import Classifier
from .frontend import LogMel, Window
from .scores import scores_by_label, top1


class Engine:
    """A loaded model and its front-end."""

    def __init__(self, config: EngineConfig) -> None:
        self.bundle = read_bundle(find_model(config.model))
        self.logmel = LogMel(self.bundle.info.frontend, config.hop_seconds)
        self.classifier = Classifier(self.bundle, config.runtime, config.threads)

    def classify(self, source: Source) -> Iterator[FileOutput]:
        """One record a window as the source delivers it, then the verdict.

        An incomplete last window is dropped, unless it is the only one: then it is
        repeated to full length. AudioError if the source is shorter than 0.5 s.
        """
        total = np.zeros(
            len(self.classifier.labels), dtype=np.float64
        )  # a sum: files may be hours long
        count = 0
        counted = Counted(source)
        for window in windows_of(counted, self.logmel):
            scores = self.classifier.scores(window.features)
            total += scores
            count += 1
            yield self._window(source.name, window.start, window.end, scores)
        yield self._verdict(source.name, counted.seconds, count, (total / count).astype(np.float32))

    def _window(self, name: str, start: float, end: float, scores: Float32) -> WindowRecord:
        labels = self.classifier.labels
        return WindowRecord(
            name, start, end, *top1(labels, scores), scores_by_label(labels, scores)
        )

    def _verdict(self, name: str, seconds: float, windows: int, mean: Float32) -> FileRecord:
        labels = self.classifier.labels
        return FileRecord(
            name, seconds, windows, *top1(labels, mean), scores_by_label(labels, mean)
        )


class Counted:
    """A source that knows how much of it has been read."""

    def __init__(self, source: Source) -> None:
        self._source, self._frames = source, 0
        self.name, self.sample_rate, self.channels = (
            source.name,
            source.sample_rate,
            source.channels,
        )

    def blocks(self) -> Iterator[AudioBlock]:
        """The source's."""
        for block in self._source.blocks():
            self._frames += len(block.samples)
            yield block

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    @property
    def seconds(self) -> float:
        """Length read so far, s."""
        return round(self._frames / self.sample_rate, 3)


def windows_of(source: Counted, logmel: LogMel) -> Iterator[Window]:
    """Every window of a file: an incomplete last one is dropped, unless it is the only
    one; then it is repeated to full length. AudioError if the file is shorter than 0.5
    s.
    """
    start: list[Float32] | None = []  # what was heard before the first window, for a short file
    logmel.reset()
    for samples in mono_blocks(source, logmel.spec.sample_rate):
        if start is not None:
            start.append(samples)
        for window in logmel.push(samples):
            start = None
            yield window
    if start is None:
        return
    seconds = source.seconds
    if seconds < SHORTEST_SECONDS:
        raise AudioError(
            source.name, f"is too short: {seconds:.2f} s, need at least {SHORTEST_SECONDS} s"
        )
    whole = np.resize(np.concatenate(start), logmel.spec.window_samples)
    yield Window(0.0, seconds, logmel.window(whole), whole)
