"""The networks of common tutorials, barely trained: each converts with its front-end by
name and answers as it did; and what is said of a file that Keras 2 wrote."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from genre_edge.audio.file_source import read_mono
from genre_edge.errors import ModelError
from genre_edge.model.bundle import read_bundle
from genre_edge.model.frontend import LogMel
from genre_edge_convert import cli as convert
from genre_edge_convert.quantise.flatbuffers import flatbuffers, write_saved_model
from genre_edge_convert.read.named_frontends import named
from genre_edge_convert.read.networks import load_network
from genre_edge_convert.read.unrolled import unrolled
from keras import layers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's and Keras' own
]


def recurrent(layer: type[layers.Layer]) -> list[layers.Layer]:
    return [layer(4), layers.Dense(3, activation="softmax")]


def picture() -> list[layers.Layer]:
    return [
        layers.Conv2D(4, 5, strides=4),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.MaxPooling2D(4),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]


def convolutions() -> list[layers.Layer]:
    return [
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(3, 2, padding="same"),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]


@pytest.mark.parametrize(
    ("frontend", "shape", "layout", "of"),
    [
        ("librosa-mfcc-13", (130, 13), "frames-mels", lambda: recurrent(layers.LSTM)),
        ("librosa-mfcc-13", (130, 13, 1), "frames-mels", convolutions),
        ("librosa-mel-128", (128, 130, 1), "mels-frames", picture),
        ("librosa-mel-128-picture", (128, 130, 3), "mels-frames", picture),
    ],
)
def test_a_tutorials_network_converts(
    frontend: str,
    shape: tuple[int, ...],
    layout: str,
    of: Any,
    tmp_path: Path,
    demo_clip: Path,
) -> None:
    """It learns which third of the clip a window is from, so that it has opinions."""
    spec = named(frontend)
    samples = read_mono(demo_clip, spec.sample_rate)
    windows = np.stack([window.features for window in LogMel(spec, 0.15).push(samples)])
    third = np.arange(len(windows)) * 3 // len(windows)
    keras.utils.set_random_seed(1)
    model = keras.Sequential([layers.Input(shape), *of()])
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    turned = np.swapaxes(windows, 1, 2) if layout == "mels-frames" else windows
    model.fit(turned.reshape(-1, *shape), third, epochs=8, verbose=0)
    model.save(tmp_path / "m.keras")
    np.savez(tmp_path / "w.npz", calibration=windows[::2], held_out=windows[1::2])
    given = [tmp_path / "m.keras", "--labels", "ape,bear,cat", "--frontend", frontend]
    given += ["--calibrate", tmp_path / "w.npz", "--layout", layout, "-o", tmp_path / "n"]
    assert convert.main([str(part) for part in given]) == 0
    for kind, most in (("float32", 1e-4), ("int8", 0.15)):
        info = read_bundle(tmp_path / f"n.{kind}.tflite").info
        assert info.layout == layout
        assert info.metrics["agreement"]["top1"] >= 0.96
        assert info.metrics["agreement"]["largest_difference"] < most


@pytest.mark.parametrize("layer", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_recurrent_layers_are_unrolled_and_give_the_same(layer: type[layers.Layer]) -> None:
    keras.utils.set_random_seed(1)
    one = layer(4, return_sequences=True)
    model = keras.Sequential([layers.Input((9, 5)), layers.Bidirectional(one), layer(3)])
    given = np.random.default_rng(0).standard_normal((6, 9, 5)).astype(np.float32)
    flat = unrolled(model)
    assert flat.layers[0].forward_layer.unroll and flat.layers[1].unroll
    np.testing.assert_allclose(
        flat.predict(given, verbose=0), model.predict(given, verbose=0), atol=1e-6
    )


def test_a_model_without_loops_is_itself() -> None:
    model = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
    assert unrolled(model) is model


def test_a_loop_in_a_saved_model_is_refused_with_unroll_named(tmp_path: Path) -> None:
    model = keras.Sequential([layers.Input((9, 5)), *recurrent(layers.LSTM)])
    model.export(str(tmp_path / "saved"), verbose=False)
    with pytest.raises(ModelError, match="unroll=True"):
        flatbuffers(str(tmp_path / "saved"), ("float32",), np.zeros((1, 9, 5), "f"), "tflite")


def as_keras_2(path: Path, model: keras.Model, **fields: dict[str, Any]) -> Path:
    """An .h5 file of a model, with what Keras 2 wrote of some layers besides."""
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            for one in (layer, layer["config"].get("layer"), layer["config"].get("backward_layer")):
                if one:
                    one["config"] |= fields.get(one["class_name"], {})
        file.attrs["model_config"] = json.dumps(config)
    return path


def test_an_old_h5_file_of_keras_2_answers_as_it_did(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    both = keras.Sequential(
        [
            layers.Input((9, 5, 1)),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.SeparableConv2D(2, 3, padding="same"),
            layers.Reshape((9, 10)),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.GRU(3),
            layers.Dense(3),
        ]
    )
    time, spare = {"time_major": False}, {"groups": 1, "kernel_regularizer": None}
    path = as_keras_2(
        tmp_path / "old.h5",
        both,
        DepthwiseConv2D={"groups": 1},
        SeparableConv2D={**spare, "kernel_initializer": {"class_name": "GlorotUniform"}},
        LSTM=time,
        GRU=time,
    )
    given = np.random.default_rng(0).standard_normal((6, 9, 5, 1)).astype(np.float32)
    np.testing.assert_allclose(
        load_network(path).run(given), both.predict(given, verbose=0), atol=1e-6
    )


@pytest.mark.parametrize(
    ("new", "old"), [('"unroll"', '"time_major": true, "unroll"'), ('"LSTM"', '"TFOpLambda"')]
)
def test_another_file_of_keras_2_names_what_can_be_read(new: str, old: str, tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    keras.Sequential([layers.Input((9, 5)), layers.LSTM(4), layers.Dense(3)]).save(path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace(new, old)
    with pytest.raises(ModelError, match=r"written by Keras 2.*SavedModel folder"):
        load_network(path)


def test_the_newer_format_of_keras_2_names_what_can_be_read(tmp_path: Path) -> None:
    """A .keras file names the module of each class."""
    keras.Sequential([layers.Input((4,)), layers.Dense(2)]).save(tmp_path / "new.keras")
    with (
        zipfile.ZipFile(tmp_path / "new.keras") as new,
        zipfile.ZipFile(tmp_path / "old.keras", "w") as old,
    ):
        for name in new.namelist():
            content = new.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["module"] = "keras.src.engine.sequential"
                config["class_name"] = "Old"  # as there is none of that name in that module
                content = json.dumps(config).encode()
            old.writestr(name, content)
    with pytest.raises(ModelError, match=r"written by Keras 2.*SavedModel folder"):
        load_network(tmp_path / "old.keras")


def test_a_full_disk_is_named_by_its_folder(tmp_path: Path) -> None:
    def export(folder: str) -> None:
        raise RuntimeError(f"{{{{node SaveV2}}}} {folder}/variables; No space left on device")

    with pytest.raises(ModelError, match=f"no space left in {tmp_path}: nothing written"):
        write_saved_model(export, tmp_path / ".convert-1" / "work")
