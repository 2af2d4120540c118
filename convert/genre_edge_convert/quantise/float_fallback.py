"""Which operators int8 harms most, and an int8 model that keeps them in float32."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from genre_edge.arrays import Float32
from genre_edge.errors import ModelError
from genre_edge.quiet import quiet_stderr

from .flatbuffers import int8_converter, stripped

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
    scale: float
    """Size of a step."""
    zero_point: int
    """The integer that means 0.0."""


def most_harmed(saved_model: str, calibration: Float32) -> list[Harm]:
    """The tensors of an int8 model, the worst first.

    Source of the measure: TensorFlow's guide to the quantization debugger.

    Parameters
    ----------
    saved_model
        The folder.
    calibration
        Windows as the network takes them, float32 [n, ...].
    """
    return _ranked(_debugger(saved_model, calibration))


def mixed(saved_model: str, calibration: Float32, kept: int) -> bytes:
    """An int8 model with the `kept` operators in float32 that int8 harms most.

    Raises
    ------
    ModelError
        TensorFlow cannot make it.
    """
    try:
        debugger = _debugger(saved_model, calibration)
        names = [harm.tensor for harm in _ranked(debugger)[:kept]]
        with quiet_stderr():
            debugger.options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=names)
            return stripped(debugger.get_nondebug_quantized_model())
    except Exception as error:  # the converter's own class is not public
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"--float-layers {kept}: TensorFlow cannot make it ({reason})") from None


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
            converter=converter, debug_dataset=windows
        )
        debugger.run()
    return debugger


def _ranked(debugger: Any) -> list[Harm]:
    table = io.StringIO()
    debugger.layer_statistics_dump(table)
    table.seek(0)
    found = [
        Harm(
            row["op_name"],
            row["tensor_name"],
            math.sqrt(float(row["mean_squared_error"])) / float(row["scale"]),
            float(row["scale"]),
            int(float(row["zero_point"])),
        )
        for row in csv.DictReader(table)
        if float(row["scale"] or 0) > 0
    ]
    return sorted(found, key=lambda harm: harm.steps, reverse=True)
