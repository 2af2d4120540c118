"""Songs made of random embeddings, in clusters that can be told apart or cannot."""

from __future__ import annotations

import numpy as np
from genre_edge.teach.learning import Lesson
from genre_edge.teach.negatives import MUSIC, Negatives
from genre_edge.teach.store import FILE, Song

SIZE = 32
"""Numbers in one embedding."""


def songs(labels: dict[str, float], each: int = 5, windows: int = 4, seed: int = 0) -> list[Song]:
    """Songs of each label: their clusters lie that far from the middle of all music."""
    rng = np.random.default_rng(seed)
    found: list[Song] = []
    for number, (label, far) in enumerate(labels.items()):
        middle = np.random.default_rng(100 + number).standard_normal(SIZE)
        middle *= far / np.linalg.norm(middle)
        for _ in range(each):
            own = middle + rng.standard_normal(SIZE)
            embeddings = own + 0.5 * rng.standard_normal((windows, SIZE))
            name = f"/music/{label}-{len(found)}.wav"
            found.append(
                Song(len(found) + 1, label, False, FILE, name, 0.0, embeddings.astype(np.float32))
            )
    return found


def negatives(count: int = 120, seed: int = 1) -> Negatives:
    """Music all around the middle."""
    rng = np.random.default_rng(seed)
    return Negatives(1.2 * rng.standard_normal((count, SIZE)).astype(np.float32), (MUSIC,) * count)


def lesson(labels: dict[str, float], each: int = 5, seed: int = 0) -> Lesson:
    """A lesson of such songs."""
    return Lesson(tuple(songs(labels, each, seed=seed)), negatives())
