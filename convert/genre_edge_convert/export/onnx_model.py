"""A bundle's network as an ONNX model: features in, probabilities out. The front-end
stays outside."""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from genre_edge.arrays import Float32
from genre_edge.errors import ModelError
from genre_edge.files import write_atomically
from genre_edge.model.bundle import Bundle
from genre_edge.model.classifier import arranged
from genre_edge.model.flatbuffer import read_graph
from genre_edge.quiet import quiet_stderr
from tensorflow.lite.tools import flatbuffer_utils

from .audio_in import fixed_shape, probabilities
from .join import joined
from .recordings import Comparison, checked
from .traced import traced

INPUT, OUTPUT = "features", "scores"
"""Names of the model's input and output."""
_OPSET = 17
"""Of 2022; every later ONNX Runtime has it."""


def export_onnx(path: Path, bundle: Bundle, recordings: Sequence[str]) -> Comparison:
    """Make the model, check it in ONNX Runtime on recordings, and write it.

    Its properties say what a program needs besides: `labels`, `frontend` and `layout`,
    each as JSON.

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
    content = _content(bundle)
    model = _OnnxModel(content, bundle.info.layout)
    comparison = checked(bundle, recordings, lambda window: model.scores(window.features))
    write_atomically(path, content)
    return comparison


def _content(bundle: Bundle) -> bytes:
    """The ONNX model: float32, shaped as the network's input, to float32 [1, labels].
    An int8 network keeps its weights and scales (QDQ)."""
    import tf2onnx

    info = bundle.info
    network = read_graph(bundle.flatbuffer, info.name)
    given = fixed_shape(network.tensors[network.inputs[0]])
    out = fixed_shape(network.tensors[network.outputs[0]])
    parts = [traced(lambda x: x, given), bundle.flatbuffer, probabilities(out, info.output)]
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(_named(joined(parts, INPUT, OUTPUT, b"")))
        file.flush()
        try:
            with quiet_stderr(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model, _ = tf2onnx.convert.from_tflite(file.name, opset=_OPSET)
        except Exception as error:  # tf2onnx raises whatever its parts raise
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{info.name}: tf2onnx cannot convert it ({reason})") from None
    described = {"labels": list(info.labels), "frontend": info.frontend.to_dict()}
    described |= {"layout": info.layout, "made_from": {"name": info.name, "sha256": bundle.sha256}}
    onnx.helper.set_model_props(model, {key: json.dumps(v) for key, v in described.items()})
    content: bytes = model.SerializeToString()
    return content


def _named(flatbuffer: bytes) -> bytes:
    """With a name for each tensor: tf2onnx tells them apart by it."""
    model: Any = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    (graph,) = model.subgraphs
    for number, tensor in enumerate(graph.tensors):
        if number not in (*graph.inputs, *graph.outputs):
            tensor.name = f"t{number}"
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class _OnnxModel:
    """Runs such a model in ONNX Runtime."""

    def __init__(self, content: bytes, layout: str) -> None:
        self._session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self._shape = self._session.get_inputs()[0].shape
        self._layout = layout

    def scores(self, features: Float32) -> Float32:
        """Probabilities of a window's features: float32 [frames, mels], say, to
        [labels]."""
        given = arranged(features, self._layout)
        (found,) = self._session.run([OUTPUT], {INPUT: given.reshape(self._shape)})
        scores: Float32 = np.asarray(found, dtype=np.float32).reshape(-1)
        return scores
