"""Damaged audio files of every format, through both decoders.

    python -m tests.helpers.mutations --count 100000 --ffmpeg-every 50

Each is damaged as its number says, so that a finding can be made again with
`--first NUMBER --count 1`. Prints what was wrong and, at the end, how many files were
tried; leaves with 1 if anything was.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

from genre_edge.audio.ffmpeg_source import FfmpegSource
from genre_edge.audio.file_source import FileSource
from genre_edge.audio.wav_stream import WavStreamSource
from genre_edge.demo import clip_path
from genre_edge.errors import AudioError
from genre_edge.model.workers import Workers

FORMATS = {
    "a.wav": [],
    "float.wav": ["-c:a", "pcm_f32le"],
    "mp3.wav": ["-c:a", "libmp3lame"],
    "long.wav": ["-rf64", "always"],
    "a.aiff": [],
    "a.caf": [],
    "a.w64": [],
    "a.au": [],
    "a.flac": [],
    "a.ogg": ["-c:a", "libvorbis"],
    "flac.ogg": ["-c:a", "flac"],
    "a.opus": ["-c:a", "libopus"],
    "cbr.mp3": ["-b:a", "64k"],
    "vbr.mp3": ["-q:a", "5"],
    "tag-less.mp3": ["-q:a", "5", "-write_xing", "0", "-id3v2_version", "0"],
    "a.mp2": [],
    "a.m4a": [],
    "a.aac": [],
    "a.webm": [],
    "a.wma": [],
    "a.mkv": [],
}
"""Each format, and how ffmpeg makes it."""

_MOST_SECONDS = 20
"""A file that takes longer is a hang, s."""
_MOST_SAMPLES = 10_000_000
Decoder = Literal["files", "ffmpeg", "stream"]


@dataclass(frozen=True)
class Outcome:
    """What came of one damaged file."""

    number: int
    """Which one."""
    wrong: str
    """What was wrong; empty if it was heard, or refused in one line."""
    kilobytes: int = 0
    """Memory of the process then."""


def make_seeds(folder: Path) -> None:
    """Write a short file of each format, and chains of them."""
    clip = ["-t", "1.5", "-i", str(clip_path()), "-ac", "2", "-ar", "48000"]
    for name, options in FORMATS.items():
        command = ["ffmpeg", "-v", "error", "-y", *clip, *options, str(folder / name)]
        subprocess.run(command, check=True)
    for name in ("a.ogg", "a.opus", "vbr.mp3", "a.flac"):
        content = (folder / name).read_bytes()
        (folder / f"chained-{name}").write_bytes(content + content)


@lru_cache(maxsize=1)
def seeds(folder: Path) -> list[bytes]:
    """Those files' content, in the order of their names."""
    return [path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix]


def damaged(number: int, whole: list[bytes]) -> bytes:
    """The damaged file of a number."""
    chance = random.Random(number)
    content = bytearray(chance.choice(whole))
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        # Half of the damage is done to the first bytes, where the structure is.
        at = chance.randrange(min(len(content), chance.choice((64, 512, 1 << 30))) or 1)
        kind = chance.randrange(7)
        if kind == 0:
            content[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            content[at : at + 4] = chance.choice(
                (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80")
            )
        elif kind == 2:
            content[at : at + chance.randrange(1, 500)] = b""
        elif kind == 3:
            content[at:at] = chance.randbytes(chance.randrange(1, 500))
        elif kind == 4:
            piece = content[at : at + chance.randrange(1, 5000)]
            content[at:at] = piece
        elif kind == 5:
            del content[max(1, at) :]
        else:
            other = chance.choice(whole)
            content[at:] = other[chance.randrange(len(other)) :]
        if not content:
            break
    return bytes(content)


def heard(path: Path, decoder: Decoder) -> None:
    """Decode a file to its end. AudioError."""
    if decoder == "stream":
        with path.open("rb") as stream:
            drain(WavStreamSource(stream, str(path)))
    else:
        drain(FfmpegSource(path) if decoder == "ffmpeg" else FileSource(path))


def drain(source: FileSource | FfmpegSource | WavStreamSource) -> None:
    with closing(source):
        total = 0
        for block in source.blocks():
            total += block.samples.size
            if total > _MOST_SAMPLES:
                return


def attempt(folder: Path, ffmpeg_every: int, number: int) -> Outcome:
    """Damage a file and hear it, in a process that may die of it."""
    signal.alarm(_MOST_SECONDS)  # its default is to end the process
    os.environ["PATH"] = "/usr/bin:/bin" if number % ffmpeg_every == 0 else "/nowhere"
    decoder: Decoder = "ffmpeg" if number % ffmpeg_every == 0 else "files"
    if number % 7 == 1:
        decoder = "stream"
    with tempfile.NamedTemporaryFile(dir=folder, prefix="damaged-") as file:
        file.write(damaged(number, seeds(folder)))
        file.flush()
        wrong = ""
        try:
            heard(Path(file.name), decoder)
        except AudioError as error:
            if "\n" in str(error) or not str(error).startswith(file.name):
                wrong = f"not one line: {error!r}"
        except Exception as error:
            wrong = repr(error)
    signal.alarm(0)
    return Outcome(number, wrong, memory())


def memory() -> int:
    """Resident memory of this process, KB."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) if found else 0


def lost(number: int, how: str) -> Outcome:
    """The outcome of a file that ended the process."""
    return Outcome(number, f"the process died ({how}); signal 14 is a hang")


def run(first: int, count: int, ffmpeg_every: int, jobs: int) -> tuple[list[Outcome], int]:
    """Try damaged files.

    Returns
    -------
    tuple of list and int
        The outcomes that are wrong, and by how many KB a process grew in the second
        half.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_seeds(folder)
        work = partial(attempt, folder, ffmpeg_every)
        wrong, sizes = [], []
        with closing(Workers(work, lost, jobs)) as workers:
            for outcome in workers.results(range(first, first + count)):
                wrong += [outcome] if outcome.wrong else []
                sizes.append(outcome.kilobytes)
    half = len(sizes) // 2
    return wrong, max(sizes[half:]) - max(sizes[:half], default=0)


def main() -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, metavar="N")
    parser.add_argument("--count", type=int, default=10_000, metavar="N")
    parser.add_argument("--ffmpeg-every", type=int, default=50, metavar="N")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    wrong, growth = run(args.first, args.count, args.ffmpeg_every, args.jobs)
    for outcome in wrong:
        print(f"{outcome.number}: {outcome.wrong}")
    kinds = Counter(outcome.wrong[:40] for outcome in wrong)
    print(f"{args.count} files, {len(wrong)} wrong {dict(kinds)}, {growth} KB more in the end")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
