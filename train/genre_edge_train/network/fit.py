"""Fitting a network to labelled windows: checkpoints, early stopping, TensorBoard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from genre_edge.arrays import Float32

from ..data.windows import Windows
from .models import build


@dataclass(frozen=True)
class FitSpec:
    """How a network is fitted."""

    arch: str = "two-block"
    """Name in models.ARCHITECTURES."""
    epochs: int = 30
    """Greatest number of passes over the training windows."""
    batch: int = 64
    """Windows in a step."""
    learning_rate: float = 1e-3
    """Adam's rate; halved when the valid loss does not fall for 3 epochs."""
    patience: int = 8
    """Epochs without a lower valid loss before it stops; the best weights are kept."""
    seed: int = 0
    """Seed of weights and order."""


def fit(train: Windows, valid: Windows, labels: int, spec: FitSpec, folder: Path) -> keras.Model:
    """Fit a network to labelled windows.

    After an interruption it continues from `folder`/backup.

    Parameters
    ----------
    train, valid
        Windows to learn from, and to stop by.
    labels
        Number of labels.
    spec
        How it is fitted.
    folder
        Where history.csv, the backup and TensorBoard's logs go.

    Returns
    -------
    keras.Model
        The model of the epoch with the lowest valid loss.
    """
    keras.utils.set_random_seed(spec.seed)
    model = build(spec.arch, train.shape(), labels)
    model.compile(
        keras.optimizers.Adam(spec.learning_rate),
        loss="sparse_categorical_crossentropy",
        weighted_metrics=["accuracy"],
    )
    model.fit(
        train.dataset(spec.batch, labels, spec.seed),
        validation_data=valid.dataset(spec.batch, labels, None),
        epochs=spec.epochs,
        shuffle=False,  # the dataset is shuffled
        callbacks=[
            keras.callbacks.BackupAndRestore(str(folder / "backup")),
            keras.callbacks.ReduceLROnPlateau(patience=3, factor=0.5),
            keras.callbacks.EarlyStopping(patience=spec.patience, restore_best_weights=True),
            keras.callbacks.CSVLogger(str(folder / "history.csv"), append=True),
            keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
        ],
    )
    return model


def predict(model: keras.Model, windows: Windows) -> Float32:
    """A model's probabilities, float32 [n, labels].

    The windows are read in batches, so that they need not fit into memory.
    """
    return np.concatenate([model.predict_on_batch(batch) for batch in windows.batches()])
