"""Recurrent layers as a fixed number of steps, which TFLite's builtin operators can
do."""

from __future__ import annotations

from typing import Any

import keras


def unrolled(model: Any) -> Any:
    """A Keras model whose recurrent layers (LSTM, GRU, SimpleRNN, also within
    Bidirectional) are unrolled; the model itself if it has none.

    A loop over time becomes TensorList operators, which TFLite has not. Unrolled, the
    same weights give the same outputs.

    Parameters
    ----------
    model
        Sequential or functional, its number of time steps fixed.
    """
    if not any(_unroll(layer.get_config()) for layer in model.layers):
        return model

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        _unroll(config)
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def _unroll(config: dict[str, Any]) -> bool:
    """Set every `unroll` of a layer's configuration; returns whether one was off."""
    found = False
    for key, value in config.items():
        if key == "unroll" and value is False:
            config[key] = found = True
        elif isinstance(value, dict):
            found = _unroll(value) or found
    return found
