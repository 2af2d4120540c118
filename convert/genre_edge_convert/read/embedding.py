"""The tensor that labels are taught from, as a user names it."""

from __future__ import annotations

from genre_edge.errors import ModelError
from genre_edge.model.flatbuffer import Graph
from genre_edge.model.head import find_head


def embedding_number(graph: Graph, name: str, given: str) -> str:
    """The number of a tensor, which is the same in a file whose names are stripped.

    Parameters
    ----------
    graph
        The network, with the names of its tensors.
    name
        What an error calls the model.
    given
        The tensor's name or number, or a part of its name that no other has.

    Raises
    ------
    ModelError
        There is no such tensor, or there are several, or the model cannot be taught
        from it.
    """
    made = {number for operator in graph.operators for number in operator.outputs}
    computed = {number: graph.tensors[number].name for number in sorted(made)}
    exact = [n for n, called in computed.items() if given in (called, str(n))]
    found = exact or [n for n, called in computed.items() if given in called]
    if len(found) != 1:
        listed = ", ".join(computed[n] for n in found or computed)
        reason = f"{len(found)} tensors are called so" if found else "there is no such tensor"
        raise ModelError(f"{name}: --embedding {given}: {reason}; there are: {listed}")
    return str(find_head(graph, name, str(found[0])).embedding)
