"""Files of Keras 2: their layers as Keras 3 takes them, and what shows such a file."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from keras import layers

_CHANGED = (
    layers.LSTM,
    layers.GRU,
    layers.SimpleRNN,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
    layers.Bidirectional,
    layers.TimeDistributed,
)
"""Layers of which Keras 2 wrote what Keras 3 refuses, and those that wrap such."""
_OF_TRAINING = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
"""Fields that a trained layer does not need."""
_SIGNS = re.compile(
    r"keras\.(?:src\.)?engine\.|batch_input_shape|time_major|(?:TFOp|Slicing)\w*Lambda|"
    r"'(?:Depthwise|Separable)Conv"
)


def layers_of_keras_2() -> dict[str, type[layers.Layer]]:
    """Classes by the names that stand in an .h5 file. Each makes the layer of Keras 3,
    without the fields that Keras 3 no longer has, where they hold what it always
    does."""
    return {layer.__name__: _reader(layer) for layer in _CHANGED}


def _reader(layer: type[layers.Layer]) -> type[layers.Layer]:
    class Reader(layer):  # type: ignore[misc]
        """Reads the layer; is none itself."""

        @classmethod
        def from_config(cls, config: Mapping[str, Any]) -> layers.Layer:
            """The layer of Keras 3."""
            return layer.from_config(_taken(layer, config))

    return Reader


def _taken(layer: type[layers.Layer], config: Mapping[str, Any]) -> dict[str, Any]:
    """What Keras 3 takes of a layer's fields, and of the layer that it wraps."""
    known = inspect.signature(layer.__init__).parameters
    taken = {k: v for k, v in config.items() if k in known or not _is_spare(k, v)}
    for field in ("layer", "backward_layer"):
        inner = taken.get(field) or {}
        for wrapped in _CHANGED:
            if inner.get("class_name") == wrapped.__name__:
                taken[field] = {**inner, "config": _taken(wrapped, inner["config"])}
    return taken


def _is_spare(field: str, value: Any) -> bool:
    return field in _OF_TRAINING or (field, value) in (("time_major", False), ("groups", 1))


def is_of_keras_2(error: str) -> bool:
    """Whether Keras' error is about a file that Keras 2 wrote."""
    return _SIGNS.search(error) is not None
