"""Source -> windows -> scores -> records. Every mode of the program runs through
here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..arrays import Float32
from ..audio.file_source import FileSource
from ..audio.formats.contents import truncated
from ..audio.level import is_silent
from ..audio.source import Source
from ..errors import AudioError
from ..records import FileOutput, FileRecord, WindowRecord
from ..settings.tables import EngineConfig, ListenConfig
from .bundle import find_model, read_bundle, shipped_models
from .classifier import Classifier, interpreter_class
from .frontend import LogMel, Window
from .music_score import music_score
from .scores import Prediction
from .signature import check_trusted
from .trial import try_out
from .windows import WindowStream, windows_of

_MARGIN_SECONDS = 0.1
"""What is decoded after a window for the resampler, which looks ahead, s."""


class Engine:
    """A loaded model and its front-end.

    Files, the microphone, the page, benchmarks and conversion all ask it. `classify`
    and `first_window` share one front-end, so one call must end before the next;
    streams made by `stream` are independent.

    Raises
    ------
    BundleError, RuntimeMissing, UsageError
        If the model cannot be used as the configuration says.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.bundle = read_bundle(find_model(config.model))
        if self.bundle.path not in shipped_models().values():
            check_trusted(self.bundle.path, self.bundle.signed_by, config.trusted_keys)
        runtime, _ = interpreter_class(config.runtime)
        try_out(self.bundle, runtime, config.threads)
        # Before the front-end: it refuses one of another size than the input.
        self.classifier = Classifier(self.bundle, runtime, config.threads)
        self.logmel = LogMel(self.bundle.info.frontend, config.hop_seconds)
        self._min_score = config.min_score
        self.music_score = music_score(self.bundle.info.music)
        """Tells music from other sound; None if the model cannot."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the model's outputs, in their order."""
        return self.classifier.labels

    @property
    def sample_rate(self) -> int:
        """The rate at which the model hears, Hz; sources of any other are resampled."""
        return self.logmel.spec.sample_rate

    def stream(self, sample_rate: int, name: str = "samples") -> WindowStream:
        """A stream of windows from samples at `sample_rate` (Hz), for `predict`."""
        return WindowStream(LogMel(self.logmel.spec, self.logmel.hop_seconds), sample_rate, name)

    def first_window(self, samples: Float32, sample_rate: int) -> Window:
        """The first window of samples in memory, for `predict`.

        Parameters
        ----------
        samples
            float32 [n], full scale at 1.0.
        sample_rate
            Their rate, Hz.

        Raises
        ------
        AudioError
            If the samples are shorter than a window, by more than resampling explains.
        """
        seconds, needed = len(samples) / sample_rate, self.logmel.spec.window_seconds
        if seconds < 0.99 * needed:
            raise AudioError("samples", f"{seconds:.2f} s: must be {needed:g} s")
        stream = WindowStream(self.logmel, sample_rate)
        return [*stream.push(samples[:, None]), *stream.finish()][0]

    def predict(self, window: Window) -> Prediction:
        """The model's answer to one window."""
        return self._prediction(self.classifier.scores(window.features))

    def _prediction(self, scores: Float32) -> Prediction:
        return Prediction(self.labels, scores, self._min_score)

    def predict_unless_silent(self, window: Window) -> Prediction | None:
        """The model's answer to one window; None where the microphone would call it
        silence."""
        silent = is_silent(window.samples, ListenConfig.silence_dbfs)
        return None if silent else self.predict(window)

    def classify(self, source: Source) -> Iterator[FileOutput]:
        """Classify a whole source.

        A window that the microphone would call silence has no genre, and does not count
        in the verdict. A source of nothing but silence has none either.

        Yields
        ------
        WindowRecord or FileRecord
            A record for each window as the source delivers it; last, the verdict.

        Raises
        ------
        AudioError
            If the source is shorter than 0.5 s, or cannot be read.
        """
        # In double precision: files may be hours long.
        total = np.zeros(len(self.labels), dtype=np.float64)
        count = 0
        stream = WindowStream(self.logmel, source.sample_rate, source.name)
        for window in windows_of(source, stream):
            prediction = self.predict_unless_silent(window)
            if prediction is not None:
                total += prediction.probabilities
                count += 1
            yield WindowRecord(source.name, window.start, window.end, *genre_of(prediction))
        mean = self._prediction((total / count).astype(np.float32)) if count else None
        yield FileRecord(source.name, stream.seconds, count, *genre_of(mean))

    def classify_spread(self, source: FileSource, windows: int) -> Iterator[FileOutput]:
        """Classify some windows of a file, spread evenly over it; only they are
        decoded.

        A file that cannot be read at any place, or holds no more windows than that, is
        classified whole.

        Parameters
        ----------
        source
            The file.
        windows
            How many windows are heard.

        Yields
        ------
        WindowRecord or FileRecord
            As `classify`.
        """
        length = self.logmel.spec.window_seconds
        total = (source.frames or 0) / source.sample_rate
        if total <= windows * length:
            yield from self.classify(source)
            return
        rate = source.sample_rate
        starts = [round((n + 0.5) * total / windows - length / 2, 3) for n in range(windows)]
        frames = round((length + _MARGIN_SECONDS) * rate)
        stretches = source.read_windows([round(start * rate) for start in starts], frames)
        answers = []
        for start, samples in zip(starts, stretches, strict=True):
            window = self._only_window(source, start, samples)
            prediction = self.predict_unless_silent(window)
            answers += [] if prediction is None else [prediction.probabilities]
            yield WindowRecord(source.name, window.start, window.end, *genre_of(prediction))
        mean = self._prediction(np.mean(answers, axis=0)) if answers else None
        yield FileRecord(source.name, round(total, 3), len(answers), *genre_of(mean))

    def _only_window(self, source: FileSource, start: float, samples: Float32) -> Window:
        """The window that begins `start` seconds from a file's beginning, from its
        samples and a little more."""
        seconds = self.logmel.spec.window_seconds
        stream = WindowStream(self.logmel, source.sample_rate, source.name)
        found = [*stream.push(samples), *stream.finish()]
        if stream.seconds < seconds:
            raise AudioError(source.name, truncated(start + stream.seconds))
        return replace(found[0], start=start, end=round(start + seconds, 6))


def genre_of(prediction: Prediction | None) -> tuple[str | None, float | None, dict[str, float]]:
    """Genre, confidence and scores for a record; None, None and {} in silence."""
    if prediction is None:
        return None, None, {}
    return prediction.genre, prediction.confidence, prediction.scores
