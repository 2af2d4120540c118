"""A trained network to convert, from any kind of file. No Python code in the file is
run."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from genre_edge.arrays import Float32
from genre_edge.errors import BundleError, Fault, ModelError, UsageError
from genre_edge.model.classifier import dequantise, interpreter_class, quantise
from genre_edge.model.flatbuffer import read_graph
from genre_edge.quiet import quiet_stderr

from .keras_2 import is_of_keras_2, layers_of_keras_2
from .operators import check_operators
from .outputs import with_one_output
from .sound_files import MOST_MEMORY, check_keras_file, memory_limited
from .unrolled import unrolled

Shape = tuple[int | None, ...]

_TOO_LARGE = (
    f"needs more than {MOST_MEMORY / 1e9:.0f} GB of memory to load: it is damaged, or not meant "
    "for small devices"
)


@dataclass(frozen=True)
class Network:
    """What conversion needs to know of a network."""

    path: Path
    """The file or folder it was loaded from."""
    kind: str
    """keras, saved-model or tflite."""
    input_shape: Shape
    """As the network declares it; None for a size left open."""
    outputs: int
    """Length of its output."""
    run: Callable[[Float32], Float32]
    """Raw outputs, float32 [n, outputs], for inputs [n, *input_shape[1:]]."""
    export: Callable[[str], None] | None = None
    """Writes it to a folder as a SavedModel; None where that is impossible (tflite)."""
    flatbuffer: bytes = b""
    """The model itself, if it is a TFLite file."""


def load_network(path: Path, output: str | None = None) -> Network:
    """Load a .keras, .h5 or .tflite file or a SavedModel folder.

    Parameters
    ----------
    path
        The file or folder.
    output
        Name or number of the output to use, of a .tflite file that has several.

    Raises
    ------
    ModelError
        There is no such file, or it cannot be converted.
    UsageError
        Another kind of file has no output to choose.
    """
    if not path.exists():
        raise ModelError(f"{path}: no such file or folder")
    if output is not None and path.suffix != ".tflite":
        reason = f"goes with a .tflite file alone, and {path} is none"
        raise UsageError(Fault("output_tensor", output, reason))
    if path.is_dir():
        network = _saved_model(path)
    elif path.suffix in (".keras", ".h5", ".hdf5"):
        network = _keras(path)
    elif path.suffix == ".tflite":
        network = _tflite(path, output)
    else:
        raise ModelError(f"{path}: must be a .keras, .h5 or .tflite file, or a SavedModel folder")
    if any(size is None for size in network.input_shape[1:]):
        raise ModelError(
            f"{path}: has a dynamic shape, {_text(network.input_shape)}: every size except the "
            "batch's must be a number: build the network with the frames of one window, and load "
            "its weights into that"
        )
    return network


def _text(shape: Shape) -> str:
    return "(" + ", ".join("?" if n is None else str(n) for n in shape) + ")"


def _one(path: Path, count: int, kind: str) -> None:
    if count != 1:
        raise ModelError(
            f"{path}: has {count} {kind}s, expected one: save a model that has only the {kind} "
            "that counts, `keras.Model(inputs, outputs)`"
        )


def _keras(path: Path) -> Network:
    check_keras_file(path)
    try:
        with warnings.catch_warnings(), memory_limited():
            warnings.simplefilter("ignore")
            old = {} if path.suffix == ".keras" else layers_of_keras_2()
            with keras.saving.custom_object_scope(old):
                model: Any = keras.models.load_model(path, compile=False, safe_mode=True)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise ModelError(f"{path}: {_TOO_LARGE}") from None
    except Exception as error:  # Keras raises whatever its parts raise
        raise ModelError(f"{path}: {_keras_reason(str(error))}") from None
    _one(path, len(model.inputs), "input")
    _one(path, len(model.outputs), "output")
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise ModelError(
                f"{path}: the weights {weight.path} hold NaN or infinity: train the model again"
            )
    shape, output = tuple(model.inputs[0].shape), tuple(model.outputs[0].shape)
    if None not in shape[1:]:
        model = unrolled(model)

    def run(given: Float32) -> Float32:
        batch = 64 if shape[0] is None else shape[0]
        return np.asarray(model.predict(given, batch_size=batch, verbose=0), np.float32).reshape(
            len(given), -1
        )

    def export(folder: str) -> None:
        with quiet_stderr():
            model.export(folder, verbose=False)

    return Network(path, "keras", shape, _length(path, output), run, export)


def _keras_reason(text: str) -> str:
    """Keras' error in one line."""
    if is_of_keras_2(text):
        return (
            "was written by Keras 2, and Keras 3 cannot read it: load it with your own TensorFlow "
            'and save a SavedModel folder (`model.save("folder", save_format="tf")`, or '
            '`model.export("folder")` from TensorFlow 2.13 on), and convert that'
        )
    if "Lambda" in text or "lambda" in text:
        return (
            "holds a Lambda layer, which is Python code and is not run: use another layer instead, "
            "or export the model as a SavedModel"
        )
    found = re.search(
        r"(?:Could not locate (?:class|function)|Unknown (?:layer|object|activation function)):? "
        r"'?(\w+)",
        text,
    )
    if found:
        return (
            f"holds the custom object {found[1]}, which only your own code knows: "
            "export the model as a SavedModel"
        )
    if "synchronously open file" in text or "synchronously read data" in text:
        return "is cut short or damaged: copy or save it again"
    return f"not a Keras model that can be loaded safely ({' '.join(text.split())[:160]})"


