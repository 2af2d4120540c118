"""What each training step sees: clips of all pools, changed once more, and what the
network should say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32

from ..data.recordings import Recording
from .soft_labels import Windows
from .variants import NO_MUSIC, Clips

_FLOOR = 0.001
"""The offset in the features' logarithm."""


@dataclass(frozen=True)
class FitSpec:
    """How a network is fitted."""

    steps: int = 2600
    """Batches to learn from."""
    batch: int = 64
    """Clips in each."""
    learning_rate: float = 4e-4
    """AdamW's highest rate; it rises for a twentieth of the run, then falls as a
    cosine."""
    weight_decay: float = 0.01
    """AdamW's, of kernels."""
    home_share: float = 0.62
    """Share of a batch that is from the first data set, where there are others."""
    no_music_share: float = 0.04
    """Share of a batch that is speech and noise, for which all labels are equally
    right."""
    label_at_home: float = 0.7
    """Weight of the label beside the soft label in the first data set."""
    label_elsewhere: float = 0.4
    """The same in the other data sets; recordings without a label have the soft
    label."""
    teachers_weight: float = 0.5
    """Weight of the error in the teachers' components."""
    components: int = 192
    """Principal components of the teachers' embeddings to learn."""
    seed: int = 0
    """Seed of weights, order and changes."""


class Targets:
    """What the network should say of a clip: looked up by recording and place."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        labels: Sequence[str],
        windows: Windows,
        soft: Float32,
        components: Float32,
        spec: FitSpec,
    ) -> None:
        home = recordings[0].data
        self._soft, self._components = soft, components
        self._middle = windows.start + np.float32(1.5)
        self._first = np.searchsorted(windows.recording, np.arange(len(recordings) + 1))
        self._label = np.full((len(recordings), len(labels)), 0.0, dtype=np.float32)
        self._share = np.zeros(len(recordings), dtype=np.float32)
        for number, recording in enumerate(recordings):
            if recording.label:
                self._label[number, labels.index(recording.label)] = 1.0
                at_home = recording.data == home
                self._share[number] = spec.label_at_home if at_home else spec.label_elsewhere

    def of(self, recording: int, centre: float) -> tuple[Float32, Float32, bool]:
        """Label distribution, the teachers' components, and whether there are any.

        Between the middles of two windows, what the teachers say of both is mixed.
        """
        if recording == NO_MUSIC:
            labels = self._soft.shape[1]
            nothing = np.zeros(self._components.shape[1], dtype=np.float32)
            return np.full(labels, 1 / labels, dtype=np.float32), nothing, False
        first, end = int(self._first[recording]), int(self._first[recording + 1])
        after = first + int(np.searchsorted(self._middle[first:end], centre))
        low, high = max(first, after - 1), min(after, end - 1)
        gap = float(self._middle[high] - self._middle[low])
        part = np.float32((centre - self._middle[low]) / gap if gap > 0 else 0.0)
        soft = (1 - part) * self._soft[low] + part * self._soft[high]
        components = (1 - part) * self._components[low] + part * self._components[high]
        share = self._share[recording]
        return share * self._label[recording] + (1 - share) * soft, components, True


Batch = tuple[Float32, dict[str, Float32], dict[str, Float32]]
"""Features [n, frames, mels, 1], targets and weights by output."""


class Batches:
    """Batch number `step` depends on the seed and the step alone, so that a run that
    was stopped goes on as if it had not been."""

    def __init__(
        self, pools: Sequence[Clips], shares: Sequence[float], targets: Targets, spec: FitSpec
    ) -> None:
        self._pools, self._targets, self._spec = pools, targets, spec
        ends = np.cumsum(np.array(shares) / sum(shares)) * spec.batch
        self._count = np.diff(np.rint(ends).astype(int), prepend=0)
        self._order: dict[tuple[int, int], npt.NDArray[np.int64]] = {}

    def __call__(self, step: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([self._spec.seed, 1, step])
        features, labels, components, known = [], [], [], []
        for number, (clips, count) in enumerate(zip(self._pools, self._count, strict=True)):
            for at in range(step * count, (step + 1) * count):
                clip = self._clip(number, at)
                label, component, music = self._targets.of(
                    int(clips.recording[clip]), float(clips.centre[clip])
                )
                features.append(changed(clips.get(clip), rng))
                labels.append(label)
                components.append(component)
                known.append(music)
        x, y, z = np.stack(features), np.stack(labels), np.stack(components)
        weight = np.array(known, dtype=np.float32)
        if rng.random() < 0.5:
            x, y, z, weight = _mixed(x, y, z, weight, rng)
        targets, weights = {"genre": y}, {"genre": np.ones(len(y), dtype=np.float32)}
        if z.shape[1]:
            targets["teachers"], weights["teachers"] = z, weight
        return x[..., None], targets, weights

    def _clip(self, pool: int, at: int) -> int:
        """The clip at place `at` of a pool's endless sequence: pass after pass, each in
        an order of its own."""
        count = len(self._pools[pool])
        key = (pool, at // count)
        if key not in self._order:
            self._order.pop((pool, key[1] - 2), None)
            rng = np.random.default_rng([self._spec.seed, 2, *key])
            self._order[key] = rng.permutation(count)
        return int(self._order[key][at % count])


def changed(window: Float32, rng: np.random.Generator) -> Float32:
    """A window's ln mel bands at another level, shifted in time (round and round), with
    one stretch of time and one of frequency blotted out; float32 [frames, mels]."""
    frames, mels = window.shape
    gain = np.float32(10 ** (rng.uniform(-4, 4) / 20))
    louder = np.log(np.maximum(np.exp(window) - _FLOOR, 0.0) * gain + _FLOOR)
    out: Float32 = np.roll(louder, int(rng.integers(frames)), axis=0).astype(np.float32)
    mean = out.mean()
    width = int(rng.integers(frames // 5))
    at = int(rng.integers(frames - width))
    out[at : at + width] = mean
    width = int(rng.integers(mels // 6))
    at = int(rng.integers(mels - width))
    out[:, at : at + width] = mean
    return out


def _mixed(
    x: Float32, y: Float32, z: Float32, weight: Float32, rng: np.random.Generator
) -> tuple[Float32, Float32, Float32, Float32]:
    """Each clip mixed with another of the batch, and its targets alike.

    Source: H. Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """
    other = rng.permutation(len(x))
    share = rng.beta(0.4, 0.4, len(x)).astype(np.float32)
    share = np.maximum(share, 1 - share)

    def mix(values: Float32) -> Float32:
        part = share.reshape(-1, *[1] * (values.ndim - 1))
        both: Float32 = part * values + (1 - part) * values[other]
        return both

    return mix(x), mix(y), mix(z), weight * weight[other]
