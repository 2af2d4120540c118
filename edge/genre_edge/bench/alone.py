"""Loads one model in a process of its own and prints its load time and peak memory as
JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from ..model.engine import Engine
from ..settings.tables import EngineConfig

_WINDOWS = 20


def main(model: str, runtime: str, threads: str) -> None:
    """Load the model, classify some windows of noise, print {"load_ms", "peak_mb"}."""
    start = time.perf_counter()
    engine = Engine(EngineConfig(model, None, runtime or None, int(threads)))
    load = time.perf_counter() - start
    length = engine.logmel.spec.window_samples
    samples = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    for _ in range(_WINDOWS):
        engine.predict(engine.first_window(samples, engine.sample_rate))
    print(json.dumps({"load_ms": round(load * 1e3, 1), "peak_mb": round(peak_bytes() / 1e6, 1)}))


def peak_bytes() -> int:
    """The most memory this process has held, bytes: VmHWM, which unlike ru_maxrss a
    child does not inherit."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
