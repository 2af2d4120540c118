"""Opening what a user names: a file, a pipe or a device, or standard input."""

from __future__ import annotations

import os
import sys

from ..errors import AudioError
from .file_source import FileSource
from .limits import is_special
from .wav_stream import WavStreamSource


def is_stream(name: str) -> bool:
    """Whether a name can be read once only: "-", a pipe, a socket or a device."""
    if name == "-":
        return True
    try:
        return is_special(os.stat(name).st_mode)
    except (OSError, ValueError):
        return False


def open_audio(name: str) -> FileSource | WavStreamSource:
    """Open a file whatever its format, or a stream that is a WAV.

    Raises
    ------
    AudioError
        If it cannot be opened or is no audio.
    """
    if name == "-":
        if sys.stdin is None:
            raise AudioError(name, "standard input is closed")
        return WavStreamSource(sys.stdin.buffer)
    if not is_stream(name):
        return FileSource(name)
    try:
        stream = open(name, "rb")  # noqa: SIM115 (the source closes it)
    except OSError as error:
        raise AudioError(name, (error.strerror or str(error)).lower()) from None
    try:
        return WavStreamSource(stream, name, owned=True)
    except AudioError:
        stream.close()
        raise
