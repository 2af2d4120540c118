"""The tensors whose int8 values differ most from the float32 ones."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

import tensorflow as tf
from genre_edge.arrays import Float32
from genre_edge.quiet import quiet_stderr

from ..quantise.flatbuffers import int8_converter

_WINDOWS = 50
"""Windows that are compared. It takes a second or two."""


def outliers(saved_model: str, calibration: Float32, most: int = 5) -> list[str]:
    """Find the tensors that quantisation harms most.

    The error of a tensor is the root mean square of (int8 - float32) / scale. Rounding
    alone gives 0.29
    (https://www.tensorflow.org/lite/performance/quantization_debugger).

    Parameters
    ----------
    saved_model
        The folder.
    calibration
        Windows as the network takes them, float32 [n, ...].
    most
        How many tensors to name at most.

    Returns
    -------
    list
        A line for each, the worst first: operator, name, error in steps, scale, range.
    """

    def windows() -> Iterator[list[Float32]]:
        for window in calibration[:_WINDOWS]:
            yield [window[None]]

    table = io.StringIO()
    with quiet_stderr():
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=int8_converter(saved_model, calibration), debug_dataset=windows
        )
        debugger.run()
        debugger.layer_statistics_dump(table)
    table.seek(0)
    rows = [row for row in csv.DictReader(table) if float(row["scale"] or 0) > 0]

    def steps(row: dict[str, str]) -> float:
        return math.sqrt(float(row["mean_squared_error"])) / float(row["scale"])

    lines = []
    for row in sorted(rows, key=steps, reverse=True)[:most]:
        scale, zero = float(row["scale"]), int(float(row["zero_point"]))
        low, high = scale * (-128 - zero), scale * (127 - zero)
        name = row["tensor_name"].split(";")[0].rstrip("/")
        lines.append(
            f"{row['op_name']} {name}: off by {steps(row):.1f} steps of {scale:.4g} (range "
            f"{low:.3g} to {high:.3g})"
        )
    return lines
