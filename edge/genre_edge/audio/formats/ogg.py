"""Ogg: the links of a chain, and whether the last is whole (RFC 3533)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .contents import Contents, Part, size_of
from .splice import Stretch

_HEADER = 27
_BEGIN, _END = 2, 4
"""Flags of a page: the first and the last of its stream."""
_SEARCH = 1 << 16


@dataclass(frozen=True)
class _Page:
    """The header of a page."""

    start: int
    """Offset of its first byte."""
    end: int
    """Offset just past its last byte, as its header says."""
    begins: bool
    """Whether it is the first of a stream."""
    ends: bool
    """Whether it is the last of a stream."""


def contents(file: BinaryIO) -> Contents:
    """The links of an Ogg file: each begins with the first pages of its streams."""
    starts: list[int] = []
    page, in_header = None, False
    for page in _pages(file):
        if page.begins and not in_header:
            starts.append(page.start)
        in_header = page.begins
    size = size_of(file)
    cut = _is_unfinished(page, size)
    if len(starts) < 2:
        return Contents(cut=cut)
    ends = [*starts[1:], size]
    links = (Stretch(start, end) for start, end in zip(starts, ends, strict=True))
    return Contents(tuple(Part((link,)) for link in links), cut)


def is_cut(file: BinaryIO) -> bool:
    """Whether the last page of an Ogg file, or of the end of one, is not the last of
    its stream or not whole."""
    last = deque(_pages(file), maxlen=1)
    return _is_unfinished(last[0] if last else None, size_of(file))


def _is_unfinished(last: _Page | None, size: int) -> bool:
    return last is None or last.end > size or not last.ends


def _pages(file: BinaryIO) -> Iterator[_Page]:
    """Every page; what lies between pages is passed over. One that is cut claims bytes
    of the next, which is found all the same."""
    at = unseen = 0
    while True:
        file.seek(at)
        header = file.read(_HEADER)
        if header[:4] != b"OggS":
            found = _next_capture(file, unseen)
            if found is None:
                return
            at = found
            unseen = at + 1
            continue
        if len(header) < _HEADER:
            return
        sizes = file.read(header[26])
        end = at + _HEADER + header[26] + sum(sizes)
        if len(sizes) < header[26]:
            end = at + (1 << 32)  # cut within its header
        yield _Page(at, end, bool(header[5] & _BEGIN), bool(header[5] & _END))
        at, unseen = end, at + 1


def _next_capture(file: BinaryIO, at: int) -> int | None:
    """Offset of the next "OggS" from `at` on."""
    while True:
        file.seek(at)
        block = file.read(_SEARCH)
        found = block.find(b"OggS")
        if found >= 0:
            return at + found
        if len(block) < _SEARCH:
            return None
        at += _SEARCH - 3
