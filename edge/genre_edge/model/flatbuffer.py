"""What a TFLite flatbuffer holds (operators, tensors, quantisation), read without an
interpreter.

Field numbers are those of TensorFlow Lite's schema.fbs, version 3. A FlatBuffers table
starts with the distance back to its vtable, which holds the place of each field
(https://flatbuffers.dev/internals/).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import ModelError

T = TypeVar("T")

CUSTOM = "CUSTOM"

_BUILTIN_NAMES = (
    "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE "
    "EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D "
    "LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 "
    "RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS "
    "SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER "
    "BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE "
    "UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT "
    "LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG "
    "PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE "
    "EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD "
    "REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV "
    "REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU "
    "SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE "
    "RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE "
    "NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM "
    "BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D "
    "IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL "
    "CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS "
    "RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE "
    "RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 "
    "UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT"
)
_TYPE_NAMES = (
    "float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 "
    "resource variant uint32 uint16 int4 bfloat16 int2 uint4"
)
_BUILTINS = tuple(_BUILTIN_NAMES.split())
_TYPES = tuple(_TYPE_NAMES.split())


@dataclass(frozen=True)
class Tensor:
    """One tensor of the graph."""

    name: str
    """Empty where names were stripped."""
    dtype: str
    """As numpy calls it, where numpy has it."""
    shape: tuple[int, ...]
    """Fixed shape; -1 for a size that is not known."""
    scale: tuple[float, ...] = ()
    """Quantisation scale: one, or one a channel; empty for floats."""
    zero_point: tuple[int, ...] = ()
    """Quantisation zero point: as many as scales."""
    constant_bytes: int = 0
    """Size of its constant data; 0 for an activation."""

    @property
    def dynamic(self) -> bool:
        """Whether a size other than the first (the batch's) is unknown."""
        return any(n < 0 for n in self.shape[1:])


@dataclass(frozen=True)
class Operator:
    """One step of the graph."""

    name: str
    """TFLite's name, e.g. CONV_2D; "CUSTOM name" for one that no plain interpreter
    has."""
    version: int
    """Version of the operator that the graph needs."""
    inputs: tuple[int, ...] = ()
    """Numbers of its input tensors; -1 for one that is left out."""
    outputs: tuple[int, ...] = ()
    """Numbers of its output tensors."""
    macs: int = field(default=0, compare=False)
    """Multiply-accumulates in one invocation."""


@dataclass(frozen=True)
class Graph:
    """The first subgraph of a model."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates in one invocation: those of convolutions and dense
        layers."""
        return sum(operator.macs for operator in self.operators)

    def needs(self) -> dict[str, int]:
        """The highest version needed of each operator."""
        versions: dict[str, int] = {}
        for operator in self.operators:
            versions[operator.name] = max(operator.version, versions.get(operator.name, 0))
        return dict(sorted(versions.items()))


def read_graph(flatbuffer: bytes, name: str) -> Graph:
    """Read the first subgraph of a TFLite model.

    Parameters
    ----------
    flatbuffer
        The bytes; what follows it does not matter.
    name
        What an error calls the model.

    Raises
    ------
    ModelError
        If the bytes are no TFLite model.
    """
    try:
        if flatbuffer[4:8] != b"TFL3":
            raise ValueError("no TFL3 identifier")
        model = Table(flatbuffer, _uint(flatbuffer, 0))
        codes = [_code(table) for table in model.tables(1)]
        graph = model.tables(2)[0]
        # A constant lies in its buffer's vector, or behind the flatbuffer with its
        # offset and size.
        sizes = [table.length(0) or table.scalar(2, "Q") for table in model.tables(4)]
        tensors = tuple(_tensor(table, sizes) for table in graph.tables(0))
        operators = tuple(_operator(table, codes, tensors) for table in graph.tables(3))
        return Graph(tensors, operators, graph.ints(1), graph.ints(2))
    except (ValueError, IndexError, struct.error) as error:
        raise ModelError(f"{name}: not a TFLite model, or damaged ({error})") from None


def _uint(data: bytes, at: int) -> int:
    value: int = struct.unpack_from("<I", data, at)[0]
    return value


class Table:
    """A FlatBuffers table; fields that are absent give the default."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - struct.unpack_from("<i", data, at)[0]
        self._fields = (struct.unpack_from("<H", data, self._vtable)[0] - 4) // 2

    def place(self, number: int) -> int | None:
        """Where a field's value stands in the bytes, or the distance to it; None if it
        is absent."""
        if number >= self._fields:
            return None
        offset = struct.unpack_from("<H", self._data, self._vtable + 4 + 2 * number)[0]
        return self._at + offset if offset else None

    def scalar(self, number: int, code: str) -> int:
        """A number of struct format `code`; 0 if absent."""
        place = self.place(number)
        return 0 if place is None else int(struct.unpack_from("<" + code, self._data, place)[0])

    def vector(self, number: int) -> tuple[int, int]:
        """Place of the first element, and how many there are."""
        place = self.place(number)
        if place is None:
            return 0, 0
        start = place + _uint(self._data, place)
        return start + 4, _uint(self._data, start)

    def length(self, number: int) -> int:
        """Elements of a vector."""
        return self.vector(number)[1]

    def _unpacked(self, number: int, code: str, kind: Callable[[object], T]) -> tuple[T, ...]:
        start, count = self.vector(number)
        return tuple(
            kind(value) for value in struct.unpack_from(f"<{count}{code}", self._data, start)
        )

    def ints(self, number: int, code: str = "i") -> tuple[int, ...]:
        """A vector of whole numbers."""
        return self._unpacked(number, code, int)  # type: ignore[arg-type]

    def floats(self, number: int) -> tuple[float, ...]:
        """A vector of float32."""
        return self._unpacked(number, "f", float)  # type: ignore[arg-type]

    def text(self, number: int) -> str:
        """A string; empty if absent."""
        start, count = self.vector(number)
        return self._data[start : start + count].decode("utf-8", "replace")

    def table(self, number: int) -> Table | None:
        """A table, or None."""
        place = self.place(number)
        return None if place is None else Table(self._data, place + _uint(self._data, place))

    def tables(self, number: int) -> list[Table]:
        """A vector of tables."""
        start, count = self.vector(number)
        places = range(start, start + 4 * count, 4)
        return [Table(self._data, place + _uint(self._data, place)) for place in places]


def _code(table: Table) -> tuple[str, int]:
    """An operator's name and version; codes above 127 stand in the newer of two
    fields."""
    number = max(table.scalar(0, "b"), table.scalar(3, "i"))
    name = _BUILTINS[number] if number < len(_BUILTINS) else f"BUILTIN_{number}"
    if name == CUSTOM:
        name = f"{CUSTOM} {table.text(1)}"
    return name, max(1, table.scalar(2, "i"))


def _tensor(table: Table, sizes: Sequence[int]) -> Tensor:
    signature = table.ints(7)  # -1 for sizes left open; absent where all are fixed
    number = table.scalar(1, "b")
    quantisation = table.table(4)
    return Tensor(
        table.text(3),
        _TYPES[number] if number < len(_TYPES) else f"type{number}",
        signature or table.ints(0),
        quantisation.floats(2) if quantisation else (),
        quantisation.ints(3, "q") if quantisation else (),
        sizes[table.scalar(2, "I")],
    )


def _operator(
    table: Table, codes: Sequence[tuple[str, int]], tensors: Sequence[Tensor]
) -> Operator:
    name, version = codes[table.scalar(0, "I")]
    inputs, outputs = table.ints(1), table.ints(2)
    return Operator(name, version, inputs, outputs, _macs(name, inputs, outputs, tensors))


def _macs(
    name: str, inputs: Sequence[int], outputs: Sequence[int], tensors: Sequence[Tensor]
) -> int:
    """Multiply-accumulates of one operator, for one window."""

    def size(shape: Sequence[int]) -> int:
        return math.prod(abs(n) for n in shape)

    if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        kernel = tensors[inputs[1]].shape  # [out, height, width, in], or [1, height, width, out]
        depth = kernel[3] if name == "CONV_2D" else 1
        return size(tensors[outputs[0]].shape) * kernel[1] * kernel[2] * depth
    if name == "TRANSPOSE_CONV":
        kernel = tensors[inputs[1]].shape
        return size(tensors[inputs[2]].shape) * kernel[0] * kernel[1] * kernel[2]
    if name == "FULLY_CONNECTED":
        return size(tensors[outputs[0]].shape) * tensors[inputs[1]].shape[-1]
    if name == "BATCH_MATMUL":
        return size(tensors[outputs[0]].shape) * tensors[inputs[0]].shape[-1]
    return 0
