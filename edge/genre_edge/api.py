"""The Python interface: a model, and the verdicts and windows that it gives."""

from __future__ import annotations

import os
import threading
import warnings
from contextlib import closing
from dataclasses import dataclass

import numpy.typing as npt

from .audio.array import ArraySource, checked_rate, checked_samples
from .audio.file_source import FileSource
from .audio.limits import check_finite
from .audio.pcm import as_floats
from .audio.source import BLOCK_FRAMES, Source
from .errors import Fault, UsageError
from .model import frontend
from .model.engine import Engine, genre_of
from .records import FileRecord, WindowRecord
from .settings.tables import DEFAULT_MODEL, EngineConfig


@dataclass(frozen=True)
class Window:
    """The genre of one window of audio, 3 s long with the shipped models."""

    start: float
    """Seconds from the start of the audio."""
    end: float
    """Seconds from the start of the audio."""
    genre: str | None
    """The most probable label; None in silence."""
    confidence: float | None
    """Probability of `genre`, 0 to 1; None in silence."""
    scores: dict[str, float]
    """Probability of every label; their sum is one, within rounding. Empty in
    silence."""


@dataclass(frozen=True)
class Verdict:
    """The genre of a whole recording: the mean of its windows' scores."""

    genre: str | None
    """The most probable label of the mean; None if all is silence."""
    confidence: float | None
    """Mean probability of `genre`, 0 to 1; None if all is silence."""
    scores: dict[str, float]
    """Mean probability of every label; their sum is one, within rounding. Empty if all
    is silence."""
    windows: tuple[Window, ...]
    """The windows, in order of time."""
    seconds: float
    """Length of the recording, s."""


def load(
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    runtime: str | None = None,
    threads: int = 1,
    hop_seconds: float | None = None,
) -> Model:
    """Load a model.

    Parameters
    ----------
    model
        Path of a bundle (.tflite), or the name of a shipped one, such as
        "gtzan-edge.float32".
    runtime
        The interpreter: "litert", "tflite" or "tensorflow". None takes the first that
        is installed.
    threads
        Threads of the interpreter, 1 to 64.
    hop_seconds
        Distance between the starts of neighbouring windows, s. None means the length of
        a window, so that windows do not overlap.

    Raises
    ------
    BundleError
        If there is no such model, or the file is not a whole bundle.
    RuntimeMissing
        If the interpreter is not installed; the message names what to install.
    UsageError
        If another parameter has a value it cannot have.

    Examples
    --------
    >>> genre_edge.load(hop_seconds=1.0).name
    'gtzan-edge.int8'
    """
    name = os.fspath(model) if isinstance(model, os.PathLike) else model
    return Model(Engine(EngineConfig(name, hop_seconds, runtime, threads)))


