"""Linear probes: linear heads that read our genres from the teacher's outputs.

Soft labels say what a clip resembles besides its label. A head that was fitted to a
track would only repeat the track's label, so each head gives soft labels to other
tracks than it was fitted to. The head on the teacher's scores also becomes a part of
the finished classifier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.model.scores import softmax
from tqdm import tqdm

from .clips import ClipSet

FOLDS = 5
"""Heads for each output of the teacher; each gives soft labels to the fifth of the
tracks that it was not fitted to."""


def soft_labels(sets: Sequence[ClipSet], fold: npt.NDArray[np.int64]) -> Float32:
    """What every clip resembles, as a distribution over the labels.

    For each fold, a linear softmax head on the teacher's scores and another one on its
    embedding are fitted to the clips of the other folds. The soft label is the mean of
    the two. Clips without music keep their target.

    Parameters
    ----------
    sets
        The clips.
    fold
        The fold of each training track, 0 to FOLDS - 1.

    Returns
    -------
    ndarray
        float32 [clips of all sets, labels].
    """
    target = np.concatenate([np.asarray(clips.target) for clips in sets])
    track = np.concatenate([np.asarray(clips.track) for clips in sets])
    music = track >= 0
    clip_fold = np.where(music, fold[track], -1)
    soft = target.copy()
    soft[music] = 0.0
    with tqdm(total=2 * FOLDS, desc="soft labels", unit="head", disable=None) as bar:
        for name in ("scores", "embedding"):
            x = np.concatenate([np.asarray(getattr(clips, name)) for clips in sets]).astype(
                np.float32
            )
            x = (x - x.mean(axis=0)) / (x.std(axis=0) + 0.05)
            for number in range(FOLDS):
                out = clip_fold == number
                if out.any():
                    head = _fit(x[~out], target[~out])
                    soft[out] += softmax(x[out] @ head.kernel + head.bias) / 2
                bar.update()
    return soft


@dataclass(frozen=True)
class LinearProbe:
    """A fitted linear head: logits = x @ kernel + bias."""

    kernel: Float32
    """float32 [features, labels]."""
    bias: Float32
    """float32 [labels]."""


def fit_score_probe(
    sets: Sequence[ClipSet], normalise: Callable[[Float32], Float32]
) -> LinearProbe:
    """A head on the teacher's normalised scores, fitted to every clip's label.

    It learns few tracks by heart: it is right on three quarters of the clips that it
    was fitted to. So its errors are others than those of a network that was trained on
    the labels.

    Parameters
    ----------
    sets
        The clips.
    normalise
        As `scores_norm` gives it.
    """
    target = np.concatenate([np.asarray(clips.target) for clips in sets])
    return _fit(
        normalise(np.concatenate([np.asarray(clips.scores) for clips in sets]).astype(np.float32)),
        target,
    )


def _fit(x: Float32, target: Float32) -> LinearProbe:
    """A linear softmax head fitted to x [n, features] and target [n, labels]."""
    inputs = keras.Input((x.shape[1],))
    dense = keras.layers.Dense(target.shape[1])
    # Heavy dropout keeps the head from learning single tracks by heart.
    model = keras.Model(inputs, dense(keras.layers.Dropout(0.5)(inputs)))
    model.compile(
        keras.optimizers.AdamW(1e-3, weight_decay=0.05),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05),
    )
    model.fit(x, target, batch_size=512, epochs=6, verbose=0)
    return LinearProbe(*dense.get_weights())
