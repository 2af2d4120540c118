"""What each training step of the edge network sees.

A batch holds clips with the teacher's opinion, some as recorded and some played in a
room, and a few log-mels whose audio is not there, with nothing but their label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from genre_edge.arrays import Float32

from ..augment.mels import MelAugmenter
from .clips import ClipSet, decode, standardise
from .teacher import EMBEDDING, SCORES

_FARTHEST = 4.0
"""A teacher's outputs are clipped at this many standard deviations."""
_Part = tuple[Float32, Float32, Float32, Float32, Float32]
"""Features, genre, embedding, scores, and the weight of the last two."""


@dataclass(frozen=True)
class DistilSpec:
    """How the student is trained."""

    epochs: int = 24
    """Passes over the clip set."""
    batch: int = 128
    """Clips in a step."""
    extra: int = 10
    """Log-mels without audio in each batch."""
    learning_rate: float = 3e-3
    """Peak of the one-cycle cosine schedule."""
    weight_decay: float = 1e-3
    """AdamW's decoupled decay."""
    smoothing: float = 0.05
    """Label smoothing."""
    embedding_weight: float = 1.0
    """Weight of the embedding's mean squared error."""
    scores_weight: float = 0.5
    """Weight of the log scores' mean squared error."""
    soft_share: float = 0.0
    """Share of the soft label in the target; the rest is the clip's own label."""
    room_share: float = 0.5
    """Share of clips that are played in a room."""
    seed: int = 0
    """Seed of weights, order and masks."""


@dataclass(frozen=True)
class Material:
    """What a student learns from."""

    sets: Sequence[ClipSet]
    """Augmented clips."""
    extra: MelAugmenter | None
    """Log-mels without audio."""
    mels: int
    """Lowest bands that the student sees."""
    fold: npt.NDArray[np.int64] | None
    """The fold of each training track, [tracks]; None where no soft labels are used."""


def scores_norm(sets: Sequence[ClipSet]) -> Callable[[Float32], Float32]:
    """The function that normalises a teacher's scores to what the student learns."""
    sample = np.linspace(0, len(sets[0]) - 1, min(4000, len(sets[0]))).astype(int)
    scores = sets[0].scores[sample].astype(np.float32)
    # One scale for all scores: classes that never occur stay near zero and cost
    # nothing.
    return partial(
        _normalised, mean=scores.mean(0), deviation=np.float32(np.sqrt(scores.var(0).mean()) * 1.5)
    )


