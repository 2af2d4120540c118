"""The ways to name a genre that are held against each other; each is one class, and
imports what it needs when made.

A way is made from the options of the benchmark, and answers with the index of a label
for one window of 3 s, float32 [66150] at 22 050 Hz.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

RATE = 22_050
LABELS = (
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
)


@dataclass(frozen=True)
class Given:
    """Files that some ways need."""

    example: Path
    """The example project's network, a .keras file."""
    teacher: Path
    """YAMNet, a .tflite file."""
    head: Path
    """.npz of a logistic regression on YAMNet's embedding: weights [labels, 1024], bias
    [labels]."""


class Way(Protocol):
    """Names a genre."""

    @property
    def packages(self) -> Sequence[str]:
        """What has to be installed for it."""

    @property
    def files(self) -> Sequence[Path]:
        """What it loads."""

    def scores(self, samples: Any) -> Any:
        """A score for each label, [labels], of one window."""


class Example:
    """librosa's mel spectrogram, HPSS and MFCC, and the two-block CNN in TensorFlow."""

    packages = ("librosa", "tensorflow", "keras")

    def __init__(self, given: Given) -> None:
        import keras
        import librosa

        self._librosa = librosa
        self._model = keras.models.load_model(given.example, compile=False)
        self.files = (given.example,)

    def scores(self, samples: Any) -> Any:
        """The log-mel goes into the network; harmonic and percussive parts and MFCC are
        features it also extracts."""
        librosa = self._librosa
        logmel = _librosa_logmel(librosa, samples)
        librosa.effects.hpss(samples)
        librosa.feature.mfcc(y=samples, sr=RATE)
        return self._model.predict(logmel[None, :, :, None], verbose=0)[0]


def _librosa_logmel(librosa: Any, samples: Any) -> Any:
    """The example project's front-end by librosa, [126, 128], normalised."""
    power = librosa.feature.melspectrogram(
        y=samples, sr=RATE, n_fft=2048, hop_length=512, center=False, n_mels=128, fmax=RATE / 2
    )
    db = librosa.power_to_db(power, top_db=80.0)
    return ((db - db.mean()) / db.std()).T.astype(np.float32)


class Yamnet:
    """YAMNet's embedding (mean of its patches) and a logistic regression."""

    packages = ("ai-edge-litert", "soxr")

    def __init__(self, given: Given) -> None:
        from genre_edge_train.distil.teacher import Teacher

        self._teacher = Teacher(given.teacher)
        self.files = (given.teacher, given.head)
        if given.head.is_file():
            with np.load(given.head) as head:
                self._weights, self._bias = head["weights"], head["bias"]

    def embedding(self, samples: Any) -> Any:
        """float32 [1024]."""
        return self._teacher.listen(samples, RATE)[0]

    def scores(self, samples: Any) -> Any:
        """Logits."""
        return self._weights @ self.embedding(samples) + self._bias


class Ours:
    """genre-edge, resampling included."""

    packages: Sequence[str] = ("genre-edge",)

    def __init__(self, model: str, runtime: str) -> None:
        from genre_edge.model.engine import Engine
        from genre_edge.settings.tables import EngineConfig

        self._engine = Engine(EngineConfig(model, runtime=runtime))
        self.files = (Path(self._engine.bundle.path),)

    def scores(self, samples: Any) -> Any:
        """Probabilities."""
        import soxr

        logmel = self._engine.logmel
        heard = soxr.resample(samples, RATE, logmel.spec.sample_rate, quality="HQ")
        return self._engine.classifier.scores(logmel.window(heard[: logmel.spec.window_samples]))


WAYS: dict[str, Callable[[Given], Way]] = {
    "example project's way": Example,
    "YAMNet and a logistic head": Yamnet,
    "genre-edge float32, LiteRT": lambda given: Ours("gtzan-edge.float32", "litert"),
    "genre-edge int8, LiteRT": lambda given: Ours("gtzan-edge.int8", "litert"),
    "genre-edge float32, tflite-runtime": lambda given: Ours("gtzan-edge.float32", "tflite"),
    "genre-edge int8, tflite-runtime": lambda given: Ours("gtzan-edge.int8", "tflite"),
}
"""Name in the table: how it is made."""
