"""The part of a network that stays as it is when labels are taught: everything before
its last layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Float32
from ..errors import ModelError
from ..model.bundle import Bundle, find_model, read_bundle
from ..model.flatbuffer import read_graph
from ..model.head import Head, find_head

TAUGHT = "taught"
"""Key in a bundle's `trained_on` that says what it was taught, and from which model."""


@dataclass(frozen=True)
class Trunk:
    """What makes embeddings comparable: those of one trunk may be learnt from
    together."""

    name: str
    """The bundle's name."""
    sha256: str
    """SHA-256 of the flatbuffer that the user's labels are taught from."""
    size: int
    """Numbers in one embedding."""
    dtype: str
    """float32 or int8."""
    scale: float
    """Quantisation scale of an int8 embedding; 1 for float32."""
    zero_point: int
    """Quantisation zero point; 0 for float32."""

    def floats(self, raw: npt.NDArray[Any]) -> Float32:
        """Embeddings as the network has them, of any shape, as float32."""
        values = raw.astype(np.float32)
        return (values - np.float32(self.zero_point)) * np.float32(self.scale)


def head_of(bundle: Bundle) -> Head:
    """The last layer of a bundle's network. ModelError if it cannot be taught."""
    if bundle.info.is_multi_label:
        raise ModelError(f"{bundle.path}: cannot be taught: several of its labels may hold at once")
    graph = read_graph(bundle.flatbuffer, bundle.path)
    return find_head(graph, bundle.path, bundle.info.embedding or None)


def trunk_of(bundle: Bundle) -> Trunk:
    """The trunk of a bundle. ModelError if it cannot be taught.

    A taught bundle has the trunk of the bundle that it was taught from.
    """
    head = head_of(bundle)
    tensor = read_graph(bundle.flatbuffer, bundle.path).tensors[head.embedding]
    origin = bundle.info.trained_on.get(TAUGHT, {}).get("from", {})
    return Trunk(
        str(origin.get("name", bundle.info.name)),
        str(origin.get("sha256", bundle.sha256)),
        head.size,
        tensor.dtype,
        tensor.scale[0] if tensor.scale else 1.0,
        tensor.zero_point[0] if tensor.zero_point else 0,
    )


def base_of(model: str) -> Bundle:
    """The bundle that labels are taught from: the model, or what it was taught from.

    Where that is no longer there, or another goes by its name, the taught bundle
    itself: it has the same trunk.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    bundle = read_bundle(find_model(model))
    origin = bundle.info.trained_on.get(TAUGHT, {}).get("from")
    if origin is None:
        return bundle
    try:
        base = read_bundle(find_model(str(origin["name"])))
    except ModelError:
        return bundle
    return base if base.sha256 == origin["sha256"] else bundle


def is_taught(bundle: Bundle) -> bool:
    """Whether a bundle's labels are a user's own."""
    return TAUGHT in bundle.info.trained_on
