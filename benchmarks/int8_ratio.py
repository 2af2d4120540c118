"""The bare invoke() of the shipped model in int8 and float32, in turns, and the ratio
of their medians.

    python -m benchmarks.int8_ratio [--rounds 500] [--model gtzan-edge] [--runtime R]

Imports nothing but numpy, scipy and the interpreter, so that it also runs under
emulation:

    qemu-aarch64-static -cpu cortex-a72 -L ROOT \\
        ROOT/usr/bin/python3.11 benchmarks/int8_ratio.py --rounds 40

with a Debian of the other architecture in ROOT, PYTHONPATH set to its packages and
edge/, and a ROOT/proc/cpuinfo of that architecture (older qemu shows the host's, which
the interpreter cannot read).
"""

from __future__ import annotations

import argparse
import platform
from functools import partial
from typing import Any

import numpy as np
from genre_edge.bench.cost import interleaved, milliseconds
from genre_edge.model.classifier import RUNTIMES
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig


def _invoke(net: Any, number: int) -> None:
    net.invoke()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument(
        "--model", default="gtzan-edge", help="name or path, without .int8 and .float32"
    )
    parser.add_argument("--runtime", choices=RUNTIMES)
    args = parser.parse_args()
    engines = {
        kind: Engine(EngineConfig(f"{args.model}.{kind}", runtime=args.runtime))
        for kind in ("int8", "float32")
    }
    for engine in engines.values():
        samples = (
            np.random.default_rng(0)
            .standard_normal(engine.logmel.spec.window_samples)
            .astype(np.float32)
        )
        engine.classifier.scores(engine.logmel.window(samples))
    nets = {kind: engine.classifier._net for kind, engine in engines.items()}
    taken = interleaved({kind: partial(_invoke, net) for kind, net in nets.items()}, args.rounds)
    median = {kind: milliseconds(seconds)["median"] for kind, seconds in taken.items()}
    print(
        f"{platform.machine()}: int8 {median['int8']:.3f} ms, float32 {median['float32']:.3f} ms",
        end=", ",
    )
    print(f"ratio {median['float32'] / median['int8']:.2f}")


if __name__ == "__main__":
    main()
