"""The networks. Input: one window of log-mel, [frames, mels, 1]; output: a softmax over
the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
from genre_edge.errors import Fault, UsageError
from keras import layers

Network = Callable[[tuple[int, ...], int], keras.Model]
"""Builds an untrained network from (frames, mels) and the number of labels."""


def stacked(name: str, channels: Sequence[int]) -> Network:
    """The example project's network, with a choice of convolutions.

    Each 3x3 convolution is followed by pooling and dropout. A wide dense layer and a
    softmax come last.

    Parameters
    ----------
    name
        The model's name in Keras.
    channels
        Output channels of each convolution, the first one first.
    """

    def build(shape: tuple[int, ...], classes: int) -> keras.Model:
        inputs = x = keras.Input((*shape, 1), name="logmel")
        for count in channels:
            x = layers.Conv2D(count, 3, padding="same", activation="relu")(x)
            x = layers.MaxPooling2D(2)(x)
            x = layers.Dropout(0.2)(x)
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(512, activation="relu")(x)
        outputs = layers.Dense(classes, activation="softmax", name="genre")(x)
        return keras.Model(inputs, outputs, name=name)

    return build


def edge_trunk(shape: tuple[int, ...]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The project's own network without its last layer.

    The first layers have few channels and reduce the resolution to a quarter. Most
    multiplications are spent on maps of 15 x 14 and 7 x 7. Then a depthwise column
    weighs the remaining frequency bands for each channel, and the result is averaged
    over time: where in the spectrum something happens matters, and when does not.

    Parameters
    ----------
    shape
        (frames, mels) of a window.

    Returns
    -------
    tuple
        The input and the 224 features.
    """
    inputs = x = keras.Input((*shape, 1), name="logmel")
    x = _convolution(x, 16, 5, strides=2)
    x = layers.MaxPooling2D(2)(x)
    x = _convolution(x, 32, 3)
    x = layers.MaxPooling2D(2)(x)
    x = _residual(_convolution(x, 64, 3), 64)
    x = layers.MaxPooling2D(2)(x)
    x = _residual(_convolution(x, 112, 3), 112)
    x = _convolution(x, 224, 1)
    x = layers.DepthwiseConv2D((1, x.shape[2]), use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return inputs, layers.GlobalAveragePooling2D()(x)


def edge(shape: tuple[int, ...], classes: int) -> keras.Model:
    """The project's own network: `edge_trunk`, dropout and a softmax."""
    inputs, features = edge_trunk(shape)
    x = layers.Dropout(0.3)(features)
    outputs = layers.Dense(classes, activation="softmax", name="genre")(x)
    return keras.Model(inputs, outputs, name="edge")


def _convolution(
    x: keras.KerasTensor, channels: int, size: int, strides: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(channels, size, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def _residual(x: keras.KerasTensor, channels: int) -> keras.KerasTensor:
    y = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    return layers.ReLU()(layers.Add()([x, y]))


ARCHITECTURES: Mapping[str, Network] = {
    "two-block": stacked("two-block", (32, 128)),
    "deep": stacked("deep", (32, 64, 128, 256)),
    "edge": edge,
}


def build(name: str, shape: tuple[int, ...], classes: int) -> keras.Model:
    """An untrained network.

    Parameters
    ----------
    name
        Of ARCHITECTURES.
    shape
        (frames, mels) of a window.
    classes
        Number of labels.

    Raises
    ------
    UsageError
        There is no network of this name.
    """
    if name not in ARCHITECTURES:
        raise UsageError(Fault("arch", name, f"unknown; choose from {', '.join(ARCHITECTURES)}"))
    return ARCHITECTURES[name](shape, classes)
