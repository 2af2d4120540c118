"""Scores as probabilities, and as people and JSON see them: rounded and by label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Float32

_DIGITS = 4
"""Decimals of probabilities in records; the steps of an int8 output are 1/256."""


def softmax(logits: Float32) -> Float32:
    """Probabilities of logits, along the last axis: exp(x) / sum(exp(x)).

    The maximum is subtracted first, which changes nothing but keeps exp(x) finite.
    """
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Float32 = powers / powers.sum(axis=-1, keepdims=True)
    return shares


class OutputReader:
    """Turns what a network puts out into a score for each label.

    Parameters
    ----------
    output
        What the numbers are: "probabilities" and "logits" of labels that exclude each
        other, "sigmoids" and "sigmoid-logits" of labels that do not.
    outputs
        Names of the network's outputs, in their order.
    mapping
        Which outputs each label stands for; empty: the labels are the outputs.
    """

    def __init__(
        self, output: str, outputs: Sequence[str], mapping: Mapping[str, Sequence[str]]
    ) -> None:
        self._output = output
        place = {name: at for at, name in enumerate(outputs)}
        self._groups = [[place[name] for name in names] for names in mapping.values()]

    def __call__(self, raw: Float32) -> Float32:
        """Scores from 0 to 1, float32 [labels], of raw outputs, float32 [outputs].

        Where labels exclude each other the scores of all outputs sum to one, and a
        label that stands for several has their sum. Else it has the largest.
        """
        if self._output == "logits":
            scores = softmax(raw)
        elif self._output == "probabilities":
            # Quantised outputs sum to one within a few steps of 1/256; the rest of the
            # program expects one.
            total = float(raw.sum())
            scores = raw / np.float32(total) if total > 0 else np.full_like(raw, 1 / len(raw))
        else:
            scores = sigmoid(raw) if self._output == "sigmoid-logits" else np.clip(raw, 0.0, 1.0)
            if self._groups:
                return np.array([scores[at].max() for at in self._groups], np.float32)
        if self._groups:
            return np.array([scores[at].sum() for at in self._groups], np.float32)
        return scores


def sigmoid(logits: Float32) -> Float32:
    """1 / (1 + exp(-x)), as (1 + tanh(x / 2)) / 2, which does not overflow."""
    values: Float32 = np.float32(0.5) * (np.tanh(logits * np.float32(0.5)) + np.float32(1.0))
    return values


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model answers: one score for each label."""

    labels: tuple[str, ...]
    """Names of the model's labels, in their order."""
    probabilities: Float32
    """float32 [labels]; their sum is one where labels exclude each other."""
    min_score: float = 0.0
    """Score below which `scores` leaves a label out, except the most probable."""

    @property
    def genre(self) -> str:
        """The most probable label."""
        return self.labels[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """The probability of `genre`, rounded to 4 decimals."""
        return round(float(self.probabilities.max()), _DIGITS)

    @property
    def scores(self) -> dict[str, float]:
        """The probability of every label that is not left out, rounded to 4
        decimals."""
        least = min(self.min_score, float(self.probabilities.max()))
        return {
            label: round(float(p), _DIGITS)
            for label, p in zip(self.labels, self.probabilities, strict=True)
            if p >= least
        }
