"""The last dense layer of a network: what goes into it (the embedding), and another
layer in its place.

A flatbuffer is changed without building it anew. New vectors are put behind it, and the
distances that led to the old ones lead to the new ones. Everything else stays where it
was. Field numbers are those of TensorFlow Lite's schema.fbs, version 3.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from ..errors import ModelError
from .flatbuffer import Graph, Table, read_graph

_AFTER_DENSE = ("SOFTMAX", "LOGISTIC", "RESHAPE", "QUANTIZE", "DEQUANTIZE")
"""Operators that may stand between the last dense layer and the output."""
_WEIGHTS = ("float32", "int8")
_DATA_ALIGNMENT = 16
"""The schema aligns the data of buffers to this many bytes."""
_STEPS = 255
"""Steps between the lowest and the highest value of int8."""


@dataclass(frozen=True)
class Head:
    """Where the last dense layer of a graph is; numbers are those of tensors."""

    embedding: int
    """What goes into it, or the tensor that the bundle names in its place."""
    size: int
    """Numbers in one embedding."""
    weights: int
    """Its weights: [labels, size]."""
    bias: int
    """Its bias: [labels]; -1 if it has none."""
    logits: int
    """What comes out of it."""
    scores: tuple[int, ...]
    """Tensors from the logits to the output of the graph, whose last size is the number
    of labels."""
    operator: int
    """The number of the operator."""


def find_head(graph: Graph, name: str, embedding: str | None = None) -> Head:
    """Find the last dense layer.

    Parameters
    ----------
    graph
        The network.
    name
        What an error calls the model.
    embedding
        Name or number of the tensor to learn from; None: the input of the last dense
        layer.

    Raises
    ------
    ModelError
        If the network does not end in a dense layer, with or without a softmax, whose
        weights can be replaced. The message says why it cannot be taught.
    """
    made_by = {tensor: i for i, one in enumerate(graph.operators) for tensor in one.outputs}
    if len(graph.outputs) != 1:
        raise ModelError(f"{name}: cannot be taught: it has {len(graph.outputs)} outputs")
    at, scores = graph.outputs[0], list[int]()
    while at in made_by and graph.operators[made_by[at]].name in _AFTER_DENSE:
        scores.append(at)
        at = graph.operators[made_by[at]].inputs[0]
    last = graph.operators[made_by[at]] if at in made_by else None
    if last is None or last.name != "FULLY_CONNECTED":
        found = last.name if last else "its input"
        raise ModelError(f"{name}: cannot be taught: it ends in {found}, not in a dense layer")
    weights = graph.tensors[last.inputs[1]]
    if not weights.constant_bytes or weights.dtype not in _WEIGHTS:
        raise ModelError(
            f"{name}: cannot be taught: the weights of its last layer are {weights.dtype} or "
            "computed; convert it to float32 or int8"
        )
    tensor = last.inputs[0] if embedding is None else _named(graph, name, embedding)
    chosen = graph.tensors[tensor]
    if chosen.dtype != graph.tensors[last.inputs[0]].dtype or chosen.dtype not in _WEIGHTS:
        raise ModelError(f"{name}: cannot be taught: its embedding is {chosen.dtype}")
    if chosen.dynamic:
        raise ModelError(f"{name}: cannot be taught: its embedding has no fixed size")
    bias = last.inputs[2] if len(last.inputs) > 2 else -1
    size = abs(int(np.prod(chosen.shape)))
    return Head(tensor, size, last.inputs[1], bias, at, tuple(scores), made_by[at])


def _named(graph: Graph, name: str, embedding: str) -> int:
    """The number of the tensor that is called so, or has that number."""
    for number, tensor in enumerate(graph.tensors):
        if embedding in (tensor.name, str(number)) and not tensor.constant_bytes:
            return number
    raise ModelError(f"{name}: has no tensor {embedding} that could be its embedding")


def read_layer(flatbuffer: bytes, head: Head) -> tuple[Float32, Float32]:
    """The weights, float32 [labels, inputs], and the bias, float32 [labels], of the
    last dense layer."""
    weights = _constant(flatbuffer, head.weights)
    if head.bias < 0:
        return weights, np.zeros(len(weights), np.float32)
    return weights, _constant(flatbuffer, head.bias)


def _constant(flatbuffer: bytes, number: int) -> Float32:
    """The values of a constant tensor; its first axis has the scales, if it has any."""
    tensor = read_graph(flatbuffer, "model").tensors[number]
    start, count = _buffer_table(flatbuffer, _tensor_table(flatbuffer, number)).vector(0)
    raw = np.frombuffer(flatbuffer[start : start + count], tensor.dtype).reshape(tensor.shape)
    values: Float32 = raw.astype(np.float32)
    if tensor.scale:
        values = (values.T * np.asarray(tensor.scale, np.float32)).T
    return values


def with_embedding(flatbuffer: bytes, head: Head) -> bytes:
    """The network with a second output: the embedding."""
    edit = _Edit(flatbuffer)
    graph = _graph_table(flatbuffer)
    edit.replace_vector(graph, 2, [*graph.ints(2), head.embedding], "i")
    return edit.done()


def with_layer(
    flatbuffer: bytes, head: Head, weights: Float32, bias: Float32, reach: tuple[float, float]
) -> bytes:
    """The network with another last layer, quantised as the old one was.

    Parameters
    ----------
    flatbuffer
        The network.
    head
        Its last dense layer.
    weights
        float32 [labels, size].
    bias
        float32 [labels].
    reach
        Lowest and highest logit that an int8 network must be able to express.

    Raises
    ------
    ModelError
        If the flatbuffer cannot be changed so, and the reason.

    Notes
    -----
    Weights are quantised symmetrically, with a scale for each label if the old ones
    were; the bias in int32 with the product of the scales of input and weights
    (B. Jacob et al., CVPR 2018, section 2.4).
    """
    graph = read_graph(flatbuffer, "model")
    if head.bias < 0:
        raise ModelError("cannot be taught: its last layer has no bias")
    labels, edit = len(bias), _Edit(flatbuffer)
    old = graph.tensors[head.weights]
    if old.dtype == "float32":
        edit.replace_constant(head.weights, weights)
        edit.replace_constant(head.bias, bias)
    else:
        peaks = np.abs(weights).max(axis=1) if len(old.scale) > 1 else np.abs(weights).max()[None]
        scale = np.maximum(peaks, 1e-8) / 127
        edit.replace_constant(head.weights, np.rint(weights / scale[:, None]).astype(np.int8))
        edit.replace_quantisation(head.weights, scale, np.zeros(len(scale), np.int64))
        if graph.tensors[head.bias].dtype == "float32":  # dynamic range: only weights are int8
            edit.replace_constant(head.bias, bias)
        else:
            steps = scale * graph.tensors[head.embedding].scale[0]
            limits = np.iinfo(np.int32)
            whole = np.clip(np.rint(bias / steps), limits.min, limits.max)
            edit.replace_constant(head.bias, whole.astype(np.int32))
            edit.replace_quantisation(head.bias, steps, np.zeros(len(steps), np.int64))
    edit.replace_shape(head.weights, weights.shape)
    edit.replace_shape(head.bias, (labels,))
    for number in (head.logits, *head.scores):
        tensor = graph.tensors[number]
        edit.replace_shape(number, (*tensor.shape[:-1], labels))
    if graph.tensors[head.logits].scale:
        low, high = min(reach[0], 0.0), max(reach[1], 0.0, min(reach[0], 0.0) + 1e-3)
        step = (high - low) / _STEPS
        zero = round(-128 - low / step)
        for number in (head.logits, *head.scores):
            if graph.tensors[number].scale == graph.tensors[head.logits].scale:
                edit.replace_quantisation(number, np.array([step]), np.array([zero]))
    edit.replace_input(head.operator, head.embedding)
    made = edit.done()
    _check(graph, read_graph(made, "model"), head, weights.shape)
    return made


def _check(before: Graph, after: Graph, head: Head, shape: tuple[int, ...]) -> None:
    """ModelError if more than the last layer has changed: it shared something."""
    changed = {head.weights, head.bias, head.logits, *head.scores}
    same = all(
        old == new
        for number, (old, new) in enumerate(zip(before.tensors, after.tensors, strict=True))
        if number not in changed
    )
    if not same or after.tensors[head.weights].shape != shape:
        raise ModelError("cannot be taught: its last layer shares data with other layers")


def _graph_table(flatbuffer: bytes) -> Table:
    return _model_table(flatbuffer).tables(2)[0]


def _model_table(flatbuffer: bytes) -> Table:
    return Table(flatbuffer, struct.unpack_from("<I", flatbuffer, 0)[0])


def _tensor_table(flatbuffer: bytes, number: int) -> Table:
    return _graph_table(flatbuffer).tables(0)[number]


def _buffer_table(flatbuffer: bytes, tensor: Table) -> Table:
    return _model_table(flatbuffer).tables(4)[tensor.scalar(2, "I")]


class _Edit:
    """Changes of one flatbuffer; `done` gives the changed bytes."""

    def __init__(self, flatbuffer: bytes) -> None:
        self._before = flatbuffer
        self._data = bytearray(flatbuffer)

    def done(self) -> bytes:
        return bytes(self._data)

    def replace_constant(self, number: int, values: npt.NDArray[np.generic]) -> None:
        """The data of a constant tensor."""
        graph, table = _graph_table(self._before), _tensor_table(self._before, number)
        buffer = table.scalar(2, "I")
        if sum(one.scalar(2, "I") == buffer for one in graph.tables(0)) > 1:
            raise ModelError("cannot be taught: its last layer shares data with other layers")
        content = values.tobytes()
        self._replace(_buffer_table(self._before, table), 0, content, len(content))

    def replace_shape(self, number: int, shape: Sequence[int]) -> None:
        """The shape of a tensor; a size of -1 is one that is left open."""
        table = _tensor_table(self._before, number)
        self.replace_vector(table, 0, [1 if n < 0 else n for n in shape], "i")
        if table.place(7) is not None:
            self.replace_vector(table, 7, list(shape), "i")

    def replace_quantisation(
        self, number: int, scale: npt.NDArray[np.floating], zero: npt.NDArray[np.int64]
    ) -> None:
        """Scale and zero point of a tensor."""
        table = _tensor_table(self._before, number).table(4)
        assert table is not None
        self.replace_vector(table, 2, [float(one) for one in scale], "f")
        self.replace_vector(table, 3, [int(one) for one in zero], "q")

    def replace_input(self, operator: int, tensor: int) -> None:
        """The first input of an operator."""
        table = _graph_table(self._before).tables(3)[operator]
        self.replace_vector(table, 1, [tensor, *table.ints(1)[1:]], "i")

    def replace_vector(self, table: Table, field: int, values: list[float], code: str) -> None:
        """A vector of numbers, of struct format `code`."""
        self._replace(table, field, struct.pack(f"<{len(values)}{code}", *values), len(values))

    def _replace(self, table: Table, field: int, content: bytes, count: int) -> None:
        place = table.place(field)
        if place is None:
            raise ModelError("cannot be taught: a field of its last layer is missing")
        # The elements are aligned; their number stands in the four bytes before them.
        while (len(self._data) + 4) % _DATA_ALIGNMENT:
            self._data.append(0)
        struct.pack_into("<I", self._data, place, len(self._data) - place)
        self._data += struct.pack("<I", count) + content
