"""FLAC: how long a stream is when its header does not say, and what follows it.

Source: RFC 9639, sections 8.2 (STREAMINFO) and 9.1 (frame headers).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .contents import Contents, Part, size_of
from .id3 import id3_size
from .splice import Piece, Stretch

_MARK = b"fLaC"
_STREAMINFO = (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22")
"""What follows the mark of a stream: the header of its STREAMINFO (34 bytes); the
second where that is the only metadata."""
_BEGINNING = 42
"""A stream's mark and STREAMINFO, bytes."""
_SEARCH = 1 << 20
_TAIL = 1 << 17
"""Where the last frame is looked for, bytes from the end; encoders' frames are far
shorter."""
_BLOCK_SIZES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608, **{n: 1 << n for n in range(8, 16)}}
"""Samples of a frame, by the code in its header."""


@dataclass(frozen=True)
class _StreamInfo:
    """What STREAMINFO says."""

    block: int
    """The smallest block that is not the last, sample frames."""
    channels: int
    """Number of channels."""
    frames: int
    """Length, sample frames; 0 means unknown."""


def contents(file: BinaryIO, start: int) -> Contents:
    """The streams of a file, the first of them at offset `start`."""
    size = size_of(file)
    starts = list(_streams(file, start))
    ends = [*starts[1:], size]
    parts = tuple(_part(file, *both) for both in zip(starts, ends, strict=True))
    return Contents() if len(parts) == 1 and not parts[0].pieces else Contents(parts)


def _part(file: BinaryIO, start: int, end: int) -> Part:
    file.seek(start + 8)
    body = file.read(34)
    info = _stream_info(body)
    frames = _true_length(file, start, end, info)
    if not frames:
        whole = info.frames and start == 0 and end == size_of(file)
        return Part() if whole else Part((Stretch(start, end),))
    at = start + 8 + 13
    field = bytes((body[13] & 0xF0 | frames >> 32 & 15,)) + (frames & 0xFFFFFFFF).to_bytes(4, "big")
    pieces: tuple[Piece, ...] = (Stretch(start, at), field, Stretch(at + 5, end))
    return Part(pieces, frames)


def stated_frames(head: bytes) -> int:
    """The length that a file beginning with `head` states, sample frames; 0 if it
    states none or is no FLAC."""
    start = id3_size(head)
    beginning = head[start : start + _BEGINNING]
    if len(beginning) < _BEGINNING or not beginning.startswith(_MARK):
        return 0
    return _stream_info(beginning[8:]).frames


def _stream_info(body: bytes) -> _StreamInfo:
    return _StreamInfo(
        int.from_bytes(body[0:2], "big"),
        ((body[12] >> 1) & 7) + 1,
        (body[13] & 15) << 32 | int.from_bytes(body[14:18], "big"),
    )


def _streams(file: BinaryIO, at: int) -> Iterator[int]:
    """Offset of every stream, in order."""
    while True:
        file.seek(at)
        block = file.read(_SEARCH)
        found = block.find(_MARK)
        while 0 <= found <= len(block) - _BEGINNING:
            if block[found + 4 : found + 8] in _STREAMINFO:
                yield at + found
            found = block.find(_MARK, found + 1)
        if len(block) < _SEARCH:
            return
        at += _SEARCH - _BEGINNING + 1


def _true_length(file: BinaryIO, start: int, end: int, info: _StreamInfo) -> int:
    """Where the last frame ends, in sample frames from the stream's start, if that is
    later than STREAMINFO says; 0 if it is not, or if no frame is found.

    What looks like a frame may be none. So a length that contradicts STREAMINFO is that
    of two frames, the second of which begins where the first ends.
    """
    later: dict[int, int] = {}
    for begin, frame_end in _frames_from_the_end(file, start, end, info):
        if not info.frames:
            return frame_end
        if frame_end in later:
            return later[frame_end]
        if frame_end <= info.frames:
            return 0
        later[begin] = frame_end
    return 0


def _frames_from_the_end(
    file: BinaryIO, start: int, end: int, info: _StreamInfo
) -> Iterator[tuple[int, int]]:
    """Where the last frames begin and end, in sample frames, the last of them first."""
    at = max(start, end - _TAIL)
    file.seek(at)
    tail = file.read(end - at)
    found = tail.rfind(b"\xff")
    while found >= 0:
        frame = _frame(tail[found : found + 16], info)
        if frame is not None:
            yield frame
        found = tail.rfind(b"\xff", 0, found)


def _frame(head: bytes, info: _StreamInfo) -> tuple[int, int] | None:
    """Where the frame that begins with `head` begins and ends, in sample frames; None
    if it is no header of a frame."""
    if len(head) < 16 or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return None
    block_code, rate_code, channel_code = head[2] >> 4, head[2] & 15, head[3] >> 4
    channels = 2 if 8 <= channel_code <= 10 else channel_code + 1
    if block_code == 0 or rate_code == 15 or channel_code > 10 or channels != info.channels:
        return None
    number, at = _coded_number(head)
    if at == 0:
        return None
    if block_code in (6, 7):
        length = block_code - 5
        block = int.from_bytes(head[at : at + length], "big") + 1
        at += length
    else:
        block = _BLOCK_SIZES[block_code]
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    begin = number if head[1] & 1 else number * info.block
    return begin, begin + block


def _coded_number(head: bytes) -> tuple[int, int]:
    """The number of a frame (or of its first sample), coded as UTF-8 codes letters, and
    the offset after it; (0, 0) if it is no such number."""
    first = head[4]
    ones = 8 - (first ^ 0xFF).bit_length()
    if ones == 0:
        return first, 5
    if ones in (1, 8):
        return 0, 0
    number = first & (0x7F >> ones)
    for byte in head[5 : 4 + ones]:
        if byte & 0xC0 != 0x80:
            return 0, 0
        number = number << 6 | byte & 0x3F
    return number, 4 + ones


def _crc8(data: bytes) -> int:
    """The checksum of a frame's header, polynomial x^8 + x^2 + x + 1."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc
