"""Audio files of every format, through both decoders."""

from __future__ import annotations

import fcntl
import os
import random
import subprocess
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from genre_edge.audio.ffmpeg_source import FfmpegSource
from genre_edge.audio.file_source import FileSource
from genre_edge.audio.formats.stream_ends import StreamEnds
from genre_edge.audio.wav_stream import WavStreamSource
from genre_edge.demo import clip_path
from genre_edge.errors import AudioError

from ..damage import damaged
from ..target import Target, Unexpected

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

_MOST_SAMPLES = 10_000_000
_FFMPEG_SHARE = 0.02
"""ffmpeg is a process of its own, and slow to start."""


def make_seeds(folder: Path) -> None:
    """Write a short file of each format, and chains of them."""
    clip = ["-t", "1.5", "-i", str(clip_path()), "-ac", "2", "-ar", "48000"]
    for name, options in FORMATS.items():
        command = ["ffmpeg", "-v", "error", "-y", *clip, *options, str(folder / name)]
        subprocess.run(command, check=True)
    for name in ("a.ogg", "a.opus", "vbr.mp3", "a.flac"):
        content = (folder / name).read_bytes()
        (folder / f"chained-{name}").write_bytes(content + content)


@cache
def _seeds(folder: Path) -> list[bytes]:
    """Those files, made by the first process that needs them."""
    folder.mkdir(exist_ok=True)
    with (folder.parent / "seeds.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not any(folder.iterdir()):
            make_seeds(folder)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def prepare(folder: Path) -> None:
    """Have those files made: twenty runs of ffmpeg."""
    _seeds(folder.parent / "audio")


def attempt(chance: random.Random, folder: Path) -> None:
    """Hear one file to its end, or be told in one line why not."""
    content = damaged(chance, _seeds(folder.parent / "audio"))
    _judge_as_stream(content)
    with_ffmpeg = chance.random() < _FFMPEG_SHARE
    path_before = os.environ["PATH"]
    with tempfile.NamedTemporaryFile(dir=folder, prefix="damaged-") as file:
        file.write(content)
        file.flush()
        path = Path(file.name)
        if not with_ffmpeg:
            os.environ["PATH"] = "/nowhere"
        try:
            _hear(path, "ffmpeg" if with_ffmpeg else chance.choice(("file", "file", "stream")))
        except AudioError as error:
            if "\n" in str(error) or not str(error).startswith(file.name):
                raise Unexpected(f"not one line: {error!r}") from error
        finally:
            os.environ["PATH"] = path_before


def _judge_as_stream(content: bytes) -> None:
    """What a pipe would have shown of it."""
    ends = StreamEnds()
    ends.pass_by(content)
    ends.is_whole_seen = True
    ends.contents(1000)


def _hear(path: Path, decoder: str) -> None:
    if decoder == "stream":
        with path.open("rb") as stream:
            _drain(WavStreamSource(stream, str(path)))
    else:
        _drain(FfmpegSource(path) if decoder == "ffmpeg" else FileSource(path))


def _drain(source: FileSource | FfmpegSource | WavStreamSource) -> None:
    with closing(source):
        total = 0
        for block in source.blocks():
            total += block.samples.size
            if total > _MOST_SAMPLES:
                return


TARGET = Target("audio", attempt, batch=10, prepare=prepare)
