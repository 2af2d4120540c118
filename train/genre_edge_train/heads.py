"""Soft labels: what the teacher, with a simple head for our genres, and an earlier student think of each clip.

The teacher's heads and the student make different mistakes; their mean is right more often than either, and says
what a clip resembles besides its label.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from genre_edge.frontend import Float32

from .clips import ClipSet, decode, softmax, standardise

_STEP = 512
"""Clips decoded at a time."""


def soft_labels(sets: Sequence[ClipSet], mels: int, student: Path | None) -> Float32:
    """Mean opinion on every clip of all sets, float32 [clips, labels].

    A linear softmax head is fitted to the teacher's scores and another to its embedding; an earlier student, if there is
    one, has as many votes as both.
    """
    target = np.concatenate([np.asarray(clips.target) for clips in sets])
    votes = [_head(sets, name, target) for name in ("scores", "embedding")]
    if student is not None:
        votes += [_student_opinion(sets, mels, student)] * len(votes)
    mean: Float32 = np.mean(votes, axis=0, dtype=np.float32)
    return mean


def _head(sets: Sequence[ClipSet], name: str, target: Float32) -> Float32:
    """Probabilities by a linear head on one of the teacher's outputs, fitted to the clips' labels."""
    x = np.concatenate([np.asarray(getattr(clips, name)) for clips in sets]).astype(np.float32)
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 0.05)
    inputs = keras.Input((x.shape[1],))
    # Heavy dropout keeps the head from learning single tracks by heart.
    outputs = keras.layers.Dense(target.shape[1], activation="softmax")(keras.layers.Dropout(0.5)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.AdamW(1e-3, weight_decay=0.05),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.05),
    )
    model.fit(x, target, batch_size=512, epochs=6, verbose=0)
    probabilities: Float32 = model.predict(x, batch_size=4096, verbose=0)
    return probabilities


def _student_opinion(sets: Sequence[ClipSet], mels: int, path: Path) -> Float32:
    """Probabilities by an earlier student that hears the clips as recorded."""
    model = keras.models.load_model(path, compile=False)
    opinions = [
        softmax(
            model.predict(
                standardise(decode(clips.clean[at : at + _STEP][:, :, :mels]))[..., None],
                batch_size=128,
                verbose=0,
            )["genre"]
        )
        for clips in sets
        for at in range(0, len(clips), _STEP)
    ]
    return np.concatenate(opinions)
