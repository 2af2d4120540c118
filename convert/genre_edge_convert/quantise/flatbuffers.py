"""A SavedModel to TFLite flatbuffers: float32, float16, dynamic-range int8,
full-integer int8."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from genre_edge.arrays import Float32
from genre_edge.errors import Fault, ModelError, UsageError
from genre_edge.extras import pip_line
from genre_edge.quiet import quiet_stderr
from tensorflow.lite.tools import flatbuffer_utils

KINDS = ("float32", "float16", "dynamic", "int16x8", "int8")
"""What --to may ask for: dynamic has int8 weights and float32 activations, int16x8 has
int8 weights and int16 activations, int8 has both."""
QUANTISERS = ("tflite", "ai-edge")
"""What may quantise to int8: TensorFlow's converter, or the ai-edge-quantizer
package."""


def flatbuffers(
    saved_model: str, kinds: tuple[str, ...], calibration: Float32, quantiser: str
) -> dict[str, bytes]:
    """Convert a SavedModel.

    Parameters
    ----------
    saved_model
        The folder.
    kinds
        What to make, of KINDS.
    calibration
        Windows that int8 is calibrated on, float32 [n, ...] as the network takes them.
    quantiser
        What quantises to int8, of QUANTISERS.

    Returns
    -------
    dict
        {kind: flatbuffer}, with the names of tensors

    Raises
    ------
    ModelError
        TensorFlow cannot convert it; operators that TFLite does not have are named.
    """
    make: dict[str, Callable[[], bytes]] = {
        "float32": lambda: _float(saved_model),
        "float16": lambda: _reduced(saved_model, tf.float16),
        "dynamic": lambda: _reduced(saved_model, None),
        "int16x8": lambda: _int16(saved_model, calibration),
        "int8": lambda: (
            _ai_edge(_float(saved_model), calibration)
            if quantiser == "ai-edge"
            else _int8(saved_model, calibration)
        ),
    }
    try:
        with quiet_stderr():
            return {kind: make[kind]() for kind in kinds}
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise ModelError(_reason(str(error))) from None
    except Exception as error:
        if type(error).__name__ != "ConverterError":
            raise
        raise ModelError(_reason(str(error))) from None


def _reason(text: str) -> str:
    """The converter's error, which fills pages, in one line."""
    operators = sorted(set(re.findall(r"\btf\.([A-Z]\w+)", text)))
    if any(name.startswith("TensorList") for name in operators):
        return (
            "holds a loop over time (LSTM, GRU), which TFLite cannot do: build the layers with "
            "unroll=True, load the trained weights, and convert that; nothing was written"
        )
    if any("Random" in name for name in operators):
        return (
            "holds layers that change windows at random (RandomFlip, say), which are for training: "
            "build the network without them, load its weights, and convert that; nothing was "
            "written"
        )
    if operators:
        return (
            f"TFLite has no operator for {', '.join(operators)}: replace the layers that use them; "
            "nothing was written"
        )
    return f"TensorFlow cannot convert it ({' '.join(text.split())[:200]}); nothing was written"


def _float(folder: str) -> bytes:
    flatbuffer: bytes = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    return flatbuffer


def _reduced(folder: str, dtype: Any) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if dtype is not None:
        converter.target_spec.supported_types = [dtype]
    flatbuffer: bytes = converter.convert()
    return flatbuffer


def int8_converter(folder: str, calibration: Float32) -> tf.lite.TFLiteConverter:
    """A converter to full-integer int8 with int8 input and output.

    Parameters
    ----------
    folder
        The SavedModel.
    calibration
        Windows as the network takes them, float32 [n, ...].
    """

    def representative() -> Iterator[list[Any]]:
        for window in calibration:
            yield [window[None]]

    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter


def _int16(folder: str, calibration: Float32) -> bytes:
    """Activations in int16, weights in int8, input and output in float32."""
    converter = int8_converter(folder, calibration)
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    ]
    converter.inference_input_type = converter.inference_output_type = tf.float32
    flatbuffer: bytes = converter.convert()
    return flatbuffer


def _int8(folder: str, calibration: Float32) -> bytes:
    flatbuffer: bytes = int8_converter(folder, calibration).convert()
    return flatbuffer


def _ai_edge(flatbuffer: bytes, calibration: Float32) -> bytes:
    try:
        from ai_edge_quantizer import quantizer, recipe
    except ImportError:
        raise UsageError(
            Fault("quantiser", "ai-edge", f"not installed; {pip_line('ai-edge-quantizer')}")
        ) from None
    from ai_edge_litert.interpreter import Interpreter

    signature, described = next(
        iter(Interpreter(model_content=flatbuffer).get_signature_list().items())
    )
    name = described["inputs"][0]
    work = quantizer.Quantizer(flatbuffer, recipe.static_wi8_ai8())
    ranges = work.calibrate(
        {signature: [{name: window[None]} for window in calibration]}, num_threads=1
    )
    return bytes(work.quantize(ranges, enable_progress_report=False).quantized_model)


def stripped(flatbuffer: bytes) -> bytes:
    """A model without the names of tensors. No interpreter needs them, and they are a
    thirtieth of a small model."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    flatbuffer_utils.strip_strings(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def write_saved_model(export: Callable[[str], None], folder: Path) -> str:
    """Export a network to `folder`, and return the folder's name. ModelError if that
    fails."""
    try:
        export(str(folder))
    except Exception as error:  # Keras and TensorFlow raise whatever their parts raise
        if "No space left" in str(error):
            raise ModelError(f"no space left in {folder.parent.parent}: nothing written") from None
        raise ModelError(
            f"cannot be exported as a SavedModel ({' '.join(str(error).split())[:160]})"
        ) from None
    return str(folder)
