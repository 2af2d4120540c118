"""Confidence that means what it says: one temperature, fitted on the valid windows, and
biases that the user gives, put into the last layer.

Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section
4.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.errors import UsageError


def bias_vector(given: Sequence[tuple[str, float]], labels: Sequence[str]) -> Float32:
    """The logits given by label as float32 [labels], 0 for the others. UsageError for a
    label that is none of them."""
    for label, _ in given:
        if label not in labels:
            raise UsageError(f"--bias {label}: no such label; there are {', '.join(labels)}")
    return np.array(
        [sum(logit for name, logit in given if name == label) for label in labels], np.float32
    )


def bias_by_label(labels: Sequence[str], bias: Float32 | float) -> dict[str, float]:
    """A bias by label, those that are not 0, for the record."""
    values = np.broadcast_to(bias, len(labels))
    return {
        label: round(float(value), 3) for label, value in zip(labels, values, strict=True) if value
    }


def fit_temperature(
    logits: Float32, label: npt.NDArray[np.int64], bias: Float32 | float = 0.0
) -> float:
    """The temperature T (0.4 to 4) with the least mean negative log-likelihood of
    `label` [n] under logits / T + bias.

    `logits` are float32 [n, labels]; logarithms of probabilities will do. `bias` is
    float32 [labels].
    """

    def cost(temperature: float) -> float:
        z = logits / temperature + bias
        z = z - z.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), label]))

    return min((float(t) for t in np.arange(0.4, 4.0, 0.02)), key=cost)


def apply_temperature(model: keras.Model, temperature: float, bias: Float32 | float = 0.0) -> None:
    """Divide the logits of a model that ends in a dense softmax by the temperature and
    add the bias, in its weights."""
    dense = model.layers[-1]
    kernel, offset = (weights / temperature for weights in dense.get_weights())
    dense.set_weights([kernel, offset + bias])
