"""Sounds that are none of a user's labels: embeddings that a bundle carries."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from ..errors import BundleError
from ..model.bundle import Bundle
from ..model.bundle_checks import shown
from ..model.bundle_members import parsed
from .trunk import Trunk

NONE = "none of these"
"""The label of everything that the user has not taught."""
MUSIC, SPEECH, NOISE = "music", "speech", "noise"
"""The kinds of sounds."""
LEVELS = 3
"""Values that a number of an embedding can have in a bundle."""
_ROUNDS = 15
"""Steps to these values; they move no more after a few."""


@dataclass(frozen=True, eq=False)
class Negatives:
    """Embeddings of single windows, each of another recording."""

    embeddings: Float32
    """float32 [n, size]."""
    kinds: tuple[str, ...]
    """MUSIC, SPEECH or NOISE, for each of them."""


def packed(negatives: Negatives, levels: int = LEVELS) -> bytes:
    """The member of a bundle that holds the negatives.

    Each number becomes one of a few levels, and each dimension has levels of its own.
    They keep the dimension's mean and deviation: with less deviation, unmet music would
    seem to lie farther from a label than it does, and be given it.
    """
    values = negatives.embeddings.astype(np.float64)
    means, nearest = _clusters(values, levels)
    kept = np.take_along_axis(means, nearest, axis=0)
    middle, deviation = kept.mean(axis=0), np.maximum(kept.std(axis=0), 1e-9)
    means = middle + (means - middle) * values.std(axis=0) / deviation
    used = (nearest == np.arange(levels)[:, None, None]).any(axis=1)
    means = np.where(used, means, middle)
    low = float(means.min())
    step = max(float(means.max()) - low, 1e-9) / 255
    header = {"kinds": negatives.kinds, "levels": levels, "low": low, "step": step}
    numbers = np.rint((means - low) / step).astype(np.uint8).tobytes()
    numbers += nearest.astype(np.uint8).T.tobytes()
    return b"\n".join((json.dumps(header).encode(), numbers))


def _clusters(
    values: npt.NDArray[np.float64], count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Clusters of each dimension's numbers (k-means): their means [count, size], in
    order, and the cluster of each number, [n, size]."""
    low, high = values.min(axis=0), np.quantile(values, 0.97, axis=0)
    means = low + (high - low) * np.linspace(0, 1, count)[:, None]
    for _ in range(_ROUNDS):
        nearest = _nearest(values, means)
        for number in range(count):
            mine = nearest == number
            sums = np.where(mine, values, 0).sum(axis=0)
            own = mine.sum(axis=0)
            means[number] = np.where(own, sums / np.maximum(own, 1), means[number])
    return means, _nearest(values, means)


def _nearest(
    values: npt.NDArray[np.float64], means: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """The nearest of the means, which rise, to each number."""
    between = (means[1:] + means[:-1]) / 2
    found: npt.NDArray[np.int64] = (values > between[:, None]).sum(axis=0)
    return found


def negatives_of(bundle: Bundle, trunk: Trunk) -> Negatives:
    """The negatives that a bundle carries; none if it carries none.

    Raises
    ------
    BundleError
        If they are damaged, or are not of this network.
    """
    if not bundle.negatives:
        return Negatives(np.zeros((0, trunk.size), np.float32), ())
    header, _, numbers = bundle.negatives.partition(b"\n")
    try:
        described = parsed(header)
        kinds = tuple(str(kind) for kind in described["kinds"])
        levels = _levels(numbers, int(described["levels"]), trunk.size)
        nearest = np.frombuffer(numbers, np.uint8, offset=levels.size)
        if len(nearest) != len(kinds) * trunk.size:
            raise ValueError(f"{len(nearest)} numbers for {len(kinds)} times {trunk.size}")
        nearest = nearest.reshape(trunk.size, len(kinds)).T
        values = float(described["low"]) + float(described["step"]) * levels
        found = np.take_along_axis(values.astype(np.float32), nearest.astype(np.intp), axis=0)
        return Negatives(found, kinds)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        reason = shown(error)
        raise BundleError(f"{bundle.path}: its negatives are damaged ({reason})") from None


def _levels(numbers: bytes, count: int, size: int) -> Float32:
    """The levels of each dimension, [count, size]. ValueError if they are not there."""
    if not 0 < count <= 255 or len(numbers) < count * size:
        raise ValueError(f"{count} levels, {len(numbers)} bytes")
    return np.frombuffer(numbers, np.uint8, count * size).reshape(count, size).astype(np.float32)
