"""A network cut from pretrained layers, with a head for our labels."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from genre_edge.arrays import Float32
from genre_edge.errors import ModelError, UsageError
from keras import layers

from .yamnet import CHANNELS, LAYERS, PATCH, STRIDED, Start, own_embedding, read_start

LEAST_CORRELATION = 0.999
"""Of the rebuilt network's embedding with the file's own, below which weights were read
wrongly."""


def trunk(shape: tuple[int, ...], cut: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """YAMNet's layers up to layer `cut`, untrained: (input [frames, mels, 1], maps)."""
    if not 2 <= cut <= LAYERS:
        raise UsageError(f"--cut {cut}: must be from 2 to {LAYERS}")
    inputs = x = keras.Input((*shape, 1), name="logmel")
    for layer, channels in enumerate(CHANNELS[:cut], start=1):
        strides = 2 if layer in STRIDED else 1
        if layer == 1:
            x = layers.Conv2D(channels, 3, strides, "same", activation="relu", name="layer1")(x)
            continue
        x = layers.DepthwiseConv2D(
            3, strides, "same", activation="relu", name=f"layer{layer}_depthwise"
        )(x)
        x = layers.Conv2D(channels, 1, activation="relu", name=f"layer{layer}_pointwise")(x)
    return inputs, x


def student(shape: tuple[int, ...], cut: int, labels: int, components: int) -> keras.Model:
    """The network in training: label logits, and `components` numbers of the teachers.

    The maps are averaged over time and kept apart by frequency: where in the spectrum
    something happens matters, when does not.
    """
    inputs, maps = trunk(shape, cut)
    x = layers.AveragePooling2D((maps.shape[1], 1), name="over_time")(maps)
    features = layers.Flatten(name="features")(x)
    dropped = layers.Dropout(0.3, name="dropout")(features)
    genre = layers.Dense(labels, name="genre")(dropped)
    outputs = {"genre": genre}
    if components:
        outputs["teachers"] = layers.Dense(components, name="teachers")(features)
    return keras.Model(inputs, outputs, name=f"cut{cut}")


def put_start(model: keras.Model, start: Start) -> None:
    """Set the weights of a network's trunk to those of the start."""
    convolutions = [
        layer
        for layer in model.layers
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D))
    ]
    for layer, weights in zip(convolutions, start.convolutions, strict=False):
        layer.set_weights([weights.kernel, weights.bias])


def classifier_of(trained: keras.Model) -> keras.Model:
    """The trained network with its label output alone, as a softmax, without
    dropout."""
    features = trained.get_layer("features").output
    kernel, bias = trained.get_layer("genre").get_weights()
    dense = layers.Dense(len(bias), activation="softmax", name="genre_softmax")
    model = keras.Model(trained.input, dense(features), name=trained.name)
    dense.set_weights([kernel, bias])
    return model


def checked_start(path: Path) -> Start:
    """The weights of the file, rebuilt and compared with what the file itself answers.

    ModelError if the embeddings of a second of noise and tones correlate too little.
    """
    start = read_start(path)
    found = correlation(path, start)
    if found < LEAST_CORRELATION:
        raise ModelError(
            f"{path}: the network rebuilt from it correlates by {found:.4f} with it, "
            f"less than {LEAST_CORRELATION}"
        )
    return start


def correlation(path: Path, start: Start) -> float:
    """Correlation of the rebuilt network's 1024-number embedding with the file's
    own."""
    log_mel, expected = own_embedding(path, _test_sound())
    inputs, maps = trunk((96, 64), LAYERS)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(maps))
    put_start(model, start)
    heard = model.predict_on_batch(log_mel[None, ..., None])[0]
    return float(np.corrcoef(heard, expected)[0, 1])


def _test_sound() -> Float32:
    """Tones that come and go over noise, float32 [PATCH]."""
    t = np.arange(PATCH) / 16_000
    rng = np.random.default_rng(0)
    tones = sum(np.sin(2 * np.pi * f * t) * (np.sin(f * t) > 0) for f in (220.0, 554.0, 1760.0))
    return (0.1 * tones + 0.02 * rng.standard_normal(PATCH)).astype(np.float32)
