"""What the program says: one record a window and one a file, and their JSON contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .frontend import Float32

_DIGITS = 4
"""Decimals of probabilities in records; the steps of an int8 output are 1/256."""


def scores_by_label(labels: Sequence[str], scores: Float32) -> dict[str, float]:
    """Probabilities as {label: value}, rounded for people and JSON."""
    return {label: round(float(s), _DIGITS) for label, s in zip(labels, scores, strict=True)}


def top1(labels: Sequence[str], scores: Float32) -> tuple[str, float]:
    """The most probable label and its probability."""
    best = int(np.argmax(scores))
    return labels[best], round(float(scores[best]), _DIGITS)


@dataclass(frozen=True)
class WindowRecord:
    """The genre of one window of a file."""

    file: str
    """The path as the user gave it or as the folder was walked; "-" for standard input."""
    start: float
    """Seconds from the start of the file."""
    end: float
    """Seconds from the start of the file."""
    genre: str
    """Top-1 label."""
    confidence: float
    """Probability of `genre`, 0 to 1."""
    scores: dict[str, float]
    """Probability of every label."""

    def to_json(self) -> dict[str, Any]:
        """The frozen contract, in this order of keys."""
        return {
            "type": "window",
            "file": self.file,
            "start": self.start,
            "end": self.end,
            "genre": self.genre,
            "confidence": self.confidence,
            "scores": self.scores,
        }


@dataclass(frozen=True)
class FileRecord:
    """The verdict on one file: the mean of its windows' scores."""

    file: str
    """As in WindowRecord."""
    seconds: float
    """Length of the audio, s."""
    windows: int
    """Number of windows averaged."""
    genre: str
    """Top-1 label of the mean."""
    confidence: float
    """Mean probability of `genre`."""
    scores: dict[str, float]
    """Mean probability of every label."""

    def to_json(self) -> dict[str, Any]:
        """The frozen contract, in this order of keys."""
        return {
            "type": "file",
            "file": self.file,
            "seconds": self.seconds,
            "windows": self.windows,
            "genre": self.genre,
            "confidence": self.confidence,
            "scores": self.scores,
        }


Record = WindowRecord | FileRecord
