"""Which interpreter is new enough for a model: the TFLite release in which each
operator's version first appeared.

Source: TensorFlow's table of operator versions
(compiler/mlir/lite/tools/versioning/runtime_version.cc) as of 2.23.
"""

from __future__ import annotations

from collections.abc import Mapping

from genre_edge.errors import Fault, ModelError, UsageError
from genre_edge.model.flatbuffer import CUSTOM, Graph

Release = tuple[int, int]
"""TFLite's major and minor number."""

OLDEST: Release = (2, 5)
"""The oldest release that is distinguished; older ones have not been installed for
years."""
TARGETS: Mapping[str, Release] = {f"tflite-runtime-2.{minor}": (2, minor) for minor in range(5, 15)}
"""Names for --target."""

# An operator: the version that OLDEST has, and the minor 2.x release of each version
# after it.
_VERSIONS: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "ABS": (3, (6, 12)),
    "ADD": (3, (6, 13, 23)),
    "ADD_N": (1, ()),
    "ARG_MAX": (2, (9,)),
    "ARG_MIN": (2, (9,)),
    "AVERAGE_POOL_2D": (3, ()),
    "BATCH_MATMUL": (4, ()),
    "BATCH_TO_SPACE_ND": (3, (12,)),
    "BIDIRECTIONAL_SEQUENCE_LSTM": (3, ()),
    "BIDIRECTIONAL_SEQUENCE_RNN": (3, ()),
    "BROADCAST_ARGS": (0, (6,)),
    "BROADCAST_TO": (3, ()),
    "CAST": (1, (7, 8, 9, 12, 15, 17, 21)),
    "CEIL": (1, ()),
    "CONCATENATION": (3, (14, 21)),
    "CONV_2D": (5, (9, 11, 15)),
    "CONV_3D": (1, ()),
    "COS": (1, ()),
    "CUMSUM": (1, ()),
    "DEPTHWISE_CONV_2D": (6, (11,)),
    "DEPTH_TO_SPACE": (2, ()),
    "DEQUANTIZE": (4, (7, 18, 21, 22)),
    "DILATE": (0, (15,)),
    "DIV": (2, ()),
    "ELU": (1, ()),
    "EMBEDDING_LOOKUP": (3, (18, 21)),
    "EQUAL": (3, (13, 21)),
    "EXP": (1, (12,)),
    "EXPAND_DIMS": (1, ()),
    "FILL": (3, (12,)),
    "FLOOR": (1, ()),
    "FLOOR_DIV": (2, (13,)),
    "FLOOR_MOD": (1, (13,)),
    "FULLY_CONNECTED": (9, (11, 15, 17, 18, 21)),
    "GATHER": (5, (13, 15)),
    "GATHER_ND": (3, (13, 16)),
    "GELU": (0, (9, 9)),
    "GREATER": (2, ()),
    "GREATER_EQUAL": (2, (13,)),
    "HARD_SWISH": (1, ()),
    "L2_NORMALIZATION": (2, ()),
    "L2_POOL_2D": (1, ()),
    "LEAKY_RELU": (2, ()),
    "LESS": (2, (13,)),
    "LESS_EQUAL": (2, ()),
    "LOCAL_RESPONSE_NORMALIZATION": (1, ()),
    "LOG": (1, (15,)),
    "LOGICAL_AND": (1, ()),
    "LOGICAL_NOT": (1, ()),
    "LOGICAL_OR": (1, ()),
    "LOGISTIC": (3, ()),
    "LOG_SOFTMAX": (2, ()),
    "LSTM": (4, ()),
    "MAXIMUM": (4, ()),
    "MAX_POOL_2D": (3, ()),
    "MEAN": (3, ()),
    "MINIMUM": (4, ()),
    "MIRROR_PAD": (2, (12,)),
    "MUL": (4, (6, 11, 13, 23)),
    "NEG": (1, ()),
    "NOT_EQUAL": (3, (21,)),
    "ONE_HOT": (1, ()),
    "PACK": (3, (13,)),
    "PAD": (3, (6, 20)),
    "PADV2": (3, (6, 20)),
    "POW": (1, ()),
    "PRELU": (1, ()),
    "QUANTIZE": (2, (7, 21, 21, 21)),
    "RANGE": (1, (14,)),
    "RANK": (1, ()),
    "READ_VARIABLE": (0, (6,)),
    "REDUCE_ALL": (0, (6,)),
    "REDUCE_ANY": (1, ()),
    "REDUCE_MAX": (3, ()),
    "REDUCE_MIN": (3, ()),
    "REDUCE_PROD": (1, (6,)),
    "REDUCE_WINDOW": (0, (15,)),
    "RELU": (3, ()),
    "RELU6": (3, ()),
    "RELU_0_TO_1": (0, (10,)),
    "RELU_N1_TO_1": (1, ()),
    "RESHAPE": (1, ()),
    "RESIZE_BILINEAR": (4, ()),
    "RESIZE_NEAREST_NEIGHBOR": (4, ()),
    "REVERSE_SEQUENCE": (1, ()),
    "REVERSE_V2": (3, ()),
    "RNN": (3, ()),
    "ROUND": (1, ()),
    "RSQRT": (2, (15,)),
    "SELECT": (2, (12, 12)),
    "SELECT_V2": (1, (12,)),
    "SHAPE": (1, ()),
    "SIGN": (0, (11, 12)),
    "SIN": (1, ()),
    "SLICE": (5, (14, 21)),
    "SOFTMAX": (3, ()),
    "SPACE_TO_BATCH_ND": (3, (12,)),
    "SPACE_TO_DEPTH": (2, ()),
    "SPLIT": (4, ()),
    "SPLIT_V": (2, ()),
    "SQRT": (1, (21,)),
    "SQUARE": (1, ()),
    "SQUARED_DIFFERENCE": (2, ()),
    "SQUEEZE": (2, ()),
    "STRIDED_SLICE": (5, (6, 14, 14)),
    "SUB": (5, ()),
    "SUM": (2, ()),
    "SVDF": (4, ()),
    "TANH": (3, ()),
    "TILE": (2, (8,)),
    "TOPK_V2": (2, (13,)),
    "TRANSPOSE": (5, (12, 15, 22)),
    "TRANSPOSE_CONV": (3, (13, 15)),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (3, (12,)),
    "UNIDIRECTIONAL_SEQUENCE_RNN": (3, ()),
    "UNPACK": (4, (22,)),
    "VAR_HANDLE": (0, (6,)),
    "ASSIGN_VARIABLE": (0, (6,)),
    "WHERE": (1, (8,)),
    "WHILE": (1, ()),
    "ZEROS_LIKE": (1, ()),
}


