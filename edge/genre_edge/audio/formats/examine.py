"""What an audio file holds, whatever its format."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

from . import chunks, flac, mpeg, ogg
from .contents import Contents
from .id3 import id3_size


def examine(file: BinaryIO) -> Contents:
    """What a file holds.

    Parameters
    ----------
    file
        The file, open for reading bytes; it is left anywhere.

    Returns
    -------
    Contents
        The file as it is, for a format whose structure is not known.
    """
    data = chunks.sample_data(file)
    if data is not None:
        if data.mpeg:
            end = None if data.size is None else data.start + data.size
            found, chunk = mpeg.contents(file, data.start, end), chunks.contents(file, data)
            return replace(found, cut=found.cut or chunk.cut, warning=chunk.warning)
        return chunks.contents(file, data)
    file.seek(0)
    start = id3_size(file.read(10))
    file.seek(start)
    magic = file.read(4)
    if magic == b"fLaC":
        return flac.contents(file, start)
    if magic == b"OggS":
        return ogg.contents(file)
    return mpeg.contents(file) if mpeg.is_mpeg(file) else Contents()
