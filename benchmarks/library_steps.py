"""What each step of classifying files costs: decode, mix, resample, front-end, network.

    python -m benchmarks.library_steps song.wav song.mp3 song.flac

Prints the processor's time per step and of the whole, in seconds, and the whole as a
multiple of decoding alone, by this program and by ffmpeg. Compare ratios of one run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from resource import RUSAGE_CHILDREN, getrusage
from typing import TypeVar

from genre_edge.audio.file_source import FileSource
from genre_edge.audio.mono import Mixer
from genre_edge.audio.resample import Resampler
from genre_edge.model.engine import Engine
from genre_edge.model.frontend import LogMel
from genre_edge.settings.tables import EngineConfig

Result = TypeVar("Result")


def timed(step: Callable[[], Result]) -> tuple[float, Result]:
    """Processor's time of a step, s, and its result."""
    begin = time.process_time()
    result = step()
    return time.process_time() - begin, result


def by_ffmpeg(path: str, rate: int) -> float:
    """Processor's time that ffmpeg takes to decode to mono at `rate` (Hz), s."""
    before = getrusage(RUSAGE_CHILDREN)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", path]
    command += ["-map", "0:a:0", "-ac", "1", "-ar", str(rate), "-f", "s16le", "-y", "/dev/null"]
    subprocess.run(command, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(engine: Engine, path: str) -> str:
    """A row of the table."""
    with closing(FileSource(path)) as source:
        rate = source.sample_rate
        decode, blocks = timed(lambda: [block.samples for block in source.blocks()])
    mixer, resampler = Mixer(rate), Resampler(rate, engine.sample_rate)
    logmel = LogMel(engine.logmel.spec)
    mix, mono = timed(lambda: [*map(mixer.push, blocks), mixer.flush()])
    resample, pieces = timed(lambda: [*map(resampler.push, mono), resampler.flush()])
    front_end, windows = timed(lambda: [w for piece in pieces for w in logmel.push(piece)])
    network, _ = timed(lambda: [engine.predict(window) for window in windows])
    with closing(FileSource(path)) as source:
        whole, _ = timed(lambda: list(engine.classify(source)))
    theirs = by_ffmpeg(path, engine.sample_rate)
    return (
        f"{decode:6.2f} {mix:4.2f} {resample:9.2f} {front_end:10.2f} {network:8.2f} | "
        f"{whole:5.2f} {whole / decode:12.2f} {whole / theirs:12.2f} | {path}"
    )


def main(paths: list[str]) -> None:
    """Measure each file."""
    engine = Engine(EngineConfig())
    print("decode  mix  resample  front-end  network | whole  of decoding  of ffmpeg's | file")
    for path in paths:
        print(measured(engine, path))


if __name__ == "__main__":
    main(sys.argv[1:])
