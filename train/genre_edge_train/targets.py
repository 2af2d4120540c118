"""What the student must answer besides the genre: the teacher's outputs, brought to one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from genre_edge.frontend import Float32
from sklearn.decomposition import PCA

from .clips import ClipSet

COMPONENTS = 400
"""Principal components of the teacher's embedding that the student is asked for."""
_SAMPLE = 8000
"""Clips from which scales and components are taken."""
_FARTHEST = 4.0
"""Standard deviations beyond which an output of the teacher is clipped."""


@dataclass(frozen=True)
class Targets:
    """Scales of the teacher's outputs, fitted to the clips that are learnt from."""

    mean: Float32
    """Of the embedding, float32 [embedding]."""
    deviation: Float32
    """Of the embedding, float32 [embedding]."""
    components: Float32
    """float32 [embedding, components], scaled so that a component has variance 1 on average."""
    scores_mean: Float32
    """Of the logarithms of the scores, float32 [scores]."""
    scores_deviation: np.float32
    """One for all scores: classes that never sound stay near zero and cost nothing."""

    @property
    def widths(self) -> dict[str, int]:
        """Numbers in each output that the student gives."""
        return {"embedding": self.components.shape[1], "scores": len(self.scores_mean)}

    def embedding(self, raw: Float32) -> Float32:
        """The embedding's principal components, float32 [n, components], of [n, embedding] as stored."""
        return _normalised(raw, self.mean, self.deviation) @ self.components

    def scores(self, raw: Float32) -> Float32:
        """The log scores, normalised, float32 [n, scores]."""
        return _normalised(raw, self.scores_mean, self.scores_deviation)


def fit_targets(sets: Sequence[ClipSet]) -> Targets:
    """Scales and components from clips spread over the first set; the same for the same clips."""
    sample = np.linspace(0, len(sets[0]) - 1, min(_SAMPLE, len(sets[0]))).astype(int)
    embedding = sets[0].embedding[sample].astype(np.float32)
    scores = sets[0].scores[sample].astype(np.float32)
    # Channels that hardly ever speak are not blown up.
    mean, deviation = embedding.mean(axis=0), embedding.std(axis=0) + np.float32(0.05)
    count = min(COMPONENTS, *embedding.shape)
    pca = PCA(count, svd_solver="randomized", random_state=0).fit(_normalised(embedding, mean, deviation))
    scale = np.sqrt(pca.explained_variance_.mean())
    return Targets(
        mean,
        deviation,
        (pca.components_.T / scale).astype(np.float32),
        scores.mean(axis=0),
        np.float32(np.sqrt(scores.var(axis=0).mean()) * 1.5),
    )


def _normalised(values: Float32, mean: Float32, deviation: Float32 | np.float32) -> Float32:
    """Standardised and clipped: sounds unlike music would else outweigh everything."""
    return np.clip((values - mean) / deviation, -_FARTHEST, _FARTHEST)