def _length(path: Path, output: Shape) -> int:
    """Length of an output (None, n) or (None, 1, 1, n)."""
    sizes = [n for n in output[1:] if n != 1]
    if len(sizes) != 1 or sizes[0] is None:
        raise ModelError(
            f"{path}: its output is {_text(output)}, expected one score a label: end it in "
            "Dense(number of labels); one sigmoid for two labels becomes two outputs, 1 - x and x"
        )
    return sizes[0]


def _saved_model(path: Path) -> Network:
    if not (path / "saved_model.pb").is_file():
        raise ModelError(
            f"{path}: not a SavedModel folder (it lacks saved_model.pb): give a .keras, .h5 or "
            ".tflite file, or the folder that was exported"
        )
    try:
        with quiet_stderr(), memory_limited():
            loaded = tf.saved_model.load(str(path))
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise ModelError(f"{path}: {_TOO_LARGE}") from None
    except Exception as error:  # as in _keras
        if not (path / "variables" / "variables.index").is_file():
            raise ModelError(
                f"{path}: lacks variables/variables.index: copy the whole exported folder"
            ) from None
        raise ModelError(
            f"{path}: cannot be loaded, export or copy it again "
            f"({' '.join(str(error).split())[:160]})"
        ) from None
    signatures = dict(loaded.signatures)
    if not signatures:
        raise ModelError(f"{path}: has no signature: save it with a serving_default")
    signature = signatures.get("serving_default") or next(iter(signatures.values()))
    given = signature.structured_input_signature[1]
    _one(path, len(given), "input")
    _one(path, len(signature.structured_outputs), "output")
    (name, spec), (out_name, out) = (
        next(iter(given.items())),
        next(iter(signature.structured_outputs.items())),
    )
    shape = tuple(spec.shape)

    def run(windows: Float32) -> Float32:
        step = 64 if shape[0] is None else 1
        parts = [
            signature(**{name: tf.constant(windows[at : at + step])})[out_name].numpy()
            for at in range(0, len(windows), step)
        ]
        return np.concatenate(parts).reshape(len(windows), -1).astype(np.float32)

    def export(folder: str) -> None:
        with quiet_stderr():
            tf.saved_model.save(loaded, folder, signatures={"serving_default": signature})

    return Network(path, "saved-model", shape, _length(path, tuple(out.shape)), run, export)


def _tflite(path: Path, output: str | None) -> Network:
    content = path.read_bytes()
    graph = read_graph(content, str(path))
    _one(path, len(graph.inputs), "input")
    if len(graph.outputs) > 1 or output is not None:
        content = with_one_output(path, content, output)
        graph = read_graph(content, str(path))
    check_operators(graph, str(path), None)
    given, out = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    shape: Shape = tuple(None if n < 0 else n for n in given.shape)
    run = _interpreted(path, content)
    return Network(path, "tflite", shape, _length(path, (None, *out.shape[1:])), run, None, content)


def _interpreted(path: Path, content: bytes) -> Callable[[Float32], Float32]:
    """A function that runs a TFLite model window by window."""
    _, interpreter = interpreter_class(None)
    try:
        with quiet_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = interpreter(model_content=content)
            net.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise BundleError(
            f"{path}: no interpreter here can load it ({' '.join(str(error).split())})"
        ) from None
    given, out = net.get_input_details()[0], net.get_output_details()[0]

    def run(windows: Float32) -> Float32:
        rows = []
        for window in windows:
            x = window.reshape(given["shape"])
            if given["dtype"] != np.float32:
                scale, zero_point = given["quantization"]
                x = quantise(x, scale, zero_point, given["dtype"])
            net.set_tensor(given["index"], x)
            net.invoke()
            y = net.get_tensor(out["index"]).reshape(-1)
            rows.append(y if out["dtype"] == np.float32 else dequantise(y, *out["quantization"]))
        return np.array(rows, dtype=np.float32)

    return run
