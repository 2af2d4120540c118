"""Linear heads that read our genres from the teacher's outputs.

Soft labels say what a clip resembles besides its label; no head has met the track that it speaks about, for it would
only repeat the label. The head on the teacher's scores also goes into the finished classifier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from genre_edge.frontend import Float32
from tqdm import tqdm

from .clips import ClipSet, softmax
from .targets import Targets

FOLDS = 5
"""Heads, each for the fifth of the tracks that it was not fitted to."""
_ROWS = 4096
"""Clips whose outputs are scaled at once."""


def soft_labels(sets: Sequence[ClipSet], fold: npt.NDArray[np.int64], targets: Targets) -> Float32:
    """A linear head's opinion on every clip of all sets, float32 [clips, labels].

    `fold` is the fold of each training track, in 0 to FOLDS - 1. For each fold a softmax head on the teacher's embedding is
    fitted to the clips of the other tracks. Clips without music keep their target.
    """
    target = np.concatenate([np.asarray(clips.target) for clips in sets])
    track = np.concatenate([np.asarray(clips.track) for clips in sets])
    x = _stacked(targets.embedding, [clips.embedding for clips in sets])
    clip_fold = np.where(track >= 0, fold[track], -1)
    soft = target.copy()
    for number in tqdm(range(FOLDS), desc="soft labels", unit="head", disable=None):
        out = clip_fold == number
        if out.any():
            head = _fit(x[~out], target[~out], dropout=0.1, decay=1.0)
            soft[out] = softmax(x[out] @ head.kernel + head.bias)
    return soft


@dataclass(frozen=True)
class Linear:
    """A linear head: logits = x @ kernel + bias."""

    kernel: Float32
    """float32 [features, labels]."""
    bias: Float32
    """float32 [labels]."""


def score_head(sets: Sequence[ClipSet], targets: Targets) -> Linear:
    """A head on the teacher's normalised scores, fitted to every clip's label.

    It knows few tracks by heart (it is right on three quarters of the clips it was fitted to), so that it errs elsewhere than
    a network that was trained on their labels.
    """
    target = np.concatenate([np.asarray(clips.target) for clips in sets])
    # Heavy dropout keeps the head from learning single tracks by heart.
    return _fit(_stacked(targets.scores, [clips.scores for clips in sets]), target, dropout=0.5, decay=0.05)


def _stacked(scaled: Callable[[Float32], Float32], stored: Sequence[npt.NDArray[np.float16]]) -> Float32:
    """All rows of the arrays on one scale, some thousand at a time: an embedding is wide."""
    return np.concatenate(
        [
            scaled(rows[at : at + _ROWS].astype(np.float32))
            for rows in stored
            for at in range(0, len(rows), _ROWS)
        ]
    )


def _fit(x: Float32, target: Float32, dropout: float, decay: float) -> Linear:
    """A linear softmax head fitted to x [n, features] and target [n, labels]."""
    inputs = keras.Input((x.shape[1],))
    dense = keras.layers.Dense(target.shape[1])
    model = keras.Model(inputs, dense(keras.layers.Dropout(dropout)(inputs)))
    model.compile(
        keras.optimizers.AdamW(1e-3, weight_decay=decay),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05),
    )
    model.fit(x, target, batch_size=512, epochs=6, verbose=0)
    return Linear(*dense.get_weights())
