"""Training the edge network on augmented clips, with a teacher's embedding and scores as further targets.

Each batch holds clips as recorded and clips as heard in a room, half and half, and a few first-three-seconds
log-mels with their label alone. The heads that answer the teacher are dropped afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from genre_edge.frontend import Float32
from keras import layers

from .clips import EMBEDDING, SCORES, ClipSet, decode, standardise
from .heads import Linear, soft_labels
from .melaugment import MelAugmenter
from .models import edge_trunk

_FARTHEST = 4.0
"""Standard deviations beyond which a teacher's output is clipped."""
_OPINION_WEIGHT = 0.25
"""Of the head on the teacher's scores beside the student's own."""


@dataclass(frozen=True)
class DistilSpec:
    """How the student is trained."""

    epochs: int = 24
    """Passes over the clip set."""
    batch: int = 128
    """Clips a step."""
    extra: int = 10
    """First-three-seconds log-mels added to each batch."""
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
    """Share of the soft label in the genre target; the rest is the clip's own label."""
    room_share: float = 0.5
    """Share of clips heard in a room."""
    seed: int = 0
    """Seed of weights, order and masks."""


def student(shape: tuple[int, int], classes: int) -> keras.Model:
    """The edge network with three heads: genre logits, the teacher's embedding, the teacher's scores."""
    inputs, features = edge_trunk(shape)
    genre = layers.Dense(classes, name="genre")(layers.Dropout(0.3)(features))
    embedding = layers.Dense(EMBEDDING, name="embedding")(features)
    scores = layers.Dense(SCORES, name="scores")(features)
    return keras.Model(inputs, {"genre": genre, "embedding": embedding, "scores": scores})


def classifier_of(trained: keras.Model, opinion: Linear) -> keras.Model:
    """A softmax of the genre head's logits plus a quarter of those that `opinion` reads from the student's scores.

    `opinion` knows only tracks that the teacher has heard; at full weight it overrules what the student has learnt of the
    others from their log-mels. Both are linear in the same features, so that one dense layer holds their sum.
    """
    features = trained.get_layer("genre").input
    kernel, bias = trained.get_layer("genre").get_weights()
    scores_kernel, scores_bias = trained.get_layer("scores").get_weights()
    dense = layers.Dense(len(bias), activation="softmax", name="genre_softmax")
    trunk = keras.Model(trained.input, _without_dropout(trained, features))
    model = keras.Model(trunk.input, dense(trunk.output), name="edge")
    dense.set_weights(
        [
            kernel + _OPINION_WEIGHT * scores_kernel @ opinion.kernel,
            bias + _OPINION_WEIGHT * (scores_bias @ opinion.kernel + opinion.bias),
        ]
    )
    return model


def _without_dropout(trained: keras.Model, features: Any) -> Any:
    """The tensor that enters the last dropout: it does nothing in inference, and need not be exported."""
    for layer in trained.layers:
        if isinstance(layer, layers.Dropout) and layer.output is features:
            return layer.input
    return features


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
    """The fold of each training track, if there are to be soft labels: [tracks]."""


def scores_norm(sets: Sequence[ClipSet]) -> Callable[[Float32], Float32]:
    """Normalises the teacher's scores as the student is to give them."""
    sample = np.linspace(0, len(sets[0]) - 1, min(4000, len(sets[0]))).astype(int)
    scores = sets[0].scores[sample].astype(np.float32)
    # One scale for all scores: classes that never sound stay near zero and cost nothing.
    return partial(
        _normalised, mean=scores.mean(0), deviation=np.float32(np.sqrt(scores.var(0).mean()) * 1.5)
    )


