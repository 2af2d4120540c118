"""A whole library at once: its rows, and its embeddings in few dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from ..errors import UsageError
from .parts import read_about, rows_of_parts
from .row import COLUMNS

DIMENSIONS = 64
"""Dimensions of `Whole.vectors`, at most."""
_SAMPLE = 5000
"""Files that the directions are found from, at most."""


@dataclass(frozen=True)
class Whole:
    """All that a folder of results holds."""

    model: str
    """The bundle's name."""
    labels: tuple[str, ...]
    """The model's labels."""
    heard: list[dict[str, Any]]
    """Rows of files that have a genre, without their embeddings."""
    silent: int
    """Files in which no window has music."""
    failed: int
    """Files that were not heard."""
    vectors: Float32 | None
    """Embeddings of `heard` along their principal directions, the mean taken off,
    float32 [n, DIMENSIONS or fewer]; None if the folder has none."""


def read_whole(folder: Path, seen: Callable[[int], object] = lambda files: None) -> Whole:
    """Read everything in a folder of results.

    Parameters
    ----------
    folder
        What `genre-edge library` wrote.
    seen
        Called with the number of files of each part that was read.

    Raises
    ------
    UsageError
        If it is no such folder, a part is damaged, or nothing was heard.
    """
    about = read_about(folder)
    heard, silent, failed = list[dict[str, Any]](), 0, 0
    names = [name for name in COLUMNS if name != "embedding"]
    for _, rows in rows_of_parts(folder, names):
        heard += [{name: row[name] for name in names} for row in rows if row["genre"] is not None]
        failed += sum(row["error"] is not None for row in rows)
        silent += sum(row["genre"] is None and row["error"] is None for row in rows)
        seen(len(rows))
    if not heard:
        raise UsageError(f"{folder}: holds no file that has a genre")
    vectors = _vectors(folder, len(heard)) if about.get("embedding") else None
    return Whole(about["model"], tuple(about["labels"]), heard, silent, failed, vectors)


def _vectors(folder: Path, count: int) -> Float32:
    """Principal components of the embeddings, in the order of the rows."""
    step = max(1, count // _SAMPLE)
    sample = np.concatenate([found[::step] for found in _embeddings(folder)]).astype(np.float32)
    mean = sample.mean(axis=0)
    _, _, directions = np.linalg.svd(sample - mean, full_matrices=False)
    kept = directions[:DIMENSIONS].T
    return np.concatenate([(found - mean) @ kept for found in _embeddings(folder)]).astype(
        np.float32
    )


def _embeddings(folder: Path) -> Iterator[npt.NDArray[Any]]:
    """The embeddings of each part, of those rows that have a genre."""
    for part, rows in rows_of_parts(folder, ("genre", "embedding")):
        found = [row["embedding"] for row in rows if row["genre"] is not None]
        if None in found:
            raise UsageError(f"{part}: was made without --embeddings: remove it")
        if found:
            yield np.array(found, np.float32)
