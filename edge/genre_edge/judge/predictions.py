"""What a model answered to every window of labelled tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import Float32

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """One model's scores on the windows of some tracks, and what is right.

    Every track has at least one window.
    """

    labels: tuple[str, ...]
    """Names of the model's outputs, in their order."""
    scores: Float32
    """Probabilities of each window, float32 [windows, labels]."""
    window_track: Int64
    """Each window's track, an index into `track_label`: [windows]."""
    track_label: Int64
    """Each track's true label, an index into `labels`: [tracks]."""
    groups: tuple[str, ...] = ()
    """What each track belongs to: a data set, or a condition it was played under.
    Empty if there are no groups."""

    @staticmethod
    def of_tracks(
        labels: Sequence[str],
        scores: Sequence[Float32],
        genres: Sequence[str],
        groups: Sequence[str] = (),
    ) -> Predictions:
        """Predictions from what is known of each track.

        Parameters
        ----------
        labels
            Names of the model's outputs, in their order.
        scores
            For each track the probabilities of its windows, float32 [windows, labels].
        genres
            Each track's true label.
        groups
            What each track belongs to, if there are groups.
        """
        windows = [len(one) for one in scores]
        return Predictions(
            tuple(labels),
            np.concatenate([np.zeros((0, len(labels)), np.float32), *scores]).astype(np.float32),
            np.repeat(np.arange(len(windows)), windows),
            np.array([list(labels).index(genre) for genre in genres], dtype=np.int64),
            tuple(groups),
        )

    @staticmethod
    def of_windows(
        labels: Sequence[str], scores: Float32, window_label: Int64, window_track: Int64
    ) -> Predictions:
        """Predictions from what is known of each window.

        Parameters
        ----------
        labels
            Names of the model's outputs, in their order.
        scores
            Probabilities, float32 [windows, labels].
        window_label
            Each window's true label, the same for all windows of a track: [windows].
        window_track
            A number for each window's track; any numbers will do: [windows].
        """
        _, first, track = np.unique(window_track, return_index=True, return_inverse=True)
        return Predictions(tuple(labels), scores, track, np.asarray(window_label)[first])

    @property
    def window_label(self) -> Int64:
        """Each window's true label: [windows]."""
        found: Int64 = self.track_label[self.window_track]
        return found

    @property
    def top1(self) -> Int64:
        """The most probable label of each window: [windows]."""
        found: Int64 = self.scores.argmax(axis=1)
        return found

    @property
    def confidence(self) -> Float32:
        """The probability of `top1`, float32 [windows]."""
        found: Float32 = self.scores.max(axis=1)
        return found

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether `top1` is the true label: [windows]."""
        found: npt.NDArray[np.bool_] = self.top1 == self.window_label
        return found

    @property
    def track_scores(self) -> Float32:
        """Mean probabilities of each track's windows, float32 [tracks, labels]: the
        verdict of `genre-edge classify`."""
        total = np.zeros((len(self.track_label), len(self.labels)), dtype=np.float64)
        np.add.at(total, self.window_track, self.scores)
        count = np.bincount(self.window_track, minlength=len(self.track_label))
        return (total / count[:, None]).astype(np.float32)

    def by_group(self) -> dict[str, Predictions]:
        """The predictions of each group by themselves, in the order the groups
        appear."""
        group = np.array(self.groups)
        return {name: self._where(group == name) for name in dict.fromkeys(self.groups)}

    def _where(self, chosen: npt.NDArray[np.bool_]) -> Predictions:
        """Those of the tracks for which `chosen` [tracks] is true."""
        number = np.cumsum(chosen) - 1
        kept = chosen[self.window_track]
        return Predictions(
            self.labels,
            self.scores[kept],
            number[self.window_track[kept]],
            self.track_label[chosen],
            tuple(np.array(self.groups)[chosen].tolist()),
        )
