"""Whether a file was cut short, for formats whose decoder does not report it."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

UNKNOWN_SIZES = (0, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF)
"""Sizes in the header of a WAV that was written to a pipe: the program could not know
the real one."""

_LARGEST_OGG_PAGE = 65_307
"""Bytes (RFC 3533, section 6)."""
_OGG_HEADER = 27
_OGG_END_OF_STREAM = 4


def ends_early(name: str) -> bool:
    """Whether the Ogg or WAV file at the path `name` lacks its end.

    It is False for all other formats: their decoders report it.
    """
    with open(name, "rb") as file:
        magic = file.read(4)
        if magic == b"OggS":
            return not _ogg_has_end(file)
        if magic == b"RIFF":
            end = _wav_data_end(file)
            return end is not None and end > os.fstat(file.fileno()).st_size
    return False


def _ogg_has_end(file: BinaryIO) -> bool:
    """Whether the last Ogg page is whole and carries the end-of-stream flag (RFC 3533,
    section 6)."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - _LARGEST_OGG_PAGE))
    tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < _OGG_HEADER or not page[5] & _OGG_END_OF_STREAM:
        return False
    segments = page[26]
    return len(page) >= _OGG_HEADER + segments + sum(page[_OGG_HEADER : _OGG_HEADER + segments])


def _wav_data_end(file: BinaryIO) -> int | None:
    """Where the data chunk ends, by its own size (bytes from the start of the file);
    None if the size is unknown."""
    file.seek(12)
    while True:
        header = file.read(8)
        if len(header) < 8:
            return None
        kind, size = struct.unpack("<4sI", header)
        if kind == b"data":
            return None if size in UNKNOWN_SIZES else file.tell() + int(size)
        file.seek(size + size % 2, 1)
