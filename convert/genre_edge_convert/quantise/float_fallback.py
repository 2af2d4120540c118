"""Which operators int8 harms most, and an int8 model that keeps them in float32."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from genre_edge.arrays import Float32
from genre_edge.errors import ModelError
from genre_edge.model.flatbuffer import Graph, read_graph
from genre_edge.quiet import quiet_stderr

from .flatbuffers import int8_converter

_FIXED = ("SOFTMAX", "LOGISTIC")
"""Operators whose scale is given by their range, 0 to 1. Their small values are lost
without harm."""
_BOUNDED = (*_FIXED, "TANH")
"""Operators after which a wide range is narrow again."""
_WINDOWS = 50
"""Windows that are compared. It takes a second or two."""


@dataclass(frozen=True)
class Harm:
    """What int8 does to one tensor."""

    operator: str
    """Name of the operator that makes it."""
    tensor: str
    """Its name, as the converter knows it."""
    steps: float
    """Root mean square of (int8 - float32) / scale; rounding alone gives 0.29."""
    lost: float
    """Share of a typical channel's power that is not there in int8, 0 to 1: 1 where
    another channel takes the whole range."""
    scale: float
    """Size of a step."""
    zero_point: int
    """The integer that means 0.0."""


def most_harmed(saved_model: str, calibration: Float32) -> list[Harm]:
    """The tensors of an int8 model, the worst first.

    TensorFlow's debugger runs each operator in float32 on the int8 model's inputs. Its
    own measure, the error in steps, is small where a range is far too wide. So what a
    typical channel loses comes first.

    Parameters
    ----------
    saved_model
        The folder.
    calibration
        Windows as the network takes them, float32 [n, ...].
    """
    return _ranked(_debugger(saved_model, calibration))


def mixed(saved_model: str, calibration: Float32, kept: int) -> bytes:
    """An int8 model with operators in float32: the `kept` ones that int8 harms most,
    and those that take what they make, which int8 would spoil on its way. What those
    make is int8 again.

    Raises
    ------
    ModelError
        TensorFlow cannot make it.
    """
    try:
        debugger = _debugger(saved_model, calibration)
        with quiet_stderr():
            names = _and_takers(
                {harm.tensor for harm in _ranked(debugger)[:kept]},
                read_graph(debugger.get_nondebug_quantized_model(), "the int8 model"),
            )
            debugger.options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=names)
            flatbuffer: bytes = debugger.get_nondebug_quantized_model()
            return flatbuffer
    except Exception as error:  # the converter's own class is not public
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"--float-layers {kept}: TensorFlow cannot make it ({reason})") from None


def _and_takers(names: set[str], graph: Graph) -> list[str]:
    """These tensors, and what the next operator makes from each. If it only hands the
    values on, as an activation or a pooling does, the range is as wide after it: then
    also what is made from that."""
    wide, kept = set(names), set(names)
    for operator in graph.operators:  # in the order in which they run
        taken = [graph.tensors[number] for number in operator.inputs if number >= 0]
        if wide & {tensor.name for tensor in taken}:
            made = {graph.tensors[number].name for number in operator.outputs}
            kept |= made
            one = sum(not tensor.constant_bytes for tensor in taken) == 1
            if one and not operator.macs and operator.name not in _BOUNDED:
                wide |= made
    return sorted(kept)


def _debugger(saved_model: str, calibration: Float32) -> Any:
    def windows() -> Iterator[list[Float32]]:
        for window in calibration[:_WINDOWS]:
            yield [window[None]]

    with quiet_stderr():
        converter = int8_converter(saved_model, calibration)
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
            tf.lite.OpsSet.TFLITE_BUILTINS,
        ]
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=windows,
            debug_options=tf.lite.experimental.QuantizationDebugOptions(
                layer_direct_compare_metrics={"lost": _lost}
            ),
        )
        debugger.run()
    return debugger


def _lost(exact: Float32, quantised: npt.NDArray[np.int8], scale: float, zero_point: int) -> float:
    """Share of power that a tensor lost, the median of its channels; NaN if it is all
    zeros."""
    error = scale * (quantised.astype(np.float32) - zero_point) - exact
    axes = tuple(range(exact.ndim - 1))
    power = (exact**2).sum(axis=axes)
    if not power.any():
        return math.nan
    share = (error**2).sum(axis=axes)[power > 0] / power[power > 0]
    return float(np.median(np.minimum(share, 1)))


def _ranked(debugger: Any) -> list[Harm]:
    table = io.StringIO()
    debugger.layer_statistics_dump(table)
    table.seek(0)
    found = [
        Harm(
            row["op_name"],
            row["tensor_name"],
            math.sqrt(float(row["mean_squared_error"])) / float(row["scale"]),
            0.0 if row["op_name"] in _FIXED else np.nan_to_num(float(row["lost"])),
            float(row["scale"]),
            int(float(row["zero_point"])),
        )
        for row in csv.DictReader(table)
        if float(row["scale"] or 0) > 0
    ]
    return sorted(found, key=lambda harm: (harm.lost, harm.steps), reverse=True)
