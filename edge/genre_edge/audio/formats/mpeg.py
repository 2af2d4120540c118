"""MPEG audio (MP3, MP2): every frame is counted, as no other length can be trusted.

Without a header that counts frames, decoders guess the length from the first bit rate.
With one they stop where it ends, though another recording may follow. The counted
number is given to the decoder in a header of the kind that encoders write ("Xing").

Sources: ISO/IEC 11172-3 and 13818-3 for frames; the Xing VBR Header SDK (1998).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from .contents import CODEC_FRAMES, Contents, Part, size_of
from .id3 import id3_size
from .splice import Piece, Stretch

_KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates by MPEG version (2.5 has those of 2) and layer, in the order of their
codes from 1."""
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Sample rates, Hz, by the code of the MPEG version (1, 2 and 2.5)."""
_XING = struct.Struct(">4sII")
"""The beginning of a Xing header: its mark, flags (1: frames stated), frames."""
_MOST_JUNK = 1 << 20
"""How far the next frame is looked for, bytes: past a tag, or past damage."""
_FIRST_SEARCH = 1 << 16
_SURE = 4
"""So many frames in a row are no accident."""
_CONTAINERS = (b"\0\0\1", b"RIFF", b"\x1aE\xdf\xa3", b"0&\xb2u", b"FLV", b".RMF", b"nut/")
"""How files begin that may hold frames of MPEG audio among other things: MPEG program
streams, AVI, Matroska, ASF, FLV, RealMedia, NUT."""
_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
"""What the fifth byte of MP4 and MOV begins."""
_HEAD = 64
"""Bytes of a frame that are looked at: its header, and where a Xing or VBRI header
states a number of frames."""


@dataclass(frozen=True)
class _Kind:
    """What a frame's header says of it."""

    size: int
    """Length of the frame, bytes."""
    samples: int
    """Sample frames that it decodes to."""
    stream: int
    """Equal for frames that one decoder takes in a row: version, layer, rate, mono."""
    tag_at: int
    """Offset of a Xing header in it; 0 where there can be none."""