class Batches:
    """Training batches, as many epochs of them as are wanted.

    Parameters
    ----------
    material
        What there is to learn from.
    spec
        How the student is trained.
    soft
        Soft labels of all clips, float32 [clips, labels], if they are used.
    """

    def __init__(
        self,
        material: Material,
        spec: DistilSpec,
        soft: Float32 | None = None,
    ) -> None:
        self._soft, self._spec = soft, spec
        self._sets, self._extra, self._mels = material.sets, material.extra, material.mels
        sets = material.sets
        self._first = np.cumsum([0, *(len(clips) for clips in sets)])
        sample = np.linspace(0, len(sets[0]) - 1, min(4000, len(sets[0]))).astype(int)
        embedding = sets[0].embedding[sample].astype(np.float32)
        self._embedding_norm = embedding.mean(0), embedding.std(0) + 0.02
        self._scores_norm = scores_norm(sets)

    @property
    def steps(self) -> int:
        """Batches in one epoch."""
        return int(self._first[-1]) // self._spec.batch

    @property
    def shape(self) -> tuple[int, int]:
        """(frames, mels) of the features."""
        return self._sets[0].clean.shape[1], self._mels

    @property
    def labels(self) -> int:
        """Number of labels."""
        return int(self._sets[0].target.shape[1])

    def epoch(
        self, number: int
    ) -> Iterator[tuple[Float32, dict[str, Float32], dict[str, Float32]]]:
        """The batches of epoch `number`: (features, targets, weights)."""
        rng = np.random.default_rng([self._spec.seed, number])
        order = rng.permutation(int(self._first[-1]))
        for step in range(self.steps):
            yield self._batch(
                rng, np.sort(order[step * self._spec.batch : (step + 1) * self._spec.batch])
            )

    def _batch(
        self, rng: np.random.Generator, chosen: npt.NDArray[np.int64]
    ) -> tuple[Float32, dict[str, Float32], dict[str, Float32]]:
        spec = self._spec
        parts = [self._clips(rng, chosen)]
        if self._extra is not None:
            parts.append(self._log_mels(rng, self._extra))
        x, genre, embedding, scores, taught = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        genre = genre * (1 - spec.smoothing) + spec.smoothing / genre.shape[1]
        targets = {
            "genre": genre.astype(np.float32),
            "embedding": embedding.astype(np.float32),
            "scores": scores.astype(np.float32),
        }
        weights = {
            "genre": np.ones(len(x), dtype=np.float32),
            "embedding": taught,
            "scores": taught,
        }
        return _mask(standardise(x), rng)[..., None], targets, weights

    def _clips(self, rng: np.random.Generator, chosen: npt.NDArray[np.int64]) -> _Part:
        x = np.stack([self._features(rng, index) for index in chosen])
        genre = self._column("target", chosen)
        if self._soft is not None:
            genre = genre * (1 - self._spec.soft_share) + self._soft[chosen] * self._spec.soft_share
        embedding = _normalised(self._column("embedding", chosen), *self._embedding_norm)
        scores = self._scores_norm(self._column("scores", chosen))
        return (
            decode(x[:, :, : self._mels]),
            genre,
            embedding,
            scores,
            np.ones(len(x), dtype=np.float32),
        )

    def _log_mels(self, rng: np.random.Generator, extra: MelAugmenter) -> _Part:
        features, genre = extra.draw(rng, self._spec.extra)
        embedding, scores = (
            np.zeros((len(features), width), np.float32) for width in (EMBEDDING, SCORES)
        )
        return (
            features[:, :, : self._mels],
            genre,
            embedding,
            scores,
            np.zeros(len(features), dtype=np.float32),
        )

    def _find(self, index: int) -> tuple[ClipSet, int]:
        """The clip set that holds clip `index` of all, and its number there."""
        at = int(np.searchsorted(self._first, index, side="right")) - 1
        return self._sets[at], int(index - self._first[at])

    def _features(self, rng: np.random.Generator, index: int) -> npt.NDArray[np.uint8]:
        """The stored features of one clip, as recorded or in one of its rooms."""
        clips, at = self._find(index)
        if rng.random() < self._spec.room_share:
            room: npt.NDArray[np.uint8] = clips.room[at, int(rng.integers(clips.room.shape[1]))]
            return room
        clean: npt.NDArray[np.uint8] = clips.clean[at]
        return clean

    def _column(self, name: str, chosen: npt.NDArray[np.int64]) -> Float32:
        """The rows of the chosen clips in one stored array, float32."""
        rows = [getattr(clips, name)[at] for clips, at in (self._find(index) for index in chosen)]
        return np.stack(rows).astype(np.float32)

    def dataset(self, first_epoch: int, epochs: int) -> tf.data.Dataset:
        """The batches from epoch `first_epoch` on, as a tf.data pipeline."""
        targets = {"genre": self.labels, "embedding": EMBEDDING, "scores": SCORES}
        signature = (
            tf.TensorSpec((None, *self.shape, 1), tf.float32),
            {name: tf.TensorSpec((None, width), tf.float32) for name, width in targets.items()},
            {name: tf.TensorSpec((None,), tf.float32) for name in targets},
        )

        def batches() -> Iterator[Any]:
            for number in range(first_epoch, epochs):
                yield from self.epoch(number)

        return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(4)


def _normalised(values: Float32, mean: Float32, deviation: Float32 | np.float32) -> Float32:
    """Standardised, and clipped so that sounds that are unlike music do not outweigh
    all others."""
    clipped: Float32 = np.clip((values - mean) / deviation, -_FARTHEST, _FARTHEST)
    return clipped


def _mask(x: Float32, rng: np.random.Generator) -> Float32:
    """SpecAugment (Park et al., 2019): two stretches of frames and two of bands are set
    to the mean."""
    frames, mels = x.shape[1:]
    for window in x:
        for _ in range(2):
            width = int(rng.integers(0, 17))
            at = int(rng.integers(0, frames - width))
            window[at : at + width] = 0.0
            width = int(rng.integers(0, 13))
            at = int(rng.integers(0, mels - width))
            window[:, at : at + width] = 0.0
    return x
