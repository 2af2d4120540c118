"""What listening costs: share of one core and memory of `genre-edge listen`, without
the sound system.

    python -m benchmarks.listen_cost [--hop 1] [--minutes 10] [--rate 48000] \
        [--sensors loudness,tempo]

Pushes audio through the live pipeline as fast as it goes and divides the processor time
by the audio's length. `--rate` other than the model's adds the resampler, as most
microphones need.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from genre_edge.audio.pcm import from_int16
from genre_edge.audio.resample import Resampler
from genre_edge.audio.source import AudioBlock
from genre_edge.health import SourceHealth
from genre_edge.live.listener import Listener
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import DEFAULT_MODEL, EngineConfig, ListenConfig

from tests.helpers.blocks import BlockSource

PERIOD = 1024


def periods(minutes: float, rate: int, model_rate: int) -> Iterator[AudioBlock]:
    """Noise in periods of 1024 samples at the capture rate, resampled as the
    microphone's source does."""
    pcm = (3000 * np.random.default_rng(0).standard_normal(PERIOD)).astype("<i2").tobytes()
    resampler, at = Resampler(rate, model_rate), 0
    for _ in range(int(minutes * 60 * rate / PERIOD)):
        resampled = resampler.push(from_int16(np.frombuffer(pcm, "<i2")))
        yield AudioBlock(resampled[:, None], at)
        at += len(resampled)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hop", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=int, default=48_000)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--sensors", default="", help="which are on, with commas")
    args = parser.parse_args()
    engine = Engine(EngineConfig(args.model, args.hop))
    health = SourceHealth()
    sensors: dict[str, Any] = {name: True for name in args.sensors.split(",") if name}
    listener = Listener(engine, ListenConfig(**sensors), lambda record: None, health)
    rate = engine.sample_rate
    source = BlockSource(periods(args.minutes, args.rate, rate), rate)
    start = time.process_time()
    listener.run(source)
    spent = time.process_time() - start
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert peak is not None
    print(
        f"{args.model}, a window every {args.hop:g} s from {args.rate} Hz: "
        f"{spent / args.minutes / 60:.3%} of a core, "
        f"{1000 * spent / health.windows:.2f} ms a window, peak {int(peak[1]) / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main()
