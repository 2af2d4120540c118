"""A function of TensorFlow operations as a TFLite flatbuffer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from genre_edge.quiet import quiet_stderr


def traced(function: Callable[[Any], Any], shape: Sequence[int]) -> bytes:
    """Convert a function.

    Parameters
    ----------
    function
        Takes and returns a float32 tensor.
    shape
        Shape of what it takes.
    """
    with quiet_stderr():
        module = tf.Module()
        module.call = tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32)])
        concrete = module.call.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
        flatbuffer: bytes = converter.convert()
    return flatbuffer
