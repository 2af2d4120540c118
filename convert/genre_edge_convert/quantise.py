"""Keras to TFLite flatbuffers: float32, and full-integer int8."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from genre_edge.errors import ModelError
from genre_edge.frontend import Float32
from genre_edge.quiet import quiet_stderr
from tensorflow.lite.tools import flatbuffer_utils


def load_keras(path: Path) -> keras.Model:
    """A .keras model, loaded in Keras' safe mode: no code from the file is run. Raises ModelError."""
    if not path.exists():
        raise ModelError(f"{path}: no such file")
    try:
        model: keras.Model = keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: not a Keras model that can be loaded safely ({reason})") from None
    return model


def flatbuffers(model: keras.Model, calibration: Float32) -> dict[str, bytes]:
    """{"float32": ..., "int8": ...}; int8 has int8 input and output and is calibrated on `calibration`.

    Goes through a SavedModel: converting a concrete function of a Keras 3 model can lose the
    weights silently.
    """
    with tempfile.TemporaryDirectory() as folder, quiet_stderr():
        model.export(folder, verbose=False)
        return {"float32": _float32(folder), "int8": _int8(folder, calibration[..., None])}


def _float32(folder: str) -> bytes:
    flatbuffer: bytes = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    return _stripped(flatbuffer)


def _int8(folder: str, calibration: Float32) -> bytes:
    def representative() -> Iterator[list[Any]]:
        for window in calibration:
            yield [window[None]]

    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return _stripped(converter.convert())


def _stripped(flatbuffer: bytes) -> bytes:
    """Without the names of tensors, which no interpreter needs: a thirtieth of a small model."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    flatbuffer_utils.strip_strings(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
