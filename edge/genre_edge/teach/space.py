"""The directions in which recordings differ: embeddings in fewer dimensions, in which a
few examples are enough to fit a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float32
from .logistic import Line

_DIMENSIONS = 96
"""Directions that are kept at most."""
_FLOOR = 0.1
"""Share of the largest deviation below which directions are no longer scaled up: they
are noise."""


@dataclass(frozen=True, eq=False)
class Space:
    """A linear map of embeddings, and back for the weights of a layer."""

    centre: Float32
    """float32 [size]."""
    directions: Float32
    """Scaled principal axes, float32 [size, dimensions]."""

    def features(self, embeddings: Float32) -> Float32:
        """float32 [n, dimensions] of embeddings [n, size]."""
        found: Float32 = np.matmul(embeddings - self.centre, self.directions)
        return found

    def layer(self, line: Line) -> Line:
        """The line as the weights and bias of a dense layer on the embeddings
        themselves."""
        weights = (line.weights @ self.directions.T).astype(np.float32)
        return Line(weights, (line.bias - weights @ self.centre).astype(np.float32))


def find_space(points: Float32) -> Space:
    """The space of recordings: principal component analysis of one point for each,
    float32 [n, size]; labels play no part in it.

    Each axis is divided by sqrt(s^2 + (_FLOOR * s_1)^2), where s is the deviation along
    it and s_1 the largest: most of the way to equal variance, but noise stays small.
    """
    centre = points.mean(axis=0)
    away = (points - centre).astype(np.float64)
    # The smaller of the two products has the same eigenvalues, singular values squared.
    few = len(away) <= away.shape[1]
    values, vectors = np.linalg.eigh(away @ away.T if few else away.T @ away)
    kept = np.argsort(values)[::-1][:_DIMENSIONS]
    kept = kept[values[kept] > 1e-9 * max(values.max(), 1e-12)]
    axes = away.T @ vectors[:, kept] / np.sqrt(values[kept]) if few else vectors[:, kept]
    variance = values[kept] / len(points)
    scale = np.sqrt(variance + _FLOOR**2 * variance.max(initial=0.0))
    return Space(centre.astype(np.float32), (axes / scale).astype(np.float32))
