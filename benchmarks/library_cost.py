"""What hearing a library costs: genre-edge library and genre-edge classify --jobs.

    python -m benchmarks.library_cost --files 1000 --seconds 30 --workers 1 2

Makes MP3 files of noise, hears them each way, and prints the time, the start included,
the processors' time, and the memory of the largest worker.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import numpy as np
import soundfile

RATE = 44100


def make(folder: Path, files: int, seconds: float) -> None:
    """Files of the same noise, each of its own on the disk."""
    folder.mkdir()
    samples = np.random.default_rng(0).normal(0, 0.1, (round(RATE * seconds), 2))
    soundfile.write(folder / "first.mp3", samples, RATE)
    for number in range(1, files):
        shutil.copyfile(folder / "first.mp3", folder / f"{number:06}.mp3")


def family(parent: int) -> list[int]:
    """A process's children, and theirs."""
    children = list[int]()
    for thread in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            children += [int(one) for one in thread.read_text().split()]
        except OSError:  # it has ended
            continue
    return children + [one for child in children for one in family(child)]


def peak(process: int) -> int:
    """The most memory that a process has held, MB."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM")), 0)


def processor() -> float:
    """Processors' time of all children that have ended, and of theirs, s."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(*arguments: object) -> tuple[float, float, int]:
    """Run genre-edge; how long it took, s, the processors' time, s, and the memory of
    its largest child, MB."""
    command = [sys.executable, "-m", "genre_edge", *map(str, arguments)]
    largest, over = 0, threading.Event()
    begin, before = time.perf_counter(), processor()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as program:

        def watch() -> None:
            nonlocal largest
            while not over.wait(0.2):
                largest = max([largest, *map(peak, family(program.pid))])

        thread = threading.Thread(target=watch)
        thread.start()
        status = program.wait()
        over.set()
        thread.join()
    if status:
        sys.exit(f"{' '.join(command)}: exit status {status}")
    return time.perf_counter() - begin, processor() - before, largest


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--windows-per-track", default="10")
    args = parser.parse_args()
    windows = args.windows_per_track
    print(
        f"{args.files} MP3 files of {args.seconds:g} s; load {os.getloadavg()[0]:.1f} at the start"
    )
    with tempfile.TemporaryDirectory() as name:
        music = Path(name) / "music"
        make(music, args.files, args.seconds)
        some = [] if windows == "all" else ["--windows-per-track", windows]
        for count in args.workers:
            out = Path(name) / f"{count}"
            ways = {
                "classify": ["classify", music, "--jobs", count, "--verdicts-only", *some],
                "library": ["library", music, "--output", out, "--workers", count],
            }
            ways["library"] += ["--windows-per-track", windows]
            for way, arguments in ways.items():
                taken, busy, memory = run(*arguments)
                print(
                    f"{way:8} with {count}: {taken:6.1f} s, {args.files / taken:6.1f} files/s, "
                    f"{args.files * args.seconds / taken:7.0f} times real time, "
                    f"{1000 * busy / args.files:.0f} ms of a core a file, "
                    f"{memory} MB the largest worker"
                )
            again, _, _ = run(*ways["library"])
            print(f"library again, nothing to do: {again:.1f} s")


if __name__ == "__main__":
    main()
