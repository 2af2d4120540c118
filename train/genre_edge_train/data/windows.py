"""The windows of many tracks as one sequence. They stay on disk until they are
used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from genre_edge.arrays import Float32

from .features import TrackFeatures

_STEP = 256
"""Windows that are read at a time."""


@dataclass(frozen=True)
class Windows:
    """Some windows of some tracks, with their labels."""

    features: Sequence[TrackFeatures]
    """The tracks; their windows are mapped from disk."""
    track: npt.NDArray[np.int64]
    """Each window's track, an index into `features`: [n]."""
    window: npt.NDArray[np.int64]
    """Its number within the track: [n]."""
    label: npt.NDArray[np.int64]
    """Its label: [n]."""

    def __len__(self) -> int:
        return len(self.track)

    @staticmethod
    def of(features: Sequence[TrackFeatures], labels: Sequence[str]) -> Windows:
        """All windows of the tracks."""
        count = [f.shape[0] for f in features]
        genre = [labels.index(f.track.genre) for f in features]
        window = np.concatenate([np.arange(n) for n in count]) if count else np.zeros(0, np.int64)
        return Windows(
            features, np.repeat(np.arange(len(count)), count), window, np.repeat(genre, count)
        )

    def where(self, chosen: npt.NDArray[np.bool_]) -> Windows:
        """Those windows for which `chosen` [n] is true."""
        return Windows(self.features, self.track[chosen], self.window[chosen], self.label[chosen])

    def on_side(self, side: str) -> Windows:
        """The windows of tracks with this `split`."""
        sides = np.array([f.track.split for f in self.features])
        return self.where(sides[self.track] == side)

    def tracks(self) -> int:
        """Number of tracks that the windows come from."""
        return len(np.unique(self.track))

    def get(self, index: int) -> Float32:
        """Window `index`, float32 [frames, mels, 1]."""
        window: Float32 = self.features[self.track[index]].windows[self.window[index]][..., None]
        return window

    def batches(self) -> Iterator[Float32]:
        """All windows in order, float32 [up to 256, frames, mels, 1] at a time."""
        for start in range(0, len(self), _STEP):
            yield np.stack([self.get(i) for i in range(start, min(start + _STEP, len(self)))])

    def shape(self) -> tuple[int, int]:
        """(frames, mels)."""
        _, frames, mels = self.features[0].shape
        return frames, mels

    def dataset(self, batch: int, labels: int, seed: int | None) -> tf.data.Dataset:
        """Batches to fit a network to.

        Parameters
        ----------
        batch
            Windows in a batch.
        labels
            Number of labels.
        seed
            Seed of the order, another in each epoch. None keeps the order and gives
            every window the same weight.

        Returns
        -------
        tf.data.Dataset
            Of (windows, labels, weights). The weights make every genre count the same.
        """
        count = np.bincount(self.label, minlength=labels)
        weight = len(self) / (np.maximum(count, 1) * labels)
        rng = None if seed is None else np.random.default_rng(seed)

        def one_by_one() -> Iterator[tuple[Float32, np.int64, float]]:
            for i in range(len(self)) if rng is None else rng.permutation(len(self)):
                yield self.get(i), self.label[i], weight[self.label[i]] if rng else 1.0

        signature = (
            tf.TensorSpec((*self.shape(), 1), tf.float32),
            tf.TensorSpec((), tf.int64),
            tf.TensorSpec((), tf.float32),
        )
        dataset = tf.data.Dataset.from_generator(one_by_one, output_signature=signature).batch(
            batch
        )
        return dataset.apply(
            tf.data.experimental.assert_cardinality(-(-len(self) // batch))
        ).prefetch(4)
