"""An engine that remembers what the network made of the last windows, so that they can
be taught: embeddings and levels for a few minutes, in memory, and no audio."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelError, UsageError
from ..model.bundle import find_model, read_bundle
from ..model.classifier import Classifier
from ..model.engine import Engine
from ..model.frontend import Window
from ..model.scores import Prediction
from ..settings.tables import EngineConfig
from .level_curve import STEP_SECONDS, LevelCurve, curve_of
from .trunk import head_of

_KEPT_SECONDS = 600.0
"""How long a window is remembered, s."""
_MOST_KEPT = 2000
"""Windows remembered at most, whatever the hop."""


@dataclass(frozen=True, eq=False)
class Remembered:
    """One window that was heard."""

    heard: float
    """When, on the clock of time.monotonic, s."""
    embedding: npt.NDArray[Any]
    """As the network has it, [size]."""
    powers: list[float]
    """Mean square of each step of what the window before it did not have."""
    thread: str
    """Name of the thread that heard it: each source has its own."""


@dataclass(frozen=True, eq=False)
class Recalled:
    """The last windows, oldest first."""

    embeddings: npt.NDArray[Any]
    """As the network has them, [windows, size]."""
    curve: LevelCurve
    """How loud they were; silent windows are left out."""


class RememberingEngine(Engine):
    """An engine whose last windows can be taught. Silent windows are not asked of it,
    so they are not remembered.

    Raises
    ------
    ModelError
        If the model cannot be taught, and as for `Engine`.
    """

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self.classifier = Classifier(self.bundle, config.runtime, config.threads, embeds=True)
        self._kept: deque[Remembered] = deque(maxlen=_MOST_KEPT)
        self._lock = threading.Lock()
        # What a window has that the one before it had not.
        self._new_seconds = min(self.logmel.hop_seconds, self.logmel.spec.window_seconds)
        self._steps = max(1, int(round(self._new_seconds / STEP_SECONDS, 6)))

    def predict(self, window: Window) -> Prediction:
        """The model's answer to one window, which is remembered."""
        scores, embedding = self.classifier.scores_and_embedding(window.features)
        newest = window.samples[-round(self._new_seconds * self.logmel.spec.sample_rate) :]
        powers = [float(step @ step) / len(step) for step in np.array_split(newest, self._steps)]
        thread = threading.current_thread().name
        with self._lock:
            self._kept.append(Remembered(time.monotonic(), embedding, powers, thread))
            while self._kept and self._kept[0].heard < time.monotonic() - _KEPT_SECONDS:
                self._kept.popleft()
        return Prediction(self.labels, scores)

    def last(self, seconds: float, source: str = "") -> Recalled:
        """What was heard in the last seconds.

        Parameters
        ----------
        seconds
            How far back.
        source
            The source, where several are heard.

        Raises
        ------
        UsageError
            If nothing was heard in that time but silence.
        """
        since, thread = time.monotonic() - seconds, f"source {source}".strip()
        with self._lock:
            found = [
                one
                for one in self._kept
                if one.heard >= since and (not source or one.thread == thread)
            ]
        if not found:
            raise UsageError(
                f"nothing was heard in the last {seconds:g} s: there is nothing to learn"
            )
        powers = [power for one in found for power in one.powers]
        curve = curve_of(powers, self._new_seconds / self._steps)
        return Recalled(np.stack([one.embedding for one in found]), curve)


def engine_to_teach(config: EngineConfig) -> Engine:
    """An engine that remembers, or a plain one where the model cannot be taught."""
    bundle = read_bundle(find_model(config.model))
    try:
        head_of(bundle)
    except ModelError:
        return Engine(config)
    return RememberingEngine(config)
