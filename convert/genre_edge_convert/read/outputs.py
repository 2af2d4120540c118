"""One of several outputs of a TFLite model."""

from __future__ import annotations

from pathlib import Path

from genre_edge.errors import ModelError
from tensorflow.lite.tools import flatbuffer_utils


def with_one_output(path: Path, content: bytes, wanted: str | None) -> bytes:
    """A TFLite model without its other outputs.

    Parameters
    ----------
    path
        Its file, for messages.
    content
        The flatbuffer.
    wanted
        The output to keep: its name in the signature, the name of its tensor, or its
        number from 0; None where the user has not said.

    Raises
    ------
    ModelError
        There is no such output; the message lists those there are.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    signed = {
        one.tensorIndex: one.name.decode()
        for signature in (model.signatureDefs or [])[:1]
        for one in signature.outputs
    }
    known: dict[str, int] = {}
    shown = []
    for number, tensor in enumerate(graph.outputs):
        name = signed.get(tensor) or graph.tensors[tensor].name.decode()
        sizes = " x ".join(str(n) for n in graph.tensors[tensor].shape)
        shown.append(f"{name} ({sizes})")
        known |= {str(number): tensor, graph.tensors[tensor].name.decode(): tensor, name: tensor}
    if wanted not in known:
        count = "1 output" if len(shown) == 1 else f"{len(shown)} outputs"
        asked = "" if wanted is None else f", and no {wanted}"
        raise ModelError(
            f"{path}: has {count}{asked}; give --output-tensor with one of: {', '.join(shown)}"
        )
    graph.outputs = [known[wanted]]
    model.signatureDefs = []
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
