"""Where the samples of WAV, AIFF, CAF, W64 and AU files lie, and whether all are there.

Sources of the layouts: Microsoft, "Multiple Channel Audio Data and WAVE Files" (2007);
EBU Tech 3306 for RF64; Apple, "Audio Interchange File Format" (1989) and "Apple Core
Audio Format Specification" (2006); Sony, "Wave64" (2004); Sun's audio(4) for AU.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from .contents import UNKNOWN_LENGTH, Contents, Part, overclaimed, size_of
from .splice import Stretch

SLACK_BYTES = 44
"""A header that claims up to this many bytes too many counted itself, padding or the
chunks before the samples: nothing is missing. 44 is the size of a plain WAV header."""

_KNOWN = (0x7F000000, 0x80000000, 0xFFFFFFFF)
_NEIGHBOURHOOD = 1 << 16
_MPEG_TAGS = (0x50, 0x55)
"""WAV format tags of MPEG audio: layers I and II, layer III."""
_LARGEST_PART = 1 << 30
"""What is decoded as a file of its own where a header cannot state the length of all,
bytes: 32 bits count 4 GiB."""
_WHOLE = 408
"""A multiple of the size of every sample (1, 2, 3, 4 or 8 bytes), and of IMA4's packets
(34 bytes)."""
_W64_HEAD = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


def is_unknown(size: int) -> bool:
    """Whether a 32-bit size is one that programs write when they cannot know it.

    Those are 0 and whatever is within 64 KiB of the sizes that programs write: sox
    0x7ffff000 (0x7f000000 for AIFF), arecord 0x80000000, ffmpeg 0xffffffff, others that
    less the header.
    """
    return size == 0 or any(abs(size - known) <= _NEIGHBOURHOOD for known in _KNOWN)


@dataclass(frozen=True)
class SampleData:
    """The part of a file that holds its samples."""

    start: int
    """Offset of its first byte."""
    size: int | None
    """Its size as the header states it, bytes; None if the header does not know."""
    size_at: int
    """Offset of the size in the header."""
    size_format: str
    """How the size is written, for struct."""
    block: int = 1
    """Samples can be divided at multiples of this, bytes."""
    before: int = 0
    """Bytes of the data before the first sample."""
    own: int = 0
    """Bytes of the header that the size counts."""
    mpeg: bool = False
    """Whether the samples are a stream of MPEG audio."""


@dataclass(frozen=True)
class _Layout:
    """How a format writes its chunks."""

    header: str
    """Name and size of a chunk, for struct."""
    align: int = 1
    """Chunks start at multiples of this, bytes."""
    own: int = 0
    """Bytes of the header that the size counts."""
    before: int = 0
    """Bytes of the data before the first sample."""


_RIFF = _Layout("<4sI", align=2)
_AIFF = _Layout(">4sI", align=2)
_CAF = _Layout(">4sq", before=4)
_W64 = _Layout("<16sq", align=8, own=24)


def sample_data(file: BinaryIO) -> SampleData | None:
    """Find the samples of a file; None if it has none of these formats, or ends before
    its samples."""
    file.seek(0)
    head = file.read(16)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _wav(file)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _aiff(file)
    if head[:4] == b"caff":
        return _long(file, _CAF, 8, b"data")
    if head == _W64_HEAD:
        return _long(file, _W64, 40, _W64_DATA)
    if head[:4] == b".snd":
        return _au(head + file.read(8))
    return None


def contents(file: BinaryIO, data: SampleData) -> Contents:
    """Judge whether all samples are there, and mend a size of which libsndfile would
    take nothing."""
    return judged(data, size_of(file) - data.start)


def judged(data: SampleData, there: int) -> Contents:
    """As `contents`, of a file that has `there` bytes from its samples on."""
    if there <= data.before:
        return Contents()
    if data.size is None:
        return Contents(tuple(_with_sizes(data, there)), warning=UNKNOWN_LENGTH)
    missing = data.size - there
    if missing <= 0:
        return Contents()
    if missing <= SLACK_BYTES:
        return Contents(warning=overclaimed(missing))
    return Contents(cut=True)


def _with_sizes(data: SampleData, there: int) -> Iterator[Part]:
    """The file with a size in the place of one that is none. It becomes several files
    where there is more than the header can state."""
    first, end = data.start + data.before, data.start + there
    is_long = data.size_format.endswith("q")
    step = there if is_long else max(1, _LARGEST_PART // data.block) * data.block
    for at in range(first, end, step):
        samples = Stretch(at, min(at + step, end))
        size = data.own + data.before + samples.end - samples.start
        field = struct.pack(data.size_format, size)
        head = (Stretch(0, data.size_at), field, Stretch(data.size_at + len(field), first))
        yield Part((*head, samples))


def _wav(file: BinaryIO) -> SampleData | None:
    mpeg, block, long_size, long_at = False, 1, None, 0
    for kind, start, size, size_at in _chunks(file, _RIFF, 12):
        if kind == b"fmt ":
            tag, block = struct.unpack("<H10xH", file.read(14).ljust(14, b"\0"))
            mpeg = tag in _MPEG_TAGS
        elif kind == b"ds64":
            long_size, long_at = ds64_data_size(file.read(16)), start + 8
        elif kind == b"data":
            known = long_size or (None if is_unknown(size) else size)
            field = (long_at, "<q") if long_at else (size_at, "<I")
            return SampleData(start, known, *field, max(1, block), mpeg=mpeg)
    return None


def ds64_data_size(body: bytes) -> int | None:
    """Size of the samples as an RF64's chunk ds64 states it, bytes; None if it does
    not."""
    if len(body) < 16:
        return None
    (size,) = struct.unpack("<q", body[8:16])
    return size if 0 < size < 1 << 62 else None


def _aiff(file: BinaryIO) -> SampleData | None:
    channels = 1
    for kind, start, size, size_at in _chunks(file, _AIFF, 12):
        if kind == b"COMM":
            channels = max(1, int.from_bytes(file.read(2), "big"))
        elif kind == b"SSND":
            known = None if is_unknown(size) else size
            return SampleData(start, known, size_at, ">I", _WHOLE * channels, before=8)
    return None


def _au(head: bytes) -> SampleData | None:
    if len(head) < 24:
        return None
    start, size, channels = struct.unpack(">4xII8xI", head)
    if start < len(head):
        return None
    known, block = None if is_unknown(size) else size, _WHOLE * min(max(1, channels), 1024)
    return SampleData(start, known, 8, ">I", block)


def _long(file: BinaryIO, layout: _Layout, first: int, name: bytes) -> SampleData | None:
    """The samples of a format whose sizes have 64 bits."""
    for kind, start, size, size_at in _chunks(file, layout, first):
        if kind == name:
            known = size if layout.before < size < 1 << 62 else None
            size_format = layout.header[0] + layout.header[-1]
            found = SampleData(start, known, size_at, size_format, own=layout.own)
            return replace(found, before=layout.before)
    return None


def _chunks(file: BinaryIO, layout: _Layout, at: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Each chunk from offset `at` on: its name, offset and size, and where the size is
    written. The file is at the chunk's first byte."""
    length = struct.calcsize(layout.header)
    while True:
        file.seek(at)
        header = file.read(length)
        if len(header) < length:
            return
        kind, size = struct.unpack(layout.header, header)
        size -= layout.own
        yield kind, at + length, size, at + len(kind)
        if size < 0:
            return
        at += length + size + -size % layout.align
