"""From examples to a line, and what the line says of recordings that it has not met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from .logistic import Line, Rows, fit_logistic
from .negatives import Negatives
from .space import Space, find_space
from .store import Song
from .twins import recordings_of

VARIANCE = 1.0
"""Variance of the prior of weights (see docs/teach.md for how it was chosen)."""
_FOLDS = 40
"""Most parts in which examples are left out: above that several songs go together."""
_FEWEST_SHARES = 5
"""Fewest parts in which negatives are left out."""
_WARM_STEPS = 15
"""Iterations for a fit that begins at one that differs by one song."""

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lesson:
    """Everything that one fit learns from."""

    songs: tuple[Song, ...]
    """The examples."""
    negatives: Negatives
    """Sounds that are none of the labels."""
    old: Line | None = None
    """The layer of the old labels, where the new ones stand beside them; on
    embeddings."""
    labels: tuple[str, ...] = field(default=())
    """The labels in the order in which they were first taught; found by itself."""

    def __post_init__(self) -> None:
        if not self.labels:
            found = dict.fromkeys(song.label for song in self.songs if not song.is_wrong)
            object.__setattr__(self, "labels", tuple(found))

    @cached_property
    def space(self) -> Space:
        """Where the line is fitted."""
        means = [song.embeddings.mean(axis=0) for song in self.songs]
        return find_space(np.stack([*means, *self.negatives.embeddings]))

    @cached_property
    def song_of(self) -> Int64:
        """The song of each row, an index into `songs`; -1 for negatives."""
        counts = [song.windows for song in self.songs]
        own = np.repeat(np.arange(len(self.songs)), counts)
        return np.concatenate([own, np.full(len(self.negatives.kinds), -1)]).astype(np.int64)

    def over_embeddings(self, found: Callable[[Float32], Float32]) -> Float32:
        """What a function of embeddings, [n, size], finds for each row: the songs'
        windows, then the negatives. All together would take twice the memory."""
        parts = [*(song.embeddings for song in self.songs), self.negatives.embeddings]
        together: Float32 = np.concatenate([found(part) for part in parts])
        return together

    def none_logit(self, embeddings: Float32) -> Float32:
        """The logit of "none of these": 0, or that of all old labels together,
        log(sum(exp(logits)))."""
        if self.old is None:
            return np.zeros(len(embeddings), np.float32)
        logits = self.old.logits(embeddings)
        peak = logits.max(axis=1)
        found: Float32 = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1))
        return found

    @cached_property
    def rows(self) -> Rows:
        """The rows that are learnt from. A song counts as much as any other, however
        long it is; all negatives together as much as one label."""
        labels, count = len(self.labels), len(self.song_of)
        allowed = np.zeros((count, labels + 1), bool)
        weight = np.zeros(count, np.float32)
        taught = [song for song in self.songs if song.label in self.labels]
        for number, song in enumerate(self.songs):
            mine = self.song_of == number
            if song.label not in self.labels:
                allowed[mine, labels] = True  # only ever taught as *not* being it
            elif song.is_wrong:
                allowed[mine] = True
                allowed[mine, self.labels.index(song.label)] = False
            else:
                allowed[mine, self.labels.index(song.label)] = True
            weight[mine] = 1 / max(1, song.windows)
        others = self.song_of < 0
        allowed[others, labels] = True
        if others.any():
            weight[others] = max(1, len(taught)) / max(1, labels) / int(others.sum())
        features = self.over_embeddings(self.space.features)
        return Rows(features, self.over_embeddings(self.none_logit), allowed, weight)

    @cached_property
    def line(self) -> Line:
        """The line that has learnt from everything, in `space`."""
        return fit_logistic(self.rows, VARIANCE)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What lines say that have not met what they are asked about."""

    songs: Float32
    """Logits of the windows of the songs, less that of "none of these": float32
    [windows, labels]."""
    song_of: Int64
    """The song of each of these windows, an index into `Lesson.songs`."""
    negatives: Float32
    """The same of negatives, float32 [n, labels]."""
    strangers: Float32
    """The same of songs whose whole label was left out: music of the user's that is
    none of the labels. -inf for the label itself."""
    strangers_of: Int64
    """The song of each of these, an index into `Lesson.songs`."""


def held_out(lesson: Lesson) -> HeldOut:
    """Leave out one recording at a time, with a share of the negatives, and learn from
    the rest; then one label at a time.

    Examples that are one recording (see `twins`) are left out together. The space is
    found once, on all recordings without their labels. Negatives are asked of lines
    that know every label.
    """
    rows, own = lesson.rows, lesson.song_of >= 0
    parts = _parts(recordings_of(lesson.songs, lesson.space.centre))
    # Whoever leaves out a label's only song learns nothing of that label.
    parts.sort(key=lambda part: not _knows_every_label(lesson, part))
    asking = sum(_knows_every_label(lesson, part) for part in parts)
    parts = [*([[]] * max(0, _FEWEST_SHARES - asking)), *parts]
    asking = max(asking, _FEWEST_SHARES)
    found = np.zeros((len(own), len(lesson.labels)), np.float32)
    outside = np.flatnonzero(~own)
    for number, part in enumerate(parts):
        left_out = np.isin(lesson.song_of, part)
        if number < asking:
            left_out[outside[number::asking]] = True
        line = fit_logistic(rows[~left_out], VARIANCE, lesson.line, _WARM_STEPS)
        found[left_out] = _margins(line, rows[left_out])
    strangers, of = _strangers(lesson)
    return HeldOut(found[own], lesson.song_of[own], found[~own], strangers, of)


def _knows_every_label(lesson: Lesson, part: Sequence[int]) -> bool:
    """Whether every label has a song outside a part."""
    rest = [song for i, song in enumerate(lesson.songs) if i not in part and not song.is_wrong]
    return {song.label for song in rest} == set(lesson.labels)


def _strangers(lesson: Lesson) -> tuple[Float32, Int64]:
    """Each label's songs, asked of lines that know the other labels only."""
    none = np.zeros((0, len(lesson.labels)), np.float32), np.zeros(0, np.int64)
    if len(lesson.labels) < 3:
        return none
    answers, of = [none[0]], [none[1]]
    for number, label in enumerate(lesson.labels):
        its_own = [i for i, song in enumerate(lesson.songs) if song.label == label]
        theirs = np.isin(lesson.song_of, its_own)
        line = fit_logistic(lesson.rows[~theirs], VARIANCE, lesson.line, _WARM_STEPS)
        asked = theirs & lesson.rows.allowed[:, number]
        margins = _margins(line, lesson.rows[asked])
        margins[:, number] = -np.inf
        answers.append(margins)
        of.append(lesson.song_of[asked])
    return np.concatenate(answers), np.concatenate(of)


def _margins(line: Line, rows: Rows) -> Float32:
    found: Float32 = line.logits(rows.features) - rows.none[:, None]
    return found


def _parts(recordings: Sequence[int]) -> list[list[int]]:
    """Indices of the songs that are left out together."""
    groups: dict[int, list[int]] = {}
    for song, recording in enumerate(recordings):
        groups.setdefault(recording, []).append(song)
    folds = list(groups.values())
    if len(folds) <= _FOLDS:
        return folds
    return [[*chain.from_iterable(folds[first::_FOLDS])] for first in range(_FOLDS)]
