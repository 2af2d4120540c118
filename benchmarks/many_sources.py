"""What several sources cost: processor time and memory of `genre-edge listen` with
streams of MP3 from a web radio on this machine, ffmpeg included.

    python -m benchmarks.many_sources [--sources 1 10] [--seconds 60] [--hop 3]

Times are counted from the moment at which all streams are heard; the radio itself does
not count. Memory is the proportional set size: what processes share is divided among
them. The last line says what a model for each source would take instead of one for all.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from genre_edge.demo import clip_path
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import DEFAULT_MODEL, EngineConfig

from tests.helpers.radio import Radio, mp3_of
from tests.helpers.webserver import children_of

_TICKS = os.sysconf("SC_CLK_TCK")


def spent(process: int) -> float:
    """Processor time of a process with all its threads, s."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def megabytes(process: int | str) -> float:
    """Proportional set size of a process."""
    found = re.search(r"(?m)^Pss:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text())
    assert found is not None
    return int(found[1]) / 1024


@dataclass(frozen=True)
class Cost:
    """Of one run."""

    program: float
    """Processor seconds of the program in a minute of audio of one source."""
    ffmpeg: float
    """The same of one ffmpeg."""
    program_mb: float
    """Memory of the program, MB."""
    ffmpeg_mb: float
    """Memory of one ffmpeg, MB."""


def measured(radio: Radio, sources: int, seconds: float, hop: float) -> Cost:
    """Listen to the radio `sources` times."""
    command = [sys.executable, "-m", "genre_edge", "listen", "--format", "json", "--hop", f"{hop}"]
    for number in range(sources):
        command += ["--source", f"http://127.0.0.1:{radio.port}/{number},name=radio{number}"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert program.stdout is not None
    heard: set[bytes] = set()
    while len(heard) < sources:
        found = re.search(rb'"source":"(radio\d+)"', program.stdout.readline())
        heard |= {found[1]} if found else set()
    pipe = program.stdout.fileno()
    os.set_blocking(pipe, False)
    while len(players := children_of(program.pid)) != sources:  # one was lost meanwhile
        time.sleep(0.1)
    began, before = time.monotonic(), [spent(one) for one in (program.pid, *players)]
    while time.monotonic() - began < seconds:
        time.sleep(0.5)
        while program.stdout.read(65536):
            pass
    minutes = (time.monotonic() - began) / 60
    own, *others = (
        after - first
        for after, first in zip(map(spent, (program.pid, *players)), before, strict=True)
    )
    cost = Cost(
        own / minutes / sources,
        sum(others) / minutes / sources,
        megabytes(program.pid),
        sum(map(megabytes, players)) / sources,
    )
    program.terminate()
    program.wait()
    program.stdout.close()
    return cost


def model_megabytes(count: int) -> float:
    """What one more loaded model takes, MB."""
    config = EngineConfig(DEFAULT_MODEL)
    engines = [Engine(config)]
    before = megabytes("self")
    engines += [Engine(config) for _ in range(count)]
    return (megabytes("self") - before) / count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--hop", type=float, default=3.0)
    args = parser.parse_args()
    radio = Radio(mp3_of(clip_path()))
    print("sources | CPU s a minute of audio: program, ffmpeg | MB: program, each ffmpeg, in all")
    for sources in args.sources:
        cost = measured(radio, sources, args.seconds, args.hop)
        total = cost.program_mb + sources * cost.ffmpeg_mb
        print(
            f"{sources:7d} | {cost.program:.2f}, {cost.ffmpeg:.2f} | {cost.program_mb:.0f}, "
            f"{cost.ffmpeg_mb:.0f}, {total:.0f}",
            flush=True,
        )
    radio.close()
    print(f"a model for each source would take {model_megabytes(9):.1f} MB more for each")


if __name__ == "__main__":
    main()
