"""A model that takes samples: front-end, network and scores in one TFLite file, for
browsers, phones and MediaPipe."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from genre_edge.arrays import Float32
from genre_edge.errors import ModelError
from genre_edge.files import write_atomically
from genre_edge.model.bundle import ZIP_EPOCH, Bundle
from genre_edge.model.bundle_members import AUDIO_IN, LABELS
from genre_edge.model.classifier import interpreter_class
from genre_edge.model.flatbuffer import Tensor, read_graph
from genre_edge.quiet import quiet_stderr

from ..read.operators import check_operators
from .frontend_graph import check_frontend, frontend_flatbuffer
from .join import joined
from .recordings import Comparison, checked, frame_grid
from .tflite_metadata import AudioModel, audio_metadata
from .traced import traced

INPUT, OUTPUT = "audio", "scores"
"""Names of the model's input and output tensors."""


def export_audio_in(path: Path, bundle: Bundle, recordings: Sequence[str]) -> Comparison:
    """Make the model, check it on recordings, and write it.

    Parameters
    ----------
    path
        The file to write.
    bundle
        What it is made from.
    recordings
        Files, or folders of them, on whose windows both are asked.

    Returns
    -------
    Comparison
        How the two compare.

    Raises
    ------
    ModelError
        It cannot be made, or it disagrees with the bundle; nothing was written.
    """
    flatbuffer = audio_in_flatbuffer(bundle)
    model = AudioInModel(flatbuffer)
    comparison = checked(bundle, recordings, lambda window: model.scores(window.samples))
    _write(path, bundle, flatbuffer, comparison.to_dict())
    return comparison


def audio_in_flatbuffer(bundle: Bundle) -> bytes:
    """A bundle's network with its front-end before it and its probabilities after it.

    Parameters
    ----------
    bundle
        The bundle; its network goes in as it is, int8 or float32.

    Returns
    -------
    bytes
        A TFLite model: samples, float32 [1, window_samples], full scale at 1.0, to
        probabilities, float32 [1, labels]. It has TFLite Metadata.

    Raises
    ------
    ModelError
        The front-end or the network cannot be put into one graph.
    """
    info = bundle.info
    check_frontend(info.frontend, info.name)
    if info.mapping:
        raise ModelError(f"{info.name}: labels that stand for several outputs have no graph yet")
    network = read_graph(bundle.flatbuffer, info.name)
    given, out = network.tensors[network.inputs[0]], network.tensors[network.outputs[0]]
    parts = [
        frontend_flatbuffer(info.frontend, fixed_shape(given), "mels-frames" in info.layout),
        bundle.flatbuffer,
        probabilities(fixed_shape(out), info.output),
    ]
    described = AudioModel(
        info.name,
        f"Names the genre of {info.frontend.window_seconds:g} seconds of music.",
        info.frontend.sample_rate,
        LABELS,
    )
    try:
        flatbuffer = joined(parts, INPUT, OUTPUT, audio_metadata(described))
    except ModelError as error:
        raise ModelError(f"{info.name}: {error}") from None
    check_operators(read_graph(flatbuffer, info.name), info.name, None)
    return flatbuffer


def fixed_shape(tensor: Tensor) -> list[int]:
    """A tensor's shape, with 1 for the size of the batch where that is open."""
    return [max(1, n) for n in tensor.shape]


def probabilities(shape: list[int], output: str) -> bytes:
    """A TFLite model from the network's output to probabilities, as
    `Classifier.scores` makes them: float32 `shape` to [1, labels]."""

    def last(given: Any) -> Any:
        scores = tf.reshape(given, [1, -1])
        if output == "logits":
            return tf.nn.softmax(scores)
        if output.startswith("sigmoid"):
            return tf.sigmoid(scores) if output == "sigmoid-logits" else scores
        return scores / tf.maximum(tf.reduce_sum(scores), np.float32(1e-6))

    return traced(last, shape)


def _write(path: Path, bundle: Bundle, flatbuffer: bytes, agreement: Mapping[str, Any]) -> None:
    """Write the flatbuffer and, behind it, a ZIP as in a bundle: `labels.txt`, which
    MediaPipe reads, and `audio_in.json`, which says what the model wants. The members
    are stored as they are, because MediaPipe refuses compressed ones."""
    info, spec = bundle.info, bundle.info.frontend
    described = {
        "schema_version": 1,
        "name": info.name,
        "labels": list(info.labels),
        "sample_rate": spec.sample_rate,
        "window_samples": spec.window_samples,
        "frame_grid": frame_grid(spec),
        "made_from": {"name": info.name, "sha256": bundle.sha256},
        "agreement": dict(agreement),
        "metrics": dict(info.metrics),
    }
    content = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(LABELS, ZIP_EPOCH), "\n".join(info.labels) + "\n")
        archive.writestr(zipfile.ZipInfo(AUDIO_IN, ZIP_EPOCH), json.dumps(described, indent=1))
    write_atomically(path, content.getvalue())


class AudioInModel:
    """Runs such a model in the first interpreter that is installed."""

    def __init__(self, flatbuffer: bytes) -> None:
        _, interpreter = interpreter_class(None)
        with quiet_stderr():
            self._net = interpreter(model_content=flatbuffer)
            self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        self._output = self._net.get_output_details()[0]["index"]

    def scores(self, samples: Float32) -> Float32:
        """Probabilities of a window's samples: float32 [window_samples] to [labels]."""
        self._net.set_tensor(self._input, samples[None])
        self._net.invoke()
        found: Float32 = self._net.get_tensor(self._output).reshape(-1)
        return found
