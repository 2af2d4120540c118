"""From corrections, calibration: the present labels stay as they are, and how sure they
must be is fitted anew to the present room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..arrays import Float32
from ..errors import UsageError
from ..model.bundle import Bundle
from ..model.flatbuffer import read_graph
from ..model.head import read_layer, with_layer
from ..model.scores import softmax
from .store import Song
from .taught import write_own
from .trunk import TAUGHT, head_of, trunk_of

FEWEST = 10
"""Corrections from which a room is known well enough."""
_VARIANCE = 1.0
"""Variance of the prior of each label's bias: about its present value."""
_SCALE_VARIANCE = 0.25
"""The same of the logarithm of the scale."""


@dataclass(frozen=True)
class Calibration:
    """What a room asks of the logits: scale * logits + bias."""

    scale: float
    """One over the temperature."""
    bias: tuple[float, ...]
    """Of each label."""
    corrections: int
    """Examples that it was fitted to."""
    right_before: int
    """Corrections that the model names right without it."""
    right_after: int
    """The same with it, each left out of the fit in its turn."""


def calibrate(bundle: Bundle, songs: Sequence[Song]) -> Calibration:
    """Fit temperature and biases to examples of the model's own labels.

    Parameters
    ----------
    bundle
        The model.
    songs
        What was taught, or denied; of labels that the model has.

    Raises
    ------
    UsageError
        If there are fewer than FEWEST such examples.
    """
    labels = bundle.info.output_names
    known = [song for song in songs if song.label in labels]
    if len(known) < FEWEST:
        raise UsageError(
            f"{bundle.info.name}: {len(known)} examples of its labels; {FEWEST} are needed before "
            f"it is fitted to a room (genre-edge teach add LABEL, of {', '.join(labels)})"
        )
    weights, bias = read_layer(bundle.flatbuffer, head_of(bundle))
    logits = [song.embeddings @ weights.T + bias for song in known]
    scale, shift = _fit(known, logits, labels)
    after = 0
    for left_out, song in enumerate(known):
        rest = [i for i in range(len(known)) if i != left_out]
        one_scale, one_shift = _fit([known[i] for i in rest], [logits[i] for i in rest], labels)
        after += _is_right(song, one_scale * logits[left_out] + one_shift, labels)
    before = sum(_is_right(song, one, labels) for song, one in zip(known, logits, strict=True))
    return Calibration(scale, tuple(shift.tolist()), len(known), before, after)


def _is_right(song: Song, logits: Float32, labels: Sequence[str]) -> bool:
    named = labels[int(softmax(logits).mean(axis=0).argmax())]
    return (named == song.label) != song.is_wrong


def _fit(
    songs: Sequence[Song], logits: Sequence[Float32], labels: Sequence[str]
) -> tuple[float, Float32]:
    """The most probable scale and biases; each example counts once."""
    from scipy.optimize import minimize

    rows = np.concatenate(logits)
    weight = np.concatenate([np.full(len(one), 1 / len(one)) for one in logits])
    right = np.zeros(rows.shape, bool)
    start = 0
    for song, one in zip(songs, logits, strict=True):
        right[start : start + len(one), labels.index(song.label)] = True
        if song.is_wrong:
            right[start : start + len(one)] ^= True
        start += len(one)

    def loss(given: np.ndarray) -> float:
        shares = softmax(np.exp(given[0]) * rows + given[1:])
        told = np.where(right, shares, 0).sum(axis=1)
        prior = given[0] ** 2 / _SCALE_VARIANCE + (given[1:] ** 2).sum() / _VARIANCE
        return float(-(weight * np.log(told + 1e-9)).sum() + prior / 2)

    found = minimize(loss, np.zeros(1 + len(labels)), method="L-BFGS-B").x
    return float(np.exp(found[0])), found[1:].astype(np.float32)


def write_calibrated(path: Path, bundle: Bundle, found: Calibration) -> Bundle:
    """Write the bundle with the calibration in its last layer. WriteError if it cannot
    be written."""
    head = head_of(bundle)
    weights, bias = read_layer(bundle.flatbuffer, head)
    shift = np.array(found.bias, np.float32)
    graph = read_graph(bundle.flatbuffer, bundle.path)
    tensor, reach = graph.tensors[head.logits], (0.0, 0.0)
    if tensor.scale:
        low, high = (tensor.scale[0] * (edge - tensor.zero_point[0]) for edge in (-128, 127))
        reach = (
            found.scale * low + float(shift.min()),
            found.scale * high + float(shift.max()),
        )
    flatbuffer = with_layer(
        bundle.flatbuffer, head, found.scale * weights, found.scale * bias + shift, reach
    )
    trunk = trunk_of(bundle)
    taught = dict(bundle.info.trained_on.get(TAUGHT, {}))
    taught |= {
        "from": {"name": trunk.name, "sha256": trunk.sha256},
        "calibrated": {"corrections": found.corrections, "scale": round(found.scale, 4)},
    }
    trained_on = {**bundle.info.trained_on, TAUGHT: taught}
    name = path.name.removesuffix(".tflite")
    info = replace(bundle.info, name=name, trained_on=trained_on, music={})
    return write_own(path, flatbuffer, info, bundle.negatives)