def _kinds() -> dict[int, _Kind]:
    """Every kind, by the second and third byte of its header, bit 16 set for mono."""
    found = {}
    for second in range(0xE0, 0x100):
        version, layer = (second >> 3) & 3, 4 - ((second >> 1) & 3)
        if version not in _RATES or layer == 4:
            continue
        generation = 1 if version == 3 else 2
        samples = {1: 384, 2: 1152, 3: 1152 if generation == 1 else 576}[layer]
        side = {1: (32, 17), 2: (17, 9)}[generation]
        for third in range(256):
            code, rate, padding = third >> 4, (third >> 2) & 3, (third >> 1) & 1
            if code in (0, 15) or rate == 3:
                continue
            bits, hertz = 1000 * _KBITS[generation, layer][code - 1], _RATES[version][rate]
            slot = 4 if layer == 1 else 1
            size = (samples // 8 * bits // hertz // slot + padding) * slot
            for mono in (0, 1):
                stream = (second & 0xFE) << 8 | third & 0x0C | mono
                tag_at = 4 + side[mono] if layer == 3 else 0
                key = mono << 16 | second << 8 | third
                found[key] = _Kind(size, samples, stream, tag_at)
    return found


_KINDS = _kinds()


@dataclass
class _Run:
    """Frames that one decoder takes in a row."""

    kind: _Kind
    """Of its first frame."""
    head: bytes
    """The beginning of its first frame."""
    stretches: list[Stretch] = field(default_factory=list)
    """Where its frames are; several where something lies between them."""
    frames: int = 0
    """How many frames there are, those that only count others left out."""
    stated: int = 0
    """How many frames the headers in it say there are."""
    tags: int = 0
    """How many headers say so."""


def is_mpeg(file: BinaryIO) -> bool:
    """Whether a file is frames of MPEG audio, tags aside. A container is not, though it
    has such frames: what is between them may divide one."""
    file.seek(0)
    head = file.read(8)
    if head.startswith(_CONTAINERS) or head[4:] in _ATOMS:
        return False
    return _next_frame(file, 0, size_of(file), _FIRST_SEARCH, _SURE) is not None


def contents(file: BinaryIO, start: int = 0, end: int | None = None) -> Contents:
    """The frames between two offsets, as parts that libsndfile hears whole."""
    size = size_of(file)
    runs = _runs(file, start, size if end is None else min(end, size))
    if not runs:
        return Contents()
    cut = any(run.stated > run.frames + 1 for run in runs)
    one = len(runs) == 1 and len(runs[0].stretches) == 1 and start == 0
    if one and runs[0].tags == 1 and runs[0].stated >= runs[0].frames - 1:
        return Contents(cut=cut)  # the decoder's number holds
    return Contents(tuple(_part(run) for run in runs), cut)


def stated_frames(file: BinaryIO) -> int:
    """At least how many sample frames the header at the beginning of a file promises; 0
    if there is none. Encoders count what a decoder leaves out, at both ends."""
    found = _next_frame(file, 0, size_of(file), _FIRST_SEARCH)
    if found is None:
        return 0
    _, kind, head = found
    return max(0, (_stated(kind, head) or 0) * kind.samples - CODEC_FRAMES)


def _part(run: _Run) -> Part:
    pieces: list[Piece] = list(run.stretches)
    if run.kind.tag_at:
        pieces.insert(0, _counting_frames(run))
    return Part(tuple(pieces), run.frames * run.kind.samples)


def _counting_frames(run: _Run) -> bytes:
    """A frame with a Xing header that states how many frames follow."""
    head = bytes((0xFF, run.head[1] | 1, run.head[2] & 0x0C, run.head[3]))  # no checksum
    frames = (bytes((*head[:2], head[2] | code << 4, head[3])) for code in range(1, 15))
    needed = run.kind.tag_at + _XING.size
    frame, size = next(
        (frame.ljust(run.kind.tag_at, b"\0"), kind.size)
        for frame in frames
        if (kind := _kind(frame)) is not None and kind.size >= needed
    )
    # mpg123 drops its delay of 529 samples where there is such a header. In MPEG-2 that
    # is a whole frame: a silent one makes up for it.
    silent = frame.ljust(size, b"\0") if run.kind.samples < 1152 else b""
    count = run.frames + (1 if silent else 0)
    return (frame + _XING.pack(b"Xing", 1, count)).ljust(size, b"\0") + silent


def _runs(file: BinaryIO, at: int, end: int) -> list[_Run]:
    """All frames from offset `at` on."""
    runs: list[_Run] = []
    while (found := _next_frame(file, at, end, _MOST_JUNK)) is not None:
        at, kind, head = found
        if not runs or kind.stream != runs[-1].kind.stream:
            runs.append(_Run(kind, head))
        at = _count(file, at, end, runs[-1])
    return runs


def _count(file: BinaryIO, at: int, end: int, run: _Run) -> int:
    """Add the frames that follow each other from offset `at` on; returns the offset
    after them."""
    begin = at
    while True:
        file.seek(at)
        head = file.read(_HEAD)
        kind = _kind(head)
        if kind is None or kind.stream != run.kind.stream or at + kind.size > end:
            break
        stated = _stated(kind, head)
        at += kind.size
        if stated is not None:
            run.stated += stated
            run.tags += 1
            if begin + kind.size == at:
                begin = at  # it is no audio, and a decoder would stop where it says
                continue
        run.frames += 1
    if at > begin:
        run.stretches.append(Stretch(begin, at))
    return at


def _kind(head: bytes) -> _Kind | None:
    if len(head) < 4 or head[0] != 0xFF:
        return None
    return _KINDS.get((head[3] >= 0xC0) << 16 | head[1] << 8 | head[2])


def _stated(kind: _Kind, head: bytes) -> int | None:
    """The number of frames that a Xing or VBRI header in this frame states; 0 if it
    states none; None if there is no such header."""
    if head[36:40] == b"VBRI" and len(head) >= 54:
        return int.from_bytes(head[50:54], "big")
    at = kind.tag_at
    if not at or head[at : at + 4] not in (b"Xing", b"Info"):
        return None
    flags, frames = struct.unpack(">II", head[at + 4 : at + 12].ljust(8, b"\0"))
    return int(frames) if flags & 1 else 0


def _next_frame(
    file: BinaryIO, at: int, end: int, within: int, in_a_row: int = 2
) -> tuple[int, _Kind, bytes] | None:
    """The next frame that others of its stream follow, or the end: its offset, its
    kind, its beginning. ID3v2 tags are passed over."""
    limit = min(end, at + within)
    while at < limit:
        file.seek(at)
        block = file.read(min(1 << 16, limit - at) + 3)
        skip = id3_size(block[:10])
        if skip:
            at, limit = at + skip, min(end, limit + skip)
            continue
        offset = block.find(b"\xff")
        while 0 <= offset < len(block) - 3:
            kind = _kind(block[offset : offset + 4])
            if kind is not None and _followed(file, at + offset, kind, end, in_a_row - 1):
                file.seek(at + offset)
                return at + offset, kind, file.read(_HEAD)
            offset = block.find(b"\xff", offset + 1)
        if len(block) <= 3:
            return None
        at += len(block) - 3
    return None


def _followed(file: BinaryIO, at: int, kind: _Kind, end: int, count: int) -> bool:
    """Whether so many frames of one stream follow the one at an offset, or the end."""
    following: _Kind | None = kind
    for _ in range(count):
        assert following is not None
        at += following.size
        if at >= end:
            return at == end
        file.seek(at)
        following = _kind(file.read(4))
        if following is None or following.stream != kind.stream:
            return False
    return True
