"""Soft labels: what the teacher, with a simple head for our genres, thinks of each clip.

They say what a clip resembles besides its label. No head has met the track that it speaks about: it would
only repeat the label.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
from genre_edge.frontend import Float32
from tqdm import tqdm

from .clips import ClipSet

FOLDS = 5
"""Heads per output of the teacher, each for the fifth of the tracks that it was not fitted to."""


def soft_labels(sets: Sequence[ClipSet], fold: npt.NDArray[np.int64]) -> Float32:
    """Mean opinion on every clip of all sets, float32 [clips, labels].

    `fold` is the fold of each training track, in 0 to FOLDS - 1. For each fold a linear softmax head on the teacher's scores
    and another on its embedding are fitted to the clips of the other tracks. Clips without music keep their target.
    """
    target = np.concatenate([np.asarray(clips.target) for clips in sets])
    track = np.concatenate([np.asarray(clips.track) for clips in sets])
    music = track >= 0
    clip_fold = np.where(music, fold[track], -1)
    soft = target.copy()
    soft[music] = 0.0
    with tqdm(total=2 * FOLDS, desc="soft labels", unit="head", disable=None) as bar:
        for name in ("scores", "embedding"):
            x = np.concatenate([np.asarray(getattr(clips, name)) for clips in sets]).astype(np.float32)
            x = (x - x.mean(axis=0)) / (x.std(axis=0) + 0.05)
            for number in range(FOLDS):
                out = clip_fold == number
                if out.any():
                    soft[out] += _head(x[~out], target[~out], x[out]) / 2
                bar.update()
    return soft


def _head(x: Float32, target: Float32, asked: Float32) -> Float32:
    """Probabilities for `asked` by a linear head fitted to x [n, features] and target [n, labels]."""
    inputs = keras.Input((x.shape[1],))
    # Heavy dropout keeps the head from learning single tracks by heart.
    outputs = keras.layers.Dense(target.shape[1], activation="softmax")(keras.layers.Dropout(0.5)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.AdamW(1e-3, weight_decay=0.05),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.05),
    )
    model.fit(x, target, batch_size=512, epochs=6, verbose=0)
    probabilities: Float32 = model.predict(asked, batch_size=4096, verbose=0)
    return probabilities
