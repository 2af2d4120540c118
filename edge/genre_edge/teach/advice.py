"""What the figures say that a person should do: a song to look at, labels that are not
heard apart, whether more songs would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .deciding import Decision
from .figures import Figures, figures_of
from .learning import HeldOut, Lesson, held_out
from .store import Song
from .twins import in_two_labels

_PULLS = 0.25
"""How much more probable another label must be for a song to be doubted."""
_MOST_DOUBTED = 5
_CONFUSED_SHARE = 0.3
"""Share of two labels' songs that are taken for each other, from which they are not
heard apart."""
_DRAWS = 3
"""Lessons with half of the songs whose mean tells what fewer songs are worth."""
_FEWEST = 4
"""Songs of a label from which half of them can be judged."""


@dataclass(frozen=True)
class Doubt:
    """A song that pulls against its label."""

    song: Song
    """The song."""
    sounds_like: str
    """The label that it sounds like."""
    probability: float
    """Of that label, when the song was left out; 0 to 1."""


def doubted(figures: Figures) -> list[Doubt]:
    """Songs that sound much more like another label than their own, worst first."""
    found = []
    for song, scores in zip(figures.judged, figures.scores, strict=True):
        among = scores[:-1]
        best, own = int(among.argmax()), figures.labels.index(song.label)
        if among[best] - among[own] > _PULLS:
            found.append(Doubt(song, figures.labels[best], float(among[best])))
    return sorted(found, key=lambda doubt: -doubt.probability)[:_MOST_DOUBTED]


def not_apart(figures: Figures) -> list[tuple[str, str]]:
    """Pairs of labels that are taken for each other."""
    pairs, labels = [], figures.labels[:-1]
    truth = np.array([labels.index(song.label) for song in figures.judged], dtype=np.int64)
    named = figures.scores[:, :-1].argmax(axis=1)
    for i, first in enumerate(labels):
        for j, second in enumerate(labels[:i]):
            ours, theirs = truth == i, truth == j
            swapped = int((named[ours] == j).sum() + (named[theirs] == i).sum())
            if swapped and swapped >= _CONFUSED_SHARE * int(ours.sum() + theirs.sum()):
                pairs.append((second, first))
    return pairs


def same_recordings(lesson: Lesson) -> list[tuple[Song, Song]]:
    """Examples that are one recording under two labels."""
    return in_two_labels(lesson.songs, lesson.space.centre)


@dataclass(frozen=True)
class Outlook:
    """What more songs would be worth."""

    half: float
    """Share of songs right, NONE left aside, with half as many a label."""
    now: float
    """The same with all."""

    @property
    def double(self) -> float:
        """The same with twice as many, if errors go on falling at this rate: a power
        law of the number of songs."""
        wrong = 1 - self.now
        return 1 - wrong * min(1.0, wrong / max(1 - self.half, 1e-9))


def outlook(lesson: Lesson, now: HeldOut, decision: Decision) -> Outlook | None:
    """What more songs would be worth; None where there are too few to say."""
    songs = [song for song in lesson.songs if not song.is_wrong]
    if min(sum(song.label == label for song in songs) for label in lesson.labels) < _FEWEST:
        return None
    shares = []
    for draw in range(_DRAWS):
        some = _half(songs, lesson.labels, draw)
        half = Lesson(some, lesson.negatives, lesson.old, lesson.labels)
        among = figures_of(half, held_out(half), decision).among
        shares.append(among.right / among.count)
    among = figures_of(lesson, now, decision).among
    return Outlook(float(np.mean(shares)), among.right / among.count)


def _half(songs: Sequence[Song], labels: Sequence[str], draw: int) -> tuple[Song, ...]:
    """Half of each label's songs; another half for each draw."""
    rng = np.random.default_rng(draw)
    kept: list[Song] = []
    for label in labels:
        own = [song for song in songs if song.label == label]
        chosen = rng.permutation(len(own))[: (len(own) + 1) // 2]
        kept += [own[i] for i in sorted(chosen)]
    return tuple(kept)
