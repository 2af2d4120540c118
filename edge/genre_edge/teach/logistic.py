"""Multinomial logistic regression with a class that is given: "none of these"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import Float32

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rows:
    """What is learnt from: one row a window."""

    features: Float32
    """float32 [n, dimensions]."""
    none: Float32
    """Logit of "none of these" for each row, float32 [n]: 0, or what the old labels
    have together."""
    allowed: Bool
    """Classes that are right for each row, [n, labels + 1]; the last is "none of
    these"."""
    weight: Float32
    """How much each row counts, float32 [n]."""

    def __getitem__(self, chosen: npt.NDArray[np.generic]) -> Rows:
        """Some of the rows."""
        return Rows(
            self.features[chosen], self.none[chosen], self.allowed[chosen], self.weight[chosen]
        )


@dataclass(frozen=True, eq=False)
class Line:
    """A linear map from features to logits."""

    weights: Float32
    """float32 [labels, dimensions]."""
    bias: Float32
    """float32 [labels]."""

    def logits(self, features: Float32) -> Float32:
        """float32 [n, labels] of features [n, dimensions]."""
        found: Float32 = features @ self.weights.T + self.bias
        return found


def fit_logistic(rows: Rows, variance: float, start: Line | None = None, steps: int = 60) -> Line:
    """The most probable weights, given the rows and a normal prior.

    The loss of a row is -log of the probability that all its allowed classes have
    together. The class "none of these" has no weights; its logit is given.

    Parameters
    ----------
    rows
        What is learnt from.
    variance
        Of the prior of each weight (the bias has none): more lets the weights follow
        the examples more closely.
    start
        Where to begin, which saves time; None: at zero.
    steps
        Most iterations of L-BFGS.
    """
    from scipy.optimize import minimize

    labels, dimensions = rows.allowed.shape[1] - 1, rows.features.shape[1]
    shape = (labels, dimensions + 1)
    features = np.hstack([rows.features, np.ones((len(rows.features), 1), np.float32)])
    forbidden = np.where(rows.allowed, 0.0, -np.inf).astype(np.float32)
    weight = rows.weight[:, None]

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        line = flat.reshape(shape).astype(np.float32)
        logits = np.hstack([features @ line.T, rows.none[:, None]])
        total, every = _log_sum(logits)
        right, share = _log_sum(logits + forbidden)
        slope = ((every - share) * weight)[:, :labels].T @ features
        prior = line / variance
        prior[:, -1] = 0
        value = float((rows.weight * (total - right)).sum() + (prior * line).sum() / 2)
        return value, (slope + prior).ravel().astype(np.float64)

    begin = np.zeros(shape) if start is None else np.hstack([start.weights, start.bias[:, None]])
    found = minimize(
        loss,
        begin.ravel().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps, "ftol": 1e-5},
    ).x.reshape(shape)
    return Line(found[:, :-1].astype(np.float32), found[:, -1].astype(np.float32))


def _log_sum(logits: Float32) -> tuple[Float32, Float32]:
    """log(sum(exp(x))) of each row, and the share that each class has in it."""
    peak = logits.max(axis=1, keepdims=True)
    powers = np.exp(logits - peak)
    total = powers.sum(axis=1, keepdims=True)
    return (np.log(total) + peak)[:, 0], powers / total
