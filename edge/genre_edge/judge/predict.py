"""Asking models for their answers on labelled audio."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

import numpy as np

from ..arrays import Float32
from ..audio.file_source import FileSource
from ..audio.source import Source
from ..errors import AudioError, UsageError
from ..model.engine import Engine
from ..model.frontend import LogMel
from ..model.frontend_spec import FrontendSpec
from ..model.windows import WindowStream, windows_of
from .predictions import Predictions
from .tracks import Track


@dataclass(frozen=True)
class LabelledSource:
    """Audio whose genre is known, wherever it comes from."""

    name: str
    """What it is called, for messages."""
    genre: str
    """Its true label."""
    open: Callable[[], Source]
    """Opens the audio. May raise AudioError."""
    group: str = ""
    """What it belongs to, as in `Predictions`."""

    @staticmethod
    def of(track: Track) -> LabelledSource:
        """The audio of a track's file."""
        return LabelledSource(track.name, track.genre, lambda: FileSource(track.path))


@dataclass(frozen=True)
class Answers:
    """What models answered on the same audio."""

    predictions: tuple[Predictions, ...]
    """Each model's, in the order they were given."""
    sources: tuple[LabelledSource, ...]
    """Those that were read, in the order of the predictions' tracks."""
    seconds: float
    """Length of all of them, s."""
    skipped: tuple[str, ...]
    """One line for each source that cannot be read."""


def predict(engines: Sequence[Engine], sources: Iterable[LabelledSource]) -> Answers:
    """The answers of models on every window of labelled audio, as `genre-edge classify`
    takes the windows.

    Models with equal front-ends share its work. A source that cannot be read to its end
    counts for nothing.

    Parameters
    ----------
    engines
        The models. All have the same labels and the same window length.
    sources
        What to classify; each genre is one of the labels (see `check_genres`).

    Raises
    ------
    UsageError
        Nothing could be read.
    """
    labels = engines[0].classifier.labels
    logmels = {engine.logmel.spec: engine.logmel for engine in engines}
    scores: list[list[Float32]] = [[] for _ in engines]
    read: list[LabelledSource] = []
    seconds, skipped = 0.0, []
    for source in sources:
        try:
            found, length = _scores(engines, logmels, source)
        except AudioError as error:
            skipped.append(str(error))
            continue
        read.append(source)
        seconds += length
        for all_of_model, of_source in zip(scores, found, strict=True):
            all_of_model.append(of_source)
    if not read:
        raise UsageError(f"no track could be read: {skipped[0] if skipped else 'none was given'}")
    genres, groups = [one.genre for one in read], [one.group for one in read]
    return Answers(
        tuple(Predictions.of_tracks(labels, of_model, genres, groups) for of_model in scores),
        tuple(read),
        seconds,
        tuple(skipped),
    )


def _scores(
    engines: Sequence[Engine], logmels: dict[FrontendSpec, LogMel], labelled: LabelledSource
) -> tuple[list[Float32], float]:
    """Each model's probabilities on one source, float32 [windows, labels], and the
    source's length, s."""
    rows: list[list[Float32]] = []
    with ExitStack() as opened:
        sources = [opened.enter_context(closing(labelled.open())) for _ in logmels]
        streams = [
            WindowStream(logmel, source.sample_rate, source.name)
            for source, logmel in zip(sources, logmels.values(), strict=True)
        ]
        for windows in zip(*map(windows_of, sources, streams), strict=True):
            features = {
                spec: window.features for spec, window in zip(logmels, windows, strict=True)
            }
            rows.append([e.classifier.scores(features[e.logmel.spec]) for e in engines])
    return [np.stack(column) for column in zip(*rows, strict=True)], streams[0].seconds
