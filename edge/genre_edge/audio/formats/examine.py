"""What an audio file holds, whatever its format."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

from . import chunks, flac, mpeg, ogg
from .contents import Contents


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
    start = _after_id3(file)
    file.seek(start)
    magic = file.read(4)
    if magic == b"fLaC":
        return flac.contents(file, start)
    if magic == b"OggS":
        return ogg.contents(file)
    return mpeg.contents(file) if mpeg.is_mpeg(file) else Contents()


def _after_id3(file: BinaryIO) -> int:
    """Offset of what follows a tag (ID3v2) at the start."""
    file.seek(0)
    head = file.read(10)
    return mpeg.id3_size(head)