def since(name: str, version: int) -> Release | None:
    """The first release that has this version of an operator; None if unknown."""
    if name not in _VERSIONS:
        return None
    old, newer = _VERSIONS[name]
    if version <= old:
        return OLDEST
    return (2, newer[version - old - 1]) if version - old <= len(newer) else None


def oldest_runtime(graph: Graph) -> Release | None:
    """The oldest release that has every operator of a model; None if one is unknown."""
    releases = [since(name, version) for name, version in graph.needs().items()]
    known = [release for release in releases if release is not None]
    return max(known, default=OLDEST) if len(known) == len(releases) else None


def check_target(target: str) -> Release:
    """The release of a target; UsageError if it is none of TARGETS."""
    if target not in TARGETS:
        raise UsageError(Fault("target", target, f"unknown; choose from {', '.join(TARGETS)}"))
    return TARGETS[target]


def check_operators(graph: Graph, name: str, target: str | None) -> None:
    """Check that interpreters have a model's operators.

    Parameters
    ----------
    graph
        The model.
    name
        What messages call it.
    target
        An interpreter that must be able to run it, of TARGETS; None asks only for
        operators that some interpreter has.

    Raises
    ------
    ModelError
        Names the operators that are missing.
    """
    custom = sorted(
        {
            operator.name
            for operator in graph.operators
            if operator.name.startswith((CUSTOM, "Flex"))
        }
    )
    if custom:
        names = ", ".join(n.removeprefix(f"{CUSTOM} ") for n in custom)
        raise ModelError(f"{name}: needs operators that no plain interpreter has: {names}")
    if target is None:
        return
    limit = check_target(target)
    late = [
        f"{op} version {version} ({_text(since(op, version))})"
        for op, version in graph.needs().items()
        if (since(op, version) or (9, 0)) > limit
    ]
    if late:
        raise ModelError(f"{name}: {target} does not have {', '.join(late)}; nothing was written")


def _text(release: Release | None) -> str:
    return f"since {release[0]}.{release[1]}" if release else "newer than this program knows"
