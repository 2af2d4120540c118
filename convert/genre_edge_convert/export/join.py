"""Joining TFLite graphs: what one gives, the next takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genre_edge.errors import ModelError
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

_FLOAT32 = schema.TensorType.FLOAT32
_QUANTISED = (schema.TensorType.INT8, schema.TensorType.UINT8)
_METADATA = "TFLITE_METADATA"
"""The buffer that the TFLite Metadata convention keeps its flatbuffer in."""


def joined(
    flatbuffers: Sequence[bytes], input_name: str, output_name: str, metadata: bytes
) -> bytes:
    """One TFLite model that runs several after another.

    Where a float32 output meets a quantised input, or the other way round, QUANTIZE or
    DEQUANTIZE is put between them.

    Parameters
    ----------
    flatbuffers
        The models in order, each with one subgraph, one input and one output. Sizes
        that are left open (the batch's) become those of the model's `shape`.
    input_name, output_name
        Names of the input and output tensors; the other tensors lose theirs.
    metadata
        TFLite Metadata of the whole; none if it is empty.

    Raises
    ------
    ModelError
        A model has several subgraphs, inputs or outputs, or cannot be joined.
    """
    models = [flatbuffer_utils.convert_bytearray_to_object(bytearray(f)) for f in flatbuffers]
    whole = models[0]
    flatbuffer_utils.strip_strings(whole)
    graph = _only_graph(whole)
    for model in models[1:]:
        flatbuffer_utils.strip_strings(model)
        _append(whole, graph, model)
    for tensor in graph.tensors:
        tensor.shapeSignature = None
    graph.tensors[graph.inputs[0]].name = input_name
    graph.tensors[graph.outputs[0]].name = output_name
    whole.signatureDefs = None
    whole.description = None
    whole.metadata = whole.metadataBuffer = None
    if metadata:
        _set_metadata(whole, metadata)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(whole))


def _only_graph(model: Any) -> Any:
    if len(model.subgraphs) != 1:
        raise ModelError(
            f"the network has {len(model.subgraphs)} subgraphs (loops, such as an LSTM that is "
            "not unrolled): only one can be joined to a front-end"
        )
    graph = model.subgraphs[0]
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ModelError("only networks with one input and one output can be joined")
    return graph


def _append(whole: Any, graph: Any, model: Any) -> None:
    """Put a model after `whole`: its parts get new numbers, its input is replaced."""
    other = _only_graph(model)
    codes, buffers, tensors = len(whole.operatorCodes), len(whole.buffers), len(graph.tensors)
    whole.operatorCodes += model.operatorCodes
    whole.buffers += model.buffers
    for tensor in other.tensors:
        tensor.buffer += buffers
    graph.tensors += other.tensors
    source = graph.outputs[0]
    taken = other.inputs[0] + tensors
    replaced = _connect(whole, graph, source, taken)
    for operator in other.operators:
        operator.opcodeIndex += codes
        operator.inputs = _renumbered(operator.inputs, tensors, taken, replaced)
        operator.outputs = _renumbered(operator.outputs, tensors, taken, replaced)
        if operator.intermediates is not None:
            operator.intermediates = [n + tensors for n in operator.intermediates]
    graph.operators += other.operators
    graph.outputs = [other.outputs[0] + tensors]


def _renumbered(numbers: Sequence[int], by: int, taken: int, replaced: int) -> list[int]:
    """Tensor numbers after the move; -1 is an input that is left out."""
    moved = [n if n < 0 else n + by for n in numbers]
    return [replaced if n == taken else n for n in moved]


def _connect(whole: Any, graph: Any, source: int, taken: int) -> int:
    """The tensor that the appended model reads instead of `taken`: the source itself,
    or `taken`, filled by a new operator."""
    given, wanted = graph.tensors[source], graph.tensors[taken]
    if list(given.shape) != list(wanted.shape):
        raise ModelError(f"{list(given.shape)} does not fill an input of {list(wanted.shape)}")
    if given.type == wanted.type:
        return source
    if given.type == _FLOAT32 and wanted.type in _QUANTISED:
        kind = schema.BuiltinOperator.QUANTIZE
    elif given.type in _QUANTISED and wanted.type == _FLOAT32:
        kind = schema.BuiltinOperator.DEQUANTIZE
    else:
        raise ModelError("only float32, int8 and uint8 networks can be joined")
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = kind
    code.version = 2 if kind == schema.BuiltinOperator.DEQUANTIZE else 1
    whole.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(whole.operatorCodes) - 1
    operator.inputs, operator.outputs = [source], [taken]
    graph.operators.append(operator)
    return taken


def _set_metadata(model: Any, content: bytes) -> None:
    buffer = schema.BufferT()
    buffer.data = bytearray(content)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = _METADATA, len(model.buffers) - 1
    model.metadata = [entry]
