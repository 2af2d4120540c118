"""Where the samples of a file lie, after a chunk of every size."""

from __future__ import annotations

import io
import struct

import pytest
from genre_edge.audio.formats.chunks import sample_data

W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
SAMPLES = b"the samples."


def wav(extra: bytes) -> bytes:
    extra = b"LIST" + struct.pack("<I", len(extra)) + extra + bytes(-len(extra) % 2)
    return b"RIFF\0\0\0\0WAVE" + extra + b"data" + struct.pack("<I", len(SAMPLES)) + SAMPLES


def aiff(extra: bytes) -> bytes:
    extra = b"NAME" + struct.pack(">I", len(extra)) + extra + bytes(-len(extra) % 2)
    return b"FORM\0\0\0\0AIFF" + extra + b"SSND" + struct.pack(">I", len(SAMPLES)) + SAMPLES


def caf(extra: bytes) -> bytes:
    extra = b"info" + struct.pack(">q", len(extra)) + extra  # without a pad byte
    return b"caff\0\1\0\0" + extra + b"data" + struct.pack(">q", len(SAMPLES)) + SAMPLES


def w64(extra: bytes) -> bytes:
    """Sizes count the header of 24 bytes; chunks start at multiples of 8."""
    extra = bytes(16) + struct.pack("<q", 24 + len(extra)) + extra + bytes(-len(extra) % 8)
    data = W64_DATA + struct.pack("<q", 24 + len(SAMPLES)) + SAMPLES
    return W64_RIFF + bytes(24) + extra + data


@pytest.mark.parametrize("size", range(10))
@pytest.mark.parametrize("make", [wav, aiff, caf, w64])
def test_samples_are_found_after_a_chunk_of_any_size(make, size: int) -> None:
    content = make(b"x" * size)
    found = sample_data(io.BytesIO(content))
    assert found is not None, "the chunk before the samples was not skipped"
    assert (found.start, found.size) == (content.index(SAMPLES), len(SAMPLES))
