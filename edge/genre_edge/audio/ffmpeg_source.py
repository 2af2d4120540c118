"""Audio files that libsndfile cannot decode (AAC, WMA, WebM, video), through ffmpeg."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float32
from ..errors import AudioError, os_reason
from .ffmpeg import (
    INSTALL,
    ONE_THREAD,
    STALL_SECONDS,
    dies_with_parent,
    file_input,
    reason_of,
    start,
)
from .ffmpeg_process import FfmpegProcess
from .formats.contents import truncated
from .limits import MAX_RATE, check_finite, check_format
from .source import BLOCK_FRAMES, AudioBlock

_INDEXED = ("mov,mp4", "matroska", "asf", "avi")
"""Containers (the beginning of ffprobe's name) that say how long a stream is, instead
of estimating it."""
_TOLD_OF = ("mov,mp4", "matroska")
"""Those of which ffmpeg says so when they are cut."""
_CUT_SECONDS = 0.5
"""A stream that is shorter than its container says by more than this is cut, s; codecs
drop up to 0.1 s at their ends."""
_SPARE_SECONDS = 0.1
"""What is asked for before and after a stretch, s: codecs need a frame before the
first, and the stretch must be whole."""
_AT_ONCE = 20
"""How many stretches one process decodes."""
_REDUCED_RATE = 48_000
"""At which rate a file is heard that has a higher one than is accepted, Hz."""
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]")


@dataclass(frozen=True)
class StreamInfo:
    """The first audio stream of a file, as ffprobe sees it."""

    sample_rate: int
    """Hz."""
    channels: int
    """Number of channels."""
    seconds: float | None
    """Length that the container states, s; None where it states none."""
    cut_is_told: bool
    """Whether ffmpeg says so if the file is cut."""


class FfmpegSource:
    """The first audio stream of a file, decoded by ffmpeg.

    Parameters
    ----------
    path
        The file. Nothing but this file is read: other protocols are refused, and so
        are playlists.
    name
        What errors and records call it, if not by its path.

    Raises
    ------
    AudioError
        If ffmpeg is not installed, or the file has no audio that it knows. Where
        decoding is what shows it, `blocks` raises it.
    """

    def __init__(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        self._path = os.fspath(path)
        self.name = name or self._path
        self.warnings: list[str] = []
        info = probe(self._path, self.name)
        self.channels, self._declared = info.channels, info.seconds
        # DSD (.dsf) has 352.8 kHz and more; ffmpeg resamples.
        self.sample_rate = info.sample_rate if info.sample_rate <= MAX_RATE else _REDUCED_RATE
        self._cut_is_told = info.cut_is_told
        check_format(self.name, self.sample_rate, self.channels)
        self._process: FfmpegProcess | None = None

    def blocks(self) -> Iterator[AudioBlock]:
        """Decode from the start to the end; a file shorter than its container says is
        an AudioError."""
        process, position = self._started(file_input(self._path)), 0
        while True:
            samples = process.read(BLOCK_FRAMES)
            if not len(samples):
                break
            check_finite(self.name, samples, position, self.sample_rate)
            yield AudioBlock(samples, position)
            position += len(samples)
        self._judge(process.complaint, position / self.sample_rate)

    def _judge(self, complaint: str, heard: float) -> None:
        """What is to be said of a file of which `heard` seconds came."""
        declared = self._declared
        if declared is not None and heard < declared - _CUT_SECONDS:
            # A file that is whole may have pauses between its packets, where a recorder
            # lost some or an editor left some out.
            if complaint or not self._cut_is_told:
                raise AudioError(self.name, truncated(heard, declared))
            self.warnings.append(f"has gaps; heard {heard:.1f} of {declared:.1f} s")
        elif complaint:
            self.warnings.append(f"damaged ({complaint}); heard {heard:.1f} s")

    @property
    def frames(self) -> int | None:
        """Its length in sample frames, if its container states it."""
        return None if self._declared is None else round(self._declared * self.sample_rate)

    def read_windows(self, starts: Sequence[int], frames: int) -> Iterator[Float32]:
        """Stretches of `frames` sample frames, float32 [frames, channels]; nothing else
        is decoded. In WMA they begin up to 0.1 s late or early.

        Raises
        ------
        AudioError
            If the file ends before its container says.
        """
        for at in range(0, len(starts), _AT_ONCE):
            yield from self._read_some(starts[at : at + _AT_ONCE], frames)

    def _read_some(self, starts: Sequence[int], frames: int) -> Iterator[Float32]:
        """Stretches by one process, which opens the file once for each of them."""
        arguments: list[str] = []
        chains: list[str] = []
        for number, first in enumerate(starts):
            before = min(first, round(_SPARE_SECONDS * self.sample_rate))
            seconds = (before + frames) / self.sample_rate + _SPARE_SECONDS
            arguments += [*ONE_THREAD, "-ss", f"{(first - before) / self.sample_rate:.6f}"]
            arguments += ["-t", f"{seconds:.6f}", *file_input(self._path)]
            # Zeros make up for what is missing, so that the others keep their places.
            cut = f"aresample={self.sample_rate},atrim=start_sample={before},asetpts=PTS-STARTPTS"
            exact = f"apad=whole_len={frames},atrim=end_sample={frames}"
            chains.append(f"[{number}:a:0]{cut},{exact}[w{number}]")
        names = "".join(f"[w{n}]" for n in range(len(starts)))
        graph = ";".join([*chains, f"{names}concat=n={len(starts)}:v=0:a=1[all]"])
        process = self._started([*arguments, "-filter_complex", graph], "[all]")
        zeros = []
        for first in starts:
            samples = _up_to(process, frames)
            if len(samples) < frames:
                raise AudioError(self.name, _ends_early(process.complaint))
            check_finite(self.name, samples, first, self.sample_rate)
            if not samples[-round(_SPARE_SECONDS * self.sample_rate) :].any():
                zeros.append(first)
            yield samples
        process.read(1)  # how it ended
        complaint = process.complaint
        if zeros and (complaint or not all(self._is_there(first, frames) for first in zeros)):
            raise AudioError(self.name, _ends_early(complaint))
        if complaint:
            self.warnings.append(f"damaged ({complaint})")

    def _is_there(self, first: int, frames: int) -> bool:
        """Whether a stretch is silence in the file; a place behind its end gives
        nothing, without a word."""
        at, seconds = first / self.sample_rate, frames / self.sample_rate
        place = ["-ss", f"{at:.6f}", "-t", f"{seconds:.6f}", *file_input(self._path)]
        process = self._started(place)
        return len(_up_to(process, frames)) >= frames - round(_SPARE_SECONDS * self.sample_rate)

    def close(self) -> None:
        """End the subprocess."""
        if self._process is not None:
            self._process.close()

    def _started(self, arguments: Sequence[str], stream: str = "0:a:0") -> FfmpegProcess:
        self.close()
        self._process = FfmpegProcess(
            self.name, arguments, self.sample_rate, self.channels, stream=stream
        )
        return self._process


def _up_to(process: FfmpegProcess, frames: int) -> Float32:
    """What comes of `frames` sample frames, float32 [up to frames, channels]."""
    pieces, left = [np.zeros((0, process.channels), np.float32)], frames
    while left and len(piece := process.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return np.concatenate(pieces)


def probe(path: str, name: str) -> StreamInfo:
    """What ffprobe says of the first audio stream of a file that errors call `name`.

    Raises
    ------
    AudioError
        If ffprobe is not installed, or finds no audio in the file.
    """
    ffprobe = shutil.which("ffprobe")
    if ffprobe is None:
        raise AudioError(name, f"needs ffmpeg to be decoded: {INSTALL}")
    refuse_playlist_file(path, name)
    entries = "format=format_name,nb_streams,duration:stream=sample_rate,channels,duration"
    command = [*dies_with_parent(), ffprobe, "-v", "error", "-select_streams", "a:0"]
    command += ["-show_entries", entries, "-of", "json", *file_input(path)]
    process = start(name, command)
    try:
        out, said = process.communicate(timeout=STALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise AudioError(name, f"could not be examined within {STALL_SECONDS:g} s") from None
    finally:
        process.kill()
        process.wait()
    try:
        found = json.loads(out)
        stream = found["streams"][0]
        rate, channels = int(stream["sample_rate"]), int(stream["channels"])
    except (ValueError, KeyError, IndexError):
        reason = reason_of(said) or "no audio in it"
        raise AudioError(name, f"cannot be decoded as audio ({reason})") from None
    told = str(found["format"].get("format_name", "")).startswith(_TOLD_OF)
    return StreamInfo(rate, channels, _seconds(found["format"], stream), told)


def _seconds(container: dict[str, Any], stream: dict[str, Any]) -> float | None:
    """The stream's own length; the container's, if it holds nothing else; else None."""
    if not str(container.get("format_name", "")).startswith(_INDEXED):
        return None
    stated = stream.get("duration")
    if stated is None and container.get("nb_streams") == 1:
        stated = container.get("duration")
    return None if stated is None else float(stated)


def _ends_early(complaint: str) -> str:
    return f"is truncated or damaged ({complaint or 'it holds less than it says'})"


def refuse_playlist_file(path: str, name: str | None = None) -> None:
    """AudioError if a file is a list of other files, or cannot be read."""
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError as error:
        raise AudioError(name or path, os_reason(error)) from None
    refuse_playlist(name or path, head)


def refuse_playlist(name: str, head: bytes) -> None:
    """AudioError if what begins with these bytes is a list of other files."""
    if head.removeprefix(codecs.BOM_UTF8).startswith(_PLAYLISTS):
        raise AudioError(name, "is a playlist (name the files that it lists)")
