"""Soft labels: what a recording resembles besides its label, read from the teachers'
outputs by logistic heads that have not met it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from ..data.recordings import FOLDS, Recording
from .teachers import TeacherOutputs, TeacherSpec

REGULARISATION = 0.5
"""Inverse strength of a head's penalty (scikit-learn's C), for inputs whose first
principal component has unit variance."""
_INPUTS = 256
"""Principal components that a head reads of its inputs: it is fitted in seconds, and
the rest would be held down by the penalty anyway."""


@dataclass(frozen=True)
class Windows:
    """The teachers' windows of all recordings, one after the other."""

    recording: npt.NDArray[np.int64]
    """The recording of each window: [n]."""
    start: Float32
    """Where each begins, s: [n]."""
    outputs: Sequence[Mapping[str, npt.NDArray[np.float16]]]
    """Each teacher's outputs, [n, ...]."""

    @staticmethod
    def of(
        recordings: Sequence[Recording],
        heard: Mapping[Path, Sequence[TeacherOutputs]],
        specs: Sequence[TeacherSpec],
    ) -> Windows:
        """The windows of recordings that the teachers have heard."""
        first = [heard[recording.path][0] for recording in recordings]
        return Windows(
            np.repeat(np.arange(len(recordings)), [len(h.starts) for h in first]),
            np.concatenate([h.starts for h in first]).astype(np.float32)
            / np.float32(specs[0].sample_rate),
            [
                {
                    name: np.concatenate([heard[r.path][t].outputs[name] for r in recordings])
                    for name in spec.outputs
                }
                for t, spec in enumerate(specs)
            ],
        )

    def inputs(self, chosen: Sequence[tuple[int, str]]) -> Float32:
        """Some outputs, (teacher, name), side by side and standardised: float32 [n,
        inputs]."""
        x = np.concatenate(
            [np.asarray(self.outputs[t][name], dtype=np.float32) for t, name in chosen], axis=1
        )
        x -= x.mean(axis=0)
        x /= x.std(axis=0) + np.float32(1e-3)
        return x


def heads_of(specs: Sequence[TeacherSpec]) -> list[list[tuple[int, str]]]:
    """What each head reads: every teacher's own, and one of all of them together."""
    heads = [[(t, name) for name in spec.head] for t, spec in enumerate(specs)]
    if len(specs) > 1:
        heads.append([(t, name) for t, spec in enumerate(specs) for name in spec.together])
    return [head for head in heads if head]


def soft_labels(
    windows: Windows,
    heads: Sequence[Sequence[tuple[int, str]]],
    recordings: Sequence[Recording],
    labels: Sequence[str],
) -> Float32:
    """Mean opinion of the heads on every window, float32 [n, labels].

    A head is fitted to the labelled windows of FOLDS - 1 folds and speaks about those
    of the one left out; about recordings without a label, the mean of all folds' heads
    speaks. The first data set's opinions come from heads fitted to it alone: what a
    label means there is what the network is judged by there.
    """
    home = recordings[0].data
    of = windows.recording
    label = np.array([labels.index(r.label) if r.label else -1 for r in recordings])[of]
    fold = np.array([r.fold for r in recordings])[of]
    at_home = np.array([r.data == home for r in recordings])[of]
    weight = _weights(of, label)
    soft = np.zeros((len(of), len(labels)), dtype=np.float32)
    bar = tqdm(total=2 * FOLDS * len(heads), desc="soft labels", unit="head", disable=None)
    for chosen in heads:
        x = principal(windows.inputs(chosen), _INPUTS)
        x /= x[:, 0].std()
        for speaks, learns in ((at_home, at_home), (~at_home, np.ones_like(at_home))):
            for number in range(FOLDS):
                out = speaks & (label >= 0) & (fold == number)
                known = learns & (label >= 0) & (fold != number)
                free = speaks & (label < 0)
                bar.update()
                if not (out.any() or free.any()):
                    continue
                head = _fit(x[known], label[known], weight[known])
                soft[out] += _answers(head, x[out], len(labels)) / len(heads)
                if free.any():
                    soft[free] += _answers(head, x[free], len(labels)) / (len(heads) * FOLDS)
    bar.close()
    return soft


def _weights(of: npt.NDArray[np.int64], label: npt.NDArray[np.int64]) -> Float32:
    """A weight for each window, float32 [n]: every recording counts once, and a label
    by the square root of its recordings."""
    each = 1.0 / np.bincount(of)[of]
    count = np.bincount(np.maximum(label, 0), weights=each * (label >= 0))
    weight = each / np.sqrt(np.maximum(count[np.maximum(label, 0)], 1e-9))
    scaled: Float32 = (weight / weight[label >= 0].mean()).astype(np.float32)
    return scaled


def _fit(x: Float32, label: npt.NDArray[np.int64], weight: Float32) -> LogisticRegression:
    head = LogisticRegression(C=REGULARISATION, max_iter=150, tol=1e-3)
    return head.fit(x, label, sample_weight=weight)


def _answers(head: LogisticRegression, x: Float32, labels: int) -> Float32:
    """Probabilities of all labels, float32 [n, labels]; a fold may lack some."""
    answers = np.zeros((len(x), labels), dtype=np.float32)
    if len(x):
        answers[:, head.classes_] = head.predict_proba(x)
    return answers


def components(windows: Windows, specs: Sequence[TeacherSpec], count: int) -> Float32:
    """The first `count` principal components of the teachers' embeddings, float32 [n,
    count], scaled so that all of them together have a mean square of one."""
    chosen = [(t, name) for t, spec in enumerate(specs) for name in spec.embedding]
    if not chosen or not count:
        return np.zeros((len(windows.start), 0), dtype=np.float32)
    parts = []
    for t in sorted({t for t, _ in chosen}):
        x = windows.inputs([pair for pair in chosen if pair[0] == t])
        parts.append(x / np.float32(np.sqrt(x.shape[1])))  # each teacher counts alike
    scores = principal(np.concatenate(parts, axis=1), count)
    return scores / np.float32(np.sqrt(np.mean(scores**2)))


def principal(x: Float32, count: int) -> Float32:
    """The first principal components of centred x [n, inputs], float32 [n, up to
    count]."""
    _, axes = np.linalg.eigh(x.T @ x)
    scores: Float32 = x @ np.ascontiguousarray(axes[:, ::-1][:, :count])
    return scores
