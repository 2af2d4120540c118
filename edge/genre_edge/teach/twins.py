"""Examples that are the same recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Float32
from .store import Song

_ALIKE = 0.97
"""Cosine between windows from which they are the same sounds. The same window as MP3 at
half the level has 0.983 or more, windows of different songs at most 0.885."""
_SHARE = 0.5
"""Share of the shorter one's windows that must have a match."""


def recordings_of(songs: Sequence[Song], centre: Float32) -> list[int]:
    """A number for the recording of each song; the same number for the same recording.

    Windows are compared by the cosine between their embeddings, from which `centre`,
    the embedding of music in general, float32 [size], has been taken. The same music in
    another format, or louder, is found too; music that begins half a window later need
    not be.
    """
    found = list(range(len(songs)))
    units = []
    for song in songs:
        away = song.embeddings - centre
        units.append(away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9))
    for second in range(len(songs)):
        for first in range(second):
            if found[first] == first and _same(units[first], units[second]):
                found[second] = first
                break
    return found


def _same(first: Float32, second: Float32) -> bool:
    shorter, longer = sorted((first, second), key=len)
    return bool(((shorter @ longer.T).max(axis=1) >= _ALIKE).mean() >= _SHARE)


def in_two_labels(songs: Sequence[Song], centre: Float32) -> list[tuple[Song, Song]]:
    """Pairs of examples that are one recording and were taught as different labels."""
    recordings, pairs = recordings_of(songs, centre), []
    for i, song in enumerate(songs):
        for j in range(i):
            same = recordings[i] == recordings[j]
            if same and song.label != songs[j].label and not (song.is_wrong or songs[j].is_wrong):
                pairs.append((songs[j], song))
    return pairs
