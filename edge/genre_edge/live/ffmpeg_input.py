"""What ffmpeg is asked to open for a source.

A process's arguments can be read by every user of the machine. The address of a network
source may hold a password, so ffmpeg gets it on its standard input: as a list with a
single entry, in the format of its concat demuxer.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..audio.ffmpeg_source import refuse_playlist_file
from ..errors import AudioError, DeviceChoiceError, DeviceError
from ..settings.source_table import SourceConfig

_HTTP = "pipe,http,https,httpproxy,tcp,tls,crypto,hls,data"
_RTSP = "pipe,rtsp,rtsps,rtp,tcp,udp,tls,http,https"
"""The protocols that a server's answer may make ffmpeg use: no file among them."""


@dataclass(frozen=True)
class FfmpegInput:
    """One input."""

    arguments: tuple[str, ...]
    """ffmpeg's options for the input, and the input."""
    standard_input: int = subprocess.DEVNULL
    """The file descriptor that it reads."""


@contextmanager
def input_of(config: SourceConfig) -> Iterator[FfmpegInput]:
    """The input for a source, until ffmpeg has been started. DeviceError if a FIFO is
    not there."""
    made = _INPUTS[config.scheme](config)
    try:
        yield made
    finally:
        if made.standard_input >= 0:
            os.close(made.standard_input)


def _http(config: SourceConfig) -> FfmpegInput:
    return _listed(config.url, _HTTP, {})


def _rtsp(config: SourceConfig) -> FfmpegInput:
    options = {"rtsp_transport": config.rtsp_transport}
    if config.audio_only:
        options["allowed_media_types"] = "audio"
    return _listed(config.url, _RTSP, options)


def _listed(url: str, protocols: str, options: Mapping[str, str]) -> FfmpegInput:
    """An address that does not appear among the process's arguments."""
    quoted = url.replace("'", "'\\''")
    lines = ["ffconcat version 1.0", f"file '{quoted}'"]
    lines += [f"option {name} {value}" for name, value in options.items()]
    read_end, write_end = os.pipe()
    with open(write_end, "w") as pipe:
        pipe.write("\n".join(lines) + "\n")  # less than a pipe holds: it does not wait
    arguments = ("-vn", "-f", "concat", "-safe", "0", "-protocol_whitelist", protocols)
    return FfmpegInput((*arguments, "-i", "pipe:0"), read_end)


def _file(config: SourceConfig) -> FfmpegInput:
    try:
        refuse_playlist_file(config.target)
    except AudioError as error:
        raise DeviceChoiceError(str(error)) from None
    repeat = ("-stream_loop", "-1", "-vn", "-protocol_whitelist", "file")
    return FfmpegInput((*repeat, "-i", f"file:{config.target}"))


def _fifo(config: SourceConfig) -> FfmpegInput:
    path = config.target
    try:
        if not stat.S_ISFIFO(os.stat(path).st_mode):
            raise DeviceError(f"{path} is not a FIFO; file:{path} hears a file in a loop")
        if config.rate is None:
            return FfmpegInput(("-protocol_whitelist", "file", "-i", f"file:{path}"))
        # Opened for writing too, it has no end when a player closes it between songs.
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror} (mkfifo makes it)") from None
    raw = ("-f", "s16le", "-ar", str(config.rate), "-ac", str(config.channels))
    no_look = ("-probesize", "32", "-analyzeduration", "0")
    return FfmpegInput((*raw, *no_look, "-protocol_whitelist", "pipe", "-i", "pipe:0"), descriptor)


def _alsa(config: SourceConfig) -> FfmpegInput:
    rate = () if config.rate is None else ("-sample_rate", str(config.rate))
    return FfmpegInput(
        ("-f", "alsa", "-channels", str(config.channels), *rate, "-i", config.target)
    )


def _pulse(config: SourceConfig) -> FfmpegInput:
    return FfmpegInput(("-f", "pulse", "-i", config.target))


_INPUTS: dict[str, Callable[[SourceConfig], FfmpegInput]] = {
    "http": _http,
    "https": _http,
    "rtsp": _rtsp,
    "rtsps": _rtsp,
    "fifo": _fifo,
    "alsa": _alsa,
    "pulse": _pulse,
    "file": _file,
}
