"""Fitting a network to labelled windows: tf.data from the cache, checkpoints, early stopping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from genre_edge.frontend import Float32

from .features import TrackFeatures, stacked
from .models import build


@dataclass(frozen=True)
class FitSpec:
    """How a network is fitted."""

    arch: str = "two-block"
    """Name in models.ARCHITECTURES."""
    epochs: int = 30
    """Most passes over the training windows."""
    batch: int = 64
    """Windows a step."""
    learning_rate: float = 1e-3
    """Adam's rate; halved when valid loss stands still for 3 epochs."""
    patience: int = 8
    """Epochs without a better valid loss before it stops; the best weights are kept."""
    seed: int = 0
    """Seed of weights and order."""


def _dataset(features: Sequence[TrackFeatures], labels: Sequence[str], spec: FitSpec) -> tf.data.Dataset:
    """Shuffled batches (windows, labels, weights); windows come from disk, weights even the genres out."""
    index = [(i, w) for i, f in enumerate(features) for w in range(len(f.windows))]
    label = [labels.index(f.track.genre) for f in features]
    count = np.bincount([label[i] for i, _ in index], minlength=len(labels))
    weight = len(index) / (np.maximum(count, 1) * len(labels))
    rng = np.random.default_rng(spec.seed)

    def windows() -> Iterator[tuple[Float32, int, float]]:
        for at in rng.permutation(len(index)):
            i, w = index[at]
            yield features[i].windows[w][..., None], label[i], weight[label[i]]

    shape = (*features[0].windows.shape[1:], 1)
    signature = (
        tf.TensorSpec(shape, tf.float32),
        tf.TensorSpec((), tf.int64),
        tf.TensorSpec((), tf.float32),
    )
    dataset = tf.data.Dataset.from_generator(windows, output_signature=signature)
    return (
        dataset.batch(spec.batch)
        .apply(tf.data.experimental.assert_cardinality(-(-len(index) // spec.batch)))
        .prefetch(4)
    )


def fit(
    train: Sequence[TrackFeatures],
    valid: Sequence[TrackFeatures],
    labels: Sequence[str],
    spec: FitSpec,
    folder: Path,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Fit; resumes from `folder`/backup after an interruption. Returns the best model and its history."""
    keras.utils.set_random_seed(spec.seed)
    model = build(spec.arch, tuple(train[0].windows.shape[1:]), len(labels))
    model.compile(
        keras.optimizers.Adam(spec.learning_rate),
        loss="sparse_categorical_crossentropy",
        weighted_metrics=["accuracy"],
    )
    x, y, _ = stacked(valid, labels)
    history = model.fit(
        _dataset(train, labels, spec),
        validation_data=(x, y),
        epochs=spec.epochs,
        shuffle=False,  # the dataset is shuffled
        callbacks=[
            keras.callbacks.BackupAndRestore(str(folder / "backup")),
            keras.callbacks.ReduceLROnPlateau(patience=3, factor=0.5),
            keras.callbacks.EarlyStopping(patience=spec.patience, restore_best_weights=True),
            keras.callbacks.CSVLogger(str(folder / "history.csv"), append=True),
        ],
    )
    return model, {name: [float(v) for v in values] for name, values in history.history.items()}
