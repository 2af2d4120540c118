"""A file made of pieces of another file, for a decoder that would misread the whole."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class Stretch:
    """Bytes of the file from `start` up to, not including, `end`."""

    start: int
    """Offset of the first byte."""
    end: int
    """Offset just past the last byte."""


Piece = bytes | Stretch
"""Bytes that are in no file, or a stretch of the file."""


class Splice(io.RawIOBase):
    """Pieces one after the other, as a file to read and to seek in; it owns the file.

    Parameters
    ----------
    file
        The file that stretches refer to; closed with this one.
    pieces
        What the new file consists of.
    """

    def __init__(self, file: BinaryIO, pieces: Sequence[Piece]) -> None:
        super().__init__()
        self._file = file
        self._pieces = [piece for piece in pieces if _length(piece)]
        self._starts, at = [], 0
        for piece in self._pieces:
            self._starts.append(at)
            at += _length(piece)
        self._size = at
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset; returns the new one."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """As many bytes as there are, up to `size`; all that are left if negative."""
        parts: list[bytes] = []
        left = self._size - self._at if size < 0 else size
        while left > 0 and self._at < self._size:
            part = self._read_one(left)
            if not part:  # the file has become shorter meanwhile
                break
            parts.append(part)
            self._at += len(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer; returns how many bytes there were."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()

    def _read_one(self, size: int) -> bytes:
        """Bytes of one piece, at the present offset."""
        number = bisect_right(self._starts, self._at) - 1
        piece, offset = self._pieces[number], self._at - self._starts[number]
        if isinstance(piece, bytes):
            return piece[offset : offset + size]
        self._file.seek(piece.start + offset)
        return self._file.read(min(size, piece.end - piece.start - offset))


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.end - piece.start
