"""What the first prediction costs: time from a cold start, against its imports alone,
and peak memory.

    python -m benchmarks.cold_start [--runs 15] [--model NAME] [--runtime litert]

Starts fresh processes, the two kinds in turn so that a drifting clock favours neither,
and prints medians with their quartiles. Peak memory is VmHWM of the process that
classified.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time

from genre_edge.demo import clip_path
from genre_edge.model.classifier import RUNTIMES
from genre_edge.settings.tables import DEFAULT_MODEL

PEAK = (
    "import re, sys; "
    "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr)"
)


def imports(runtime: str) -> str:
    """A program that imports what any classification needs, and does nothing."""
    return f"import numpy, scipy.fft, soundfile, soxr, {RUNTIMES[runtime][0]}\n{PEAK}"


def first_prediction(model: str, runtime: str) -> str:
    """A program that loads the model and classifies the first window of the demo
    clip."""
    return (
        "from genre_edge.model.engine import Engine\n"
        "from genre_edge.settings.tables import EngineConfig\n"
        "from genre_edge.audio.files import FileSource\n"
        f"engine = Engine(EngineConfig({model!r}, runtime={runtime!r}))\n"
        f"next(engine.classify(FileSource({str(clip_path())!r})))\n{PEAK}"
    )


def run(code: str) -> tuple[float, int]:
    """Seconds that the program took, and its peak memory in KB."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, int(re.findall(r"\d+", done.stderr)[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--runtime", default="litert", choices=list(RUNTIMES))
    args = parser.parse_args()
    programs = {
        "imports alone": imports(args.runtime),
        "first prediction": first_prediction(args.model, args.runtime),
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    peak = dict.fromkeys(programs, 0)
    for code in programs.values():
        run(code)  # fill the disk cache and write byte code
    for _ in range(args.runs):
        for name, code in programs.items():
            taken, kilobytes = run(code)
            seconds[name].append(taken)
            peak[name] = max(peak[name], kilobytes)
    for name, all_runs in seconds.items():
        low, middle, high = statistics.quantiles(all_runs, n=4)
        print(
            f"{name:<17} {middle:.3f} s (quartiles {low:.3f}, {high:.3f})   peak "
            f"{peak[name] / 1024:.0f} MB"
        )
    ratio = statistics.median(seconds["first prediction"]) / statistics.median(
        seconds["imports alone"]
    )
    print(f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
