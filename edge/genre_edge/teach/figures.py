"""How right taught labels are on songs that they have not met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float32
from ..judge.evaluation import Evaluation, evaluate
from ..judge.measures import uncertain_below, wilson
from ..judge.predictions import Predictions
from .deciding import Decision, with_none
from .learning import HeldOut, Int64, Lesson
from .negatives import NONE
from .store import Song


@dataclass(frozen=True)
class Share:
    """A share of counted cases."""

    right: int
    """Cases that are so."""
    count: int
    """All cases."""

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval, as if the cases were independent."""
        return wilson(self.right, self.count)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        low, high = self.interval
        return {
            "right": self.right,
            "count": self.count,
            "interval": [round(low, 4), round(high, 4)],
        }

    def __str__(self) -> str:
        if not self.count:
            return "not known"
        low, high = self.interval
        return f"{self.right} of {self.count} ({low:.0%} to {high:.0%})"


@dataclass(frozen=True, eq=False)
class Figures:
    """What leaving out one song at a time has shown."""

    labels: tuple[str, ...]
    """The labels, and last NONE."""
    judged: tuple[Song, ...]
    """Songs that could be judged: their label has another song to learn from."""
    scores: Float32
    """The verdict on each: mean probabilities, float32 [judged, labels]."""
    evaluation: Evaluation | None
    """By window and by song; None if no song could be judged."""
    among: Share
    """Songs whose own label is the most probable of the labels, NONE left aside."""
    negatives: Share
    """Windows of shipped negatives that were given one of the labels."""
    strangers: Share
    """Songs given one of the other labels when their own label was left out."""
    uncertain_below: float
    """Confidence from which on a window is more likely right than wrong."""

    @property
    def songs(self) -> Share:
        """Songs whose verdict is their label."""
        tracks = self.evaluation.tracks if self.evaluation else None
        return Share(tracks.right, tracks.count) if tracks else Share(0, 0)

    @property
    def windows(self) -> Share:
        """Windows whose most probable label is theirs."""
        found = self.evaluation.windows if self.evaluation else None
        return Share(found.right, found.count) if found else Share(0, 0)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "protocol": "one song left out at a time",
            "songs": self.songs.to_dict(),
            "windows": self.windows.to_dict(),
            "among_labels": self.among.to_dict(),
            "negatives_accepted": self.negatives.to_dict(),
            "left_out_labels_accepted": self.strangers.to_dict(),
        }


def figures_of(lesson: Lesson, held: HeldOut, decision: Decision) -> Figures:
    """The figures of a lesson."""
    labels = (*lesson.labels, NONE)
    judged = judged_songs(lesson.songs)
    scores = [with_none(decision.margins(held.songs[held.song_of == i])) for i in judged]
    songs = tuple(lesson.songs[i] for i in judged)
    evaluation, verdicts, limit = None, np.zeros((0, len(labels)), np.float32), 0.5
    if judged:
        predictions = Predictions.of_tracks(labels, scores, [song.label for song in songs])
        evaluation, verdicts = evaluate(predictions), predictions.track_scores
        limit = uncertain_below(predictions.confidence, predictions.right)
    truth = [labels.index(song.label) for song in songs]
    among = int((verdicts[:, :-1].argmax(axis=1) == truth).sum()) if judged else 0
    shipped = with_none(decision.margins(held.negatives)).argmax(axis=1) != len(labels) - 1
    strangers = _verdicts(decision.margins(held.strangers), held.strangers_of)
    return Figures(
        labels,
        songs,
        verdicts,
        evaluation,
        Share(among, len(judged)),
        Share(int(shipped.sum()), len(shipped)),
        Share(int((strangers.argmax(axis=1) != len(labels) - 1).sum()), len(strangers)),
        limit,
    )


def judged_songs(songs: Sequence[Song]) -> list[int]:
    """Indices of the songs whose label has another song."""
    return [
        i
        for i, song in enumerate(songs)
        if not song.is_wrong
        and any(
            other.label == song.label and not other.is_wrong
            for j, other in enumerate(songs)
            if j != i
        )
    ]


def _verdicts(margins: Float32, song_of: Int64) -> Float32:
    """Mean probabilities of each song, float32 [songs, labels + 1]."""
    probabilities = with_none(margins)
    means = [probabilities[song_of == song].mean(axis=0) for song in np.unique(song_of)]
    return np.stack(means) if means else np.zeros((0, probabilities.shape[1]), np.float32)
