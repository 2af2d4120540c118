"""Audio files, decoded block by block with libsndfile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Float32
from ..errors import AudioError
from ..quiet import quiet_stderr
from .limits import check_finite, check_format
from .mono import mono_blocks
from .source import BLOCK_FRAMES, AudioBlock
from .truncation import ends_early

if TYPE_CHECKING:
    import soundfile


class FileSource:
    """One file, whatever its length.

    Parameters
    ----------
    path
        The file. What it is called does not matter: its content says what it is.

    Raises
    ------
    AudioError
        If the file is missing, empty, unreadable, no audio or cut short; where decoding
        is what shows it, `blocks` raises it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        self._file = _open(self.name)
        self.sample_rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        try:
            check_format(self.name, self.sample_rate, self.channels)
        except AudioError:
            self.close()
            raise

    def blocks(self) -> Iterator[AudioBlock]:
        """Decode from the start to the end; a file shorter than its header says is an
        AudioError."""
        position = 0
        while True:
            samples = self._read()
            if not len(samples):
                break
            check_finite(self.name, samples, position, self.sample_rate)
            yield AudioBlock(samples, position)
            position += len(samples)
        declared = self._file.frames
        if position < declared or ends_early(self.name):
            raise AudioError(self.name, _truncated(position, self.sample_rate))

    def _read(self) -> Float32:
        import soundfile

        try:
            with quiet_stderr():
                samples: Float32 = self._file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioError(self.name, f"damaged or truncated ({_reason(error)})") from None
        return samples

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _open(name: str) -> soundfile.SoundFile:
    import soundfile

    try:
        size = os.stat(name).st_size
        with open(name, "rb"):
            pass
    except OSError as error:
        raise AudioError(name, (error.strerror or str(error)).lower()) from None
    if size == 0:
        raise AudioError(name, "is empty")
    try:
        with quiet_stderr():
            return soundfile.SoundFile(name)
    except soundfile.LibsndfileError as error:
        raise AudioError(name, f"cannot be decoded as audio ({_reason(error)})") from None


def _reason(error: Any) -> str:
    text = str(error.error_string).strip().rstrip(".")
    return " ".join(text.split())


def _truncated(frames: int, rate: int) -> str:
    return f"is truncated: it ends after {frames / rate:.1f} s, before its own end mark"


def read_mono(path: str | os.PathLike[str], rate: int) -> Float32:
    """A whole file in memory, for training and tests.

    Parameters
    ----------
    path
        The file.
    rate
        Sample rate of the result, Hz.

    Returns
    -------
    float32 [n]
        The mean of the channels, full scale at 1.0.

    Raises
    ------
    AudioError
        As `FileSource`.
    """
    source = FileSource(path)
    try:
        return np.concatenate(list(mono_blocks(source, rate)))
    finally:
        source.close()
