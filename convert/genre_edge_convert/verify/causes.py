"""Why a bundle does not agree with its network: the data, the range or a layer; and
what to do about it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from genre_edge.arrays import Float32
from genre_edge.model.flatbuffer import Graph

from ..read.samples import FEW_CALIBRATION, Samples

_OUTSIDE = 0.01
"""Share of held-out values beyond the calibration windows' from which the data are at
fault."""

_UNDECIDED = 0.05
"""Scores nearer to each other than this may change places by the rounding of int8."""

_NO_RANGE = 1e-8
"""Scale below which a tensor was 0 in calibration: the converter gives it a range of
2e-6 in 255 steps."""


def always_zero(graph: Graph) -> str | None:
    """The first layer of an int8 model that gave 0 on every calibration window, by the
    name of its tensor; None if there is none."""
    for operator in graph.operators:
        tensor = graph.tensors[operator.outputs[0]]
        if len(tensor.scale) == 1 and tensor.scale[0] < _NO_RANGE:
            return tensor.name.split(";")[0] or operator.name
    return None


def furthest_apart(scores: Float32, answers: npt.NDArray[np.int64]) -> float:
    """How much less probable a network finds the labels that its bundle names instead
    of its own, at most. Of its scores, [n, labels], and the bundle's answers, [n]."""
    named = np.take_along_axis(scores, answers[:, None], axis=1)[:, 0]
    return float((scores.max(axis=1) - named).max())


def at_fault(kind: str, samples: Samples, apart: float = 1.0) -> str:
    """The likeliest cause of a disagreement, and what to do, as a part of a line.

    Parameters
    ----------
    kind
        The kind of bundle, of quantise.flatbuffers.KINDS.
    samples
        The windows that it was made and compared with.
    apart
        As `furthest_apart` gives it.
    """
    if apart < _UNDECIDED:
        return (
            f"the network is undecided where they differ: it gives both labels the same score "
            f"within {apart:.3f}, so that rounding turns it: train it longer, or accept that with "
            "a smaller --min-agreement"
        )
    if kind != "int8":
        return (
            "nothing was quantised to int8, so a layer is converted wrongly: compare the outputs "
            "layer by layer, or replace the layers that `genre-convert inspect` shows"
            if kind == "float32"
            else "the weights' range is at fault: use --to float32 or float16"
        )
    low, high = samples.calibration.min(), samples.calibration.max()
    outside = float(np.mean((samples.held_out < low) | (samples.held_out > high)))
    if outside > _OUTSIDE or len(samples.calibration) < FEW_CALIBRATION:
        return (
            f"the data may be at fault ({len(samples.calibration)} calibration windows, "
            f"{outside:.1%} of held-out values beyond theirs): calibrate on more recordings, as "
            "varied as those to come"
        )
    return (
        "the range of the layers named above is at fault (weights have a scale for each channel "
        "already, values between layers have one in all): try --to int16x8, or --to dynamic, which "
        "quantises weights alone; if one or two lose far more than the others, --float-layers 3 "
        "keeps the worst three in float32"
    )
