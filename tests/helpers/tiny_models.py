"""Models of a few hundred bytes that hear samples as they are: good ones, and ones that
fail on loud windows only, when they are already trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from genre_edge.model.bundle import write_bundle
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.frontend_spec import FrontendSpec

RATE = 8000
"""Sample rate of the models unless told otherwise, Hz."""
SECONDS = 0.1
"""Length of their windows unless told otherwise, s."""
LOUD = 0.3
"""Root mean square from which on a window is loud, full scale being 1."""


def tiny_model(
    path: Path,
    labels: Sequence[str] = ("jazz", "rock"),
    when_loud: str = "",
    rate: int = RATE,
    seconds: float = SECONDS,
) -> str:
    """Write a bundle of a dense layer and a softmax; returns its path.

    Parameters
    ----------
    path
        Where to; it is called as the file is.
    labels
        Its labels.
    when_loud
        What it does on a loud window: "nan", it answers with numbers that are none;
        "error", it cannot be run.
    rate, seconds
        What its windows are.
    """
    spec = FrontendSpec(
        sample_rate=rate, window_seconds=seconds, n_fft=128, hop_length=64, n_mels=8,
        f_max=rate / 2, kind="waveform", normalise="none",
    )  # fmt: skip
    (samples,) = spec.shape
    graph = _Graph(samples)
    random = np.random.default_rng(len(labels))
    weights = random.standard_normal((len(labels), samples)).astype(np.float32)
    scores = graph.dense(graph.input, weights)
    scores = graph.add("SOFTMAX", [scores], [1, len(labels)], schema.SoftmaxOptionsT())
    if when_loud:
        scores = graph.failing(scores, len(labels), when_loud)
    write_bundle(path, graph.flatbuffer(scores), BundleInfo(path.stem, tuple(labels), spec))
    return str(path)


class _Graph:
    """A TFLite graph in the making."""

    def __init__(self, samples: int) -> None:
        self._model, self._graph = schema.ModelT(), schema.SubGraphT()
        self._model.version, self._model.subgraphs = 3, [self._graph]
        self._model.buffers, self._model.operatorCodes = [schema.BufferT()], []
        self._graph.tensors, self._graph.operators = [], []
        self._samples = samples
        self.input = self._tensor([1, samples])

    def dense(self, given: int, weights: np.ndarray) -> int:
        """given [1, n] times weights [m, n]: [1, m]."""
        options = schema.FullyConnectedOptionsT()
        inputs = [given, self.constant(weights), -1]
        return self.add("FULLY_CONNECTED", inputs, [1, len(weights)], options)

    def failing(self, scores: int, count: int, how: str) -> int:
        """The scores, unless the window is loud."""
        mean = np.full((1, self._samples), 1 / self._samples / LOUD**2, np.float32)
        power = self.dense(self.add("SQUARE", [self.input], [1, self._samples]), mean)
        if how == "nan":
            # The logarithm of what is below 0, times 0.
            one, zero = (self.constant(np.full((1, 1), n, np.float32)) for n in (1.0, 0.0))
            rest = self.add("SUB", [one, power], [1, 1], schema.SubOptionsT())
            odd = self.add("LOG", [rest], [1, 1])
            odd = self.add("MUL", [odd, zero], [1, 1], schema.MulOptionsT())
        else:
            # An element beyond the end of a list of one.
            at = self.add("CAST", [power], [1, 1], schema.CastOptionsT(), schema.TensorType.INT32)
            zeros = self.constant(np.zeros(1, np.float32))
            odd = self.add("GATHER", [zeros, at], [1, 1], schema.GatherOptionsT())
        return self.add("ADD", [scores, odd], [1, count], schema.AddOptionsT())

    def constant(self, values: np.ndarray) -> int:
        """A tensor with values of its own."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return self._tensor(list(values.shape), buffer=len(self._model.buffers) - 1)

    def add(
        self, name: str, inputs: list[int], shape: list[int], options: Any = None, type_: int = 0
    ) -> int:
        """An operator; returns its output. `type_` 0 is float32."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = code.builtinCode, 1
        self._model.operatorCodes.append(code)
        operator, output = schema.OperatorT(), self._tensor(shape, type_)
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = options
            if name == "SOFTMAX":
                options.beta = 1.0
        self._graph.operators.append(operator)
        return output

    def _tensor(self, shape: list[int], type_: int = 0, buffer: int = 0) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = shape, type_, buffer
        tensor.name = f"t{len(self._graph.tensors)}"
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def flatbuffer(self, output: int) -> bytes:
        """The whole model."""
        import flatbuffers

        self._graph.inputs, self._graph.outputs = [self.input], [output]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