class Model:
    """A loaded model; `genre_edge.load` makes it.

    It may be used by several threads. Only one of them is served at a time.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._one_at_a_time = threading.Lock()

    @property
    def name(self) -> str:
        """The model's name, such as "gtzan-edge.int8"."""
        return self._engine.bundle.info.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The genres that the model knows."""
        return self._engine.labels

    def classify(self, samples: npt.ArrayLike, sample_rate: float) -> Verdict:
        """Classify a recording in memory.

        Parameters
        ----------
        samples : array-like [n] or [n, channels]
            Floats with full scale at 1.0, or int16. Channels are averaged.
        sample_rate
            Rate of the samples, 8000 to 192000 Hz. The model's own needs no resampling.

        Returns
        -------
        Verdict
            What `genre-edge classify` gives for a file with the same samples. An
            incomplete last window does not count, unless it is the only one.

        Raises
        ------
        UsageError
            If the samples' type or shape, or the rate, is none of these.
        AudioError
            If the recording is shorter than 0.5 s, or some samples are no numbers.

        Examples
        --------
        >>> verdict = model.classify(samples, sample_rate)
        >>> verdict.genre in model.labels
        True
        """
        return self._verdict(ArraySource(samples, sample_rate))

    def classify_file(self, path: str | os.PathLike[str]) -> Verdict:
        """Classify an audio file: WAV, FLAC, Ogg, MP3, and what ffmpeg decodes where it
        is installed.

        What is odd about a file that is heard all the same is a UserWarning.

        Raises
        ------
        UsageError
            If `path` is no path.
        AudioError
            If the file cannot be read, is cut short, or is shorter than 0.5 s.
        """
        if not isinstance(path, str | os.PathLike):
            reason = "must be a path; classify takes samples"
            raise UsageError(Fault("path", f"of type {type(path).__name__}", reason))
        with closing(FileSource(path)) as source:
            verdict = self._verdict(source)
        for reason in source.warnings:
            warnings.warn(f"{source.name}: {reason}", stacklevel=2)
        return verdict

    def stream(self, sample_rate: float) -> Stream:
        """Begin a stream of samples at `sample_rate` (8000 to 192000 Hz).

        Streams are independent of each other and of `classify`.

        Raises
        ------
        UsageError
            If the rate is outside these limits.
        """
        return Stream(self._engine, checked_rate(sample_rate))

    def _verdict(self, source: Source) -> Verdict:
        with self._one_at_a_time:
            records = list(self._engine.classify(source))
        whole = next(record for record in records if isinstance(record, FileRecord))
        windows = tuple(_window(record) for record in records if isinstance(record, WindowRecord))
        return Verdict(whole.genre, whole.confidence, whole.scores, windows, whole.seconds)


class Stream:
    """Classifies samples as they come; `Model.stream` makes it.

    However the samples are divided among calls of `push`, the windows are those of
    `Model.classify` on the whole.

    Examples
    --------
    >>> stream = model.stream(sample_rate)
    >>> for window in stream.push(samples) + stream.finish():
    ...     print(window.start, window.end)
    0.0 3.0
    3.0 6.0
    6.0 9.0
    9.0 12.0
    """

    def __init__(self, engine: Engine, sample_rate: int) -> None:
        self._engine, self._rate = engine, sample_rate
        self._windows = engine.stream(sample_rate)
        self._pushed = 0
        self._finished = False

    def push(self, samples: npt.ArrayLike) -> list[Window]:
        """Add samples.

        Parameters
        ----------
        samples : array-like [n] or [n, channels]
            As for `Model.classify`; any number of them.

        Returns
        -------
        list of Window
            The windows that these samples complete; often none.

        Raises
        ------
        UsageError
            If the samples' type or shape is wrong, or the stream is finished.
        AudioError
            If some samples are no numbers. None of these samples is used then.
        """
        self._check_open()
        given = as_floats(checked_samples(samples))
        check_finite("samples", given, self._pushed, self._rate)
        self._pushed += len(given)
        return [
            self._classified(window)
            for at in range(0, len(given), BLOCK_FRAMES)
            for window in self._windows.push(given[at : at + BLOCK_FRAMES])
        ]

    def finish(self) -> list[Window]:
        """End the stream.

        Returns
        -------
        list of Window
            The windows that are still to come: those that wait for the resampler's last
            samples, or the only window of a stream that is shorter than one.

        Raises
        ------
        AudioError
            If the stream was shorter than 0.5 s.
        UsageError
            If the stream is finished already.
        """
        self._check_open()
        self._finished = True
        return [self._classified(window) for window in self._windows.finish()]

    def _check_open(self) -> None:
        if self._finished:
            raise UsageError("this stream is finished: begin another with model.stream()")

    def _classified(self, window: frontend.Window) -> Window:
        found = self._engine.predict_unless_silent(window)
        return Window(window.start, window.end, *genre_of(found))


def _window(record: WindowRecord) -> Window:
    return Window(record.start, record.end, record.genre, record.confidence, record.scores)
