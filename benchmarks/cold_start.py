"""What a cold start costs: commands that only look something up, and the first
prediction.

    python -m benchmarks.cold_start [--runs 15] [--model NAME] [--runtime litert]

Every measurement is a fresh process. The kinds of process take turns, so that a clock
that drifts favours none of them. The commands are compared with the same interpreter
importing argparse, json and dataclasses; their ratio of medians should stay below 2.5.
The first prediction is compared with its imports alone; its peak memory is VmHWM.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from genre_edge.demo import clip_path
from genre_edge.model.classifier import RUNTIMES
from genre_edge.settings.tables import DEFAULT_MODEL

BARE = "python alone"
COMMANDS = (
    "--version",
    "--help",
    "config show",
    "config check",
    "config init --output -",
    "history",
    "service status",
    "service --help",
)
PEAK = (
    "import re, sys; "
    "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr)"
)


def program() -> list[str]:
    """The console script beside this interpreter, else the module."""
    script = Path(sys.executable).with_name("genre-edge")
    return [str(script)] if script.exists() else [sys.executable, "-m", "genre_edge"]


def commands() -> dict[str, list[str]]:
    """The commands that should start at once, after the bare interpreter."""
    bare = [sys.executable, "-c", "import argparse, json, dataclasses"]
    return {BARE: bare} | {words: [*program(), *words.split()] for words in COMMANDS}


def imports(runtime: str) -> str:
    """A program that imports what any classification needs, and does nothing."""
    return f"import numpy, scipy.fft, soundfile, soxr, {RUNTIMES[runtime][0]}\n{PEAK}"


def first_prediction(model: str, runtime: str) -> str:
    """A program that loads the model and classifies the first window of the demo
    clip."""
    return (
        "from genre_edge.model.engine import Engine\n"
        "from genre_edge.settings.tables import EngineConfig\n"
        "from genre_edge.audio.file_source import FileSource\n"
        f"engine = Engine(EngineConfig({model!r}, runtime={runtime!r}))\n"
        f"next(engine.classify(FileSource({str(clip_path())!r})))\n{PEAK}"
    )


def measured(
    programs: Mapping[str, Sequence[str]], runs: int
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Seconds of each run of each program, and what it wrote last to standard error."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    said = dict.fromkeys(programs, "")
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home}
        for turn in range(runs + 1):
            for name, command in programs.items():
                start = time.perf_counter()
                done = subprocess.run(command, env=environment, capture_output=True, text=True)
                taken = time.perf_counter() - start
                said[name] = done.stderr
                if turn > 0:  # the first fills the disk cache and writes byte code
                    seconds[name].append(taken)
    return seconds, said


def report(seconds: Mapping[str, Sequence[float]], first: str) -> None:
    """One line a program: median, quartiles and the ratio to the first."""
    base = statistics.median(seconds[first])
    for name, taken in seconds.items():
        low, middle, high = statistics.quantiles(taken, n=4)
        print(
            f"{name:<24} {1000 * middle:6.1f} ms (quartiles {1000 * low:.1f}, "
            f"{1000 * high:.1f})   ratio {middle / base:.2f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--runtime", default="litert", choices=list(RUNTIMES))
    args = parser.parse_args()
    seconds, _ = measured(commands(), args.runs)
    report(seconds, BARE)
    print()
    programs = {
        "imports alone": [sys.executable, "-c", imports(args.runtime)],
        "first prediction": [sys.executable, "-c", first_prediction(args.model, args.runtime)],
    }
    seconds, said = measured(programs, args.runs)
    report(seconds, "imports alone")
    for name, text in said.items():
        print(f"{name:<24} peak {int(re.findall(r'[0-9]+', text)[-1]) / 1024:.0f} MB")


if __name__ == "__main__":
    main()