class Batches:
    """Endless training batches."""

    def __init__(self, material: Material, spec: DistilSpec, soft: Float32 | None = None) -> None:
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
        return self._sets[0].target.shape[1]

    def epoch(self, number: int) -> Iterator[tuple[Float32, dict[str, Float32], dict[str, Float32]]]:
        """The batches of epoch `number`: (features, targets, weights)."""
        rng = np.random.default_rng([self._spec.seed, number])
        order = rng.permutation(int(self._first[-1]))
        for step in range(self.steps):
            yield self._batch(rng, np.sort(order[step * self._spec.batch : (step + 1) * self._spec.batch]))

    def _batch(
        self, rng: np.random.Generator, chosen: npt.NDArray[np.int64]
    ) -> tuple[Float32, dict[str, Float32], dict[str, Float32]]:
        spec = self._spec
        x = np.stack([self._features(rng, index) for index in chosen])
        x = decode(x[:, :, : self._mels])
        genre = self._column("target", chosen)
        if self._soft is not None:
            genre = genre * (1 - spec.soft_share) + self._soft[chosen] * spec.soft_share
        embedding = _normalised(self._column("embedding", chosen), *self._embedding_norm)
        scores = self._scores_norm(self._column("scores", chosen))
        taught = np.ones(len(chosen), dtype=np.float32)
        if self._extra is not None:
            features, label = self._extra.draw(rng, spec.extra)
            x = np.concatenate([x, features[:, :, : self._mels]])
            genre = np.concatenate([genre, label])
            embedding = np.concatenate([embedding, np.zeros((spec.extra, EMBEDDING))])
            scores = np.concatenate([scores, np.zeros((spec.extra, SCORES))])
            taught = np.concatenate([taught, np.zeros(spec.extra, dtype=np.float32)])
        genre = genre * (1 - spec.smoothing) + spec.smoothing / genre.shape[1]
        targets = {
            "genre": genre.astype(np.float32),
            "embedding": embedding.astype(np.float32),
            "scores": scores.astype(np.float32),
        }
        weights = {"genre": np.ones(len(x), dtype=np.float32), "embedding": taught, "scores": taught}
        return _mask(standardise(x), rng)[..., None], targets, weights

    def _find(self, index: int) -> tuple[ClipSet, int]:
        """The clip set that holds clip `index` of all, and its number there."""
        at = int(np.searchsorted(self._first, index, side="right")) - 1
        return self._sets[at], int(index - self._first[at])

    def _features(self, rng: np.random.Generator, index: int) -> npt.NDArray[np.uint8]:
        """The stored features of one clip, in one of its rooms or as recorded."""
        clips, at = self._find(index)
        if rng.random() < self._spec.room_share:
            room: npt.NDArray[np.uint8] = clips.room[at, int(rng.integers(clips.room.shape[1]))]
            return room
        clean: npt.NDArray[np.uint8] = clips.clean[at]
        return clean

    def _column(self, name: str, chosen: npt.NDArray[np.int64]) -> Float32:
        """One stored array's rows of the chosen clips, float32."""
        rows = [getattr(clips, name)[at] for clips, at in (self._find(index) for index in chosen)]
        return np.stack(rows).astype(np.float32)

    def dataset(self, first_epoch: int, epochs: int) -> tf.data.Dataset:
        """All batches from `first_epoch` on as a tf.data pipeline."""
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
    """Standardised and clipped: sounds unlike music would else outweigh everything."""
    return np.clip((values - mean) / deviation, -_FARTHEST, _FARTHEST)


def _mask(x: Float32, rng: np.random.Generator) -> Float32:
    """SpecAugment (Park et al., 2019): two stretches of frames and two of bands set to the mean."""
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


def one_cycle(spec: DistilSpec, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up over a twentieth of the run, then half a cosine down to zero."""
    warmup = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(
        spec.learning_rate / 30, steps - warmup, 0.0, warmup_target=spec.learning_rate, warmup_steps=warmup
    )


def distil(
    material: Material,
    spec: DistilSpec,
    folder: Path,
    judge: Callable[[keras.Model], dict[str, float]],
    start_from: Path | None = None,
) -> keras.Model:
    """Train a student; goes on from the last finished epoch if `folder` holds one.

    `start_from` is a student.keras to take the first weights from. `judge` measures the model after each
    epoch; its figures go to `history.jsonl`, and the losses to TensorBoard's logs beside it.
    """
    finished, log = folder / "student.keras", folder / "history.jsonl"
    done = sum(1 for _ in log.open()) if log.exists() else 0
    if finished.exists() and done >= spec.epochs:
        trained: keras.Model = keras.models.load_model(finished, compile=False)
        return trained
    keras.utils.set_random_seed(spec.seed)
    soft = None if material.fold is None else soft_labels(material.sets, material.fold)
    batches = Batches(material, spec, soft)
    model = student(batches.shape, batches.labels)
    if start_from is not None:
        model.load_weights(start_from)
    model.compile(
        keras.optimizers.AdamW(one_cycle(spec, batches.steps * spec.epochs), weight_decay=spec.weight_decay),
        loss={
            "genre": keras.losses.CategoricalCrossentropy(from_logits=True),
            "embedding": "mse",
            "scores": "mse",
        },
        loss_weights={"genre": 1.0, "embedding": spec.embedding_weight, "scores": spec.scores_weight},
    )
    started = time.monotonic()

    def record(epoch: int, logs: dict[str, float] | None = None) -> None:
        entry = {"epoch": epoch + 1, **{k: round(float(v), 5) for k, v in (logs or {}).items()}}
        entry |= judge(model)
        with log.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        left = (time.monotonic() - started) / (epoch + 1 - done) * (spec.epochs - epoch - 1)
        print(
            f"valid: {entry['clean_windows']:.1%} of windows, {entry['clean_tracks']:.1%} of tracks; "
            f"about {left / 60:.0f} min left"
        )

    model.fit(
        batches.dataset(done, spec.epochs),
        epochs=spec.epochs,
        steps_per_epoch=batches.steps,
        shuffle=False,  # the batches are drawn at random
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=record),
            keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
            keras.callbacks.BackupAndRestore(str(folder / "backup"), delete_checkpoint=False),
        ],
    )
    model.save(finished)
    return model
