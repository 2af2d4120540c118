"""genre-convert inspect: operators, tensors, quantisation, size and
multiply-accumulates of a TFLite model, and what a window may take on a Raspberry Pi."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genre_edge.errors import ModelError, os_reason
from genre_edge.model.bundle import find_model
from genre_edge.model.flatbuffer import Graph, Tensor, read_graph

from ..read.board_times import BOARDS, THREADS, board_times
from ..read.operators import TARGETS, oldest_runtime, since

_EPILOG = """\
examples:
  genre-convert inspect gtzan-edge.int8
  genre-convert inspect mine.tflite --tensors
  genre-convert inspect mine.tflite --json | jq .operators
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-convert inspect",
        description="List what a TFLite model consists of, whether it is a bundle or not.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "model", metavar="MODEL", help="a .tflite file, or the name of a shipped model"
    )
    top.add_argument(
        "--tensors", action="store_true", help="also list every tensor with scale and zero point"
    )
    top.add_argument("--json", action="store_true", help="print everything as one JSON object")
    return top


def run(args: argparse.Namespace) -> int:
    """Print; returns the exit status."""
    path = Path(find_model(args.model))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {os_reason(error)}") from None
    graph = read_graph(content, str(path))
    found = described(graph, len(content))
    if args.json:
        print(json.dumps({"file": str(path), **found}, indent=1))
    else:
        _print(path, graph, found, args.tensors)
    return 0


def described(graph: Graph, size: int) -> dict[str, Any]:
    """The whole graph, ready for JSON."""
    release = oldest_runtime(graph)
    return {
        "bytes": size,
        "macs": graph.macs,
        "estimated": [asdict(time) for time in board_times(graph)],
        "oldest_runtime": None if release is None else f"{release[0]}.{release[1]}",
        "inputs": [asdict(graph.tensors[i]) for i in graph.inputs],
        "outputs": [asdict(graph.tensors[i]) for i in graph.outputs],
        "operators": [asdict(operator) for operator in graph.operators],
        "tensors": [asdict(tensor) for tensor in graph.tensors],
    }


def _print(path: Path, graph: Graph, found: dict[str, Any], tensors: bool) -> None:
    weights = sum(tensor.constant_bytes for tensor in graph.tensors)
    release = found["oldest_runtime"] or "unknown (an operator that this program does not know)"
    print(f"{path.name}")
    print(f"  size            {found['bytes']} bytes, {weights} of them constants")
    print(f"  multiply-acc.   {graph.macs / 1e6:.2f} million a window")
    print(f"  needs           TFLite {release} or newer (known targets: {', '.join(TARGETS)})")
    for name, numbers in (("input", graph.inputs), ("output", graph.outputs)):
        for number in numbers:
            print(f"  {name:<15} {_tensor(graph.tensors[number])}")
    print("  operators")
    count = Counter(operator.name for operator in graph.operators)
    for name, version in graph.needs().items():
        macs = sum(o.macs for o in graph.operators if o.name == name)
        brought = since(name, version)
        text = f"since {brought[0]}.{brought[1]}" if brought else "unknown"
        print(f"    {count[name]:>3} x {name:<20} version {version} ({text}), {macs / 1e6:.2f} M")
    _print_times(graph)
    if tensors:
        print("  tensors")
        for number, tensor in enumerate(graph.tensors):
            print(f"    {number:>3} {_tensor(tensor)}")


def _print_times(graph: Graph) -> None:
    """A table of estimates: a line for each board."""
    times = {(time.board, time.threads): time.text for time in board_times(graph)}
    if not times:
        print("  time a window   no estimate: no rate is known for what it computes in")
        return
    print("  time a window   estimated, not measured; the front-end comes on top")
    words = {1: "1 thread", 4: "4 threads"}
    print(f"    {'':<12}" + "".join(f"{words[n]:<20}" for n in THREADS).rstrip())
    for board in BOARDS:
        print(f"    {board:<12}" + "".join(f"{times[board, n]:<20}" for n in THREADS).rstrip())


def _tensor(tensor: Tensor) -> str:
    shape = " x ".join("?" if n < 0 else str(n) for n in tensor.shape) or "scalar"
    text = f"{tensor.dtype} {shape}"
    if len(tensor.scale) == 1:
        text += f", scale {tensor.scale[0]:.6g}, zero point {(*tensor.zero_point, 0)[0]}"
    elif tensor.scale:
        low, high = min(tensor.scale), max(tensor.scale)
        text += f", scale {low:.3g} to {high:.3g} over {len(tensor.scale)} channels"
    if tensor.constant_bytes:
        text += f", constant of {tensor.constant_bytes} bytes"
    return f"{text}  {tensor.name}".rstrip()
