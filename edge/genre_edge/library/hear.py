"""Hearing files of a library, in a worker."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..audio.open_audio import is_stream
from ..errors import AudioError, GenreEdgeError, ModelError
from ..model.batch import FileWarning, events_of
from ..model.bundle import find_model, read_bundle
from ..model.classifier import Classifier
from ..model.engine import Engine
from ..model.frontend import Window
from ..model.scores import Prediction
from ..records import FileRecord, WindowRecord, valid_utf8
from ..settings.tables import EngineConfig
from ..version import __version__
from .fetch import local
from .memory import keep_memory
from .row import Row
from .sources import Item


@dataclass(frozen=True)
class Hearing:
    """How files are heard; small and picklable, for workers anywhere."""

    engine: EngineConfig
    """The model, and how it is used."""
    model_sha256: str
    """SHA-256 of the model's flatbuffer: a worker with another is refused."""
    windows_per_track: int | None
    """Windows of each file, spread over it; None means all."""
    embeddings: bool
    """Whether rows have embeddings."""


def hear_files(hearing: Hearing, items: Sequence[Item]) -> list[Row]:
    """The row of each file. A file that cannot be heard is a row with its error.

    Raises
    ------
    GenreEdgeError
        If the model cannot be used here, or is another than was asked for.
    """
    engine = _loaded(hearing, threading.get_ident())
    return [_hear(engine, hearing.windows_per_track, item) for item in items]


def failed(hearing: Hearing, item: Item, reason: str) -> Row:
    """The row of a file that could not be heard."""
    name = read_bundle(find_model(hearing.engine.model)).info.name
    return _row(item, name, hearing.model_sha256, error=reason)


@lru_cache(maxsize=64)
def _loaded(hearing: Hearing, thread: int) -> Engine:
    """The engine, loaded once in each thread of a worker."""
    keep_memory()
    engine = (_EmbeddingEngine if hearing.embeddings else Engine)(hearing.engine)
    if engine.bundle.sha256 != hearing.model_sha256:
        reason = "is another one on a worker's machine: install the same on all of them"
        raise ModelError(f"{hearing.engine.model}: {reason}")
    return engine


class _EmbeddingEngine(Engine):
    """An engine that keeps the embeddings of the file that it hears."""

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self.classifier = Classifier(self.bundle, config.runtime, config.threads, embeds=True)
        self.embeddings: list[npt.NDArray[Any]] = []

    def predict(self, window: Window) -> Prediction:
        """The model's answer to one window, whose embedding is kept."""
        scores, embedding = self.classifier.scores_and_embedding(window.features)
        self.embeddings.append(embedding)
        return self._prediction(scores)

    def mean(self) -> list[int] | list[float] | None:
        """The mean of what was kept, which is forgotten; None if nothing was."""
        if not self.embeddings:
            return None
        kept, self.embeddings = np.stack(self.embeddings), []
        mean = kept.mean(axis=0, dtype=np.float64)
        return (np.rint(mean) if kept.dtype == np.int8 else mean).astype(kept.dtype).tolist()  # type: ignore[no-any-return]


def _hear(engine: Engine, windows: int | None, item: Item) -> Row:
    name, sha256 = engine.bundle.info.name, engine.bundle.sha256
    try:
        with local(item.path) as path:
            if is_stream(path):
                raise AudioError(item.path, "is a pipe or a device, not a file")
            events = list(events_of(engine, windows, path))
    except GenreEdgeError as error:
        events = [error]
    except Exception as error:  # one file in millions must not stop the others
        events = [AudioError(item.path, f"{type(error).__name__}: {error}")]
    embedding = engine.mean() if isinstance(engine, _EmbeddingEngine) else None
    last = next((event for event in reversed(events) if not isinstance(event, FileWarning)), None)
    if not isinstance(last, FileRecord):
        reason = last.reason if isinstance(last, AudioError) else str(last)
        return _row(item, name, sha256, error=" ".join(reason.split()))
    genres = Counter(
        event.genre for event in events if isinstance(event, WindowRecord) and event.genre
    )
    warnings = [event.reason for event in events if isinstance(event, FileWarning)]
    return _row(
        item,
        name,
        sha256,
        seconds=last.seconds,
        windows=last.windows,
        genre=last.genre,
        confidence=last.confidence,
        scores=last.scores,
        shares={label: round(n / genres.total(), 4) for label, n in genres.most_common()},
        embedding=embedding,
        warning="; ".join(warnings) or None,
    )


def _row(item: Item, model: str, sha256: str, **values: Any) -> Row:
    empty: dict[str, Any] = dict.fromkeys(Row.__dataclass_fields__)
    known = {
        "path": valid_utf8(item.path),
        "size": item.size,
        "mtime": item.mtime,
        "model": model,
        "model_sha256": sha256,
        "version": __version__,
    }
    return Row(**(empty | {"scores": {}, "shares": {}} | known | values))
