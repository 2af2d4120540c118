"""Files that are the same recording, found by their embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ..arrays import Float32

SAME = 0.997
"""Cosine from which two files are taken for the same recording. docs/library.md says
what other encodings of one recording have, and what different ones."""
_LENGTH = 0.02
"""Share by which the lengths of the same recording may differ ..."""
_LENGTH_S = 1.0
"""... and seconds on top of that."""
_BLOCK = 2048
"""Files that are compared at a time."""


def groups_alike(
    vectors: Float32, seconds: Sequence[float], at_least: float = SAME
) -> list[list[int]]:
    """Groups of files that are one recording, the largest first.

    Only files of nearly the same length are compared, so that a large library takes
    minutes and not days. A recording that was cut is not found.

    Parameters
    ----------
    vectors
        One a file, the mean taken off, float32 [n, size].
    seconds
        Their lengths, s.
    at_least
        Cosine from which two are the same.

    Returns
    -------
    list of list of int
        Indices of each group of two or more, in order.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([*_pairs(vectors, np.asarray(seconds), at_least), np.zeros((0, 2), int)])
    links = coo_array((np.ones(len(pairs), bool), pairs.T), shape=(len(vectors),) * 2)
    _, group = connected_components(links, directed=False)
    order = np.argsort(group, kind="stable")
    edges = np.flatnonzero(np.diff(group[order])) + 1
    found = [one.tolist() for one in np.split(order, edges) if len(one) > 1]
    return sorted(found, key=lambda one: (-len(one), one))


def _pairs(
    vectors: Float32, seconds: npt.NDArray[np.float64], at_least: float
) -> Iterator[npt.NDArray[np.int64]]:
    """Pairs of indices, int [n, 2], of files that sound the same."""
    order = np.argsort(seconds, kind="stable")
    lengths = seconds[order]
    norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    units = (vectors / norms)[order]
    for first in range(0, len(units), _BLOCK):
        block = slice(first, min(first + _BLOCK, len(units)))
        longest = lengths[block.stop - 1] * (1 + _LENGTH) + _LENGTH_S
        end = int(np.searchsorted(lengths, longest, "right"))
        for second in range(first, end, _BLOCK):
            others = slice(second, min(second + _BLOCK, end))
            rows, columns = np.nonzero(units[block] @ units[others].T >= at_least)
            rows, columns = rows + first, columns + second
            near = lengths[columns] <= lengths[rows] * (1 + _LENGTH) + _LENGTH_S
            kept = (columns > rows) & near
            yield np.stack([order[rows[kept]], order[columns[kept]]], axis=1)
