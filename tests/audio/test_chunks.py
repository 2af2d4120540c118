"""Where the samples of a file lie: after a chunk of every size, and beyond 4 GiB."""

from __future__ import annotations

import io
import struct
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.audio.file_source import FileSource
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


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("suffix", ["wav", "aiff", "au", "caf", "w64"])
def test_more_than_a_header_can_count_is_heard_whole(tmp_path, suffix: str, subtype: str) -> None:
    """As a recorder writes that does not know its length. The file here is sparse."""
    path, stereo = tmp_path / f"long.{suffix}", 2 * int(subtype.removeprefix("PCM_")) // 8
    soundfile.write(path, np.zeros((10, 2)), 192_000, subtype=subtype)
    frames = (5 << 30) // stereo
    start = forget_size(path)
    with path.open("r+b") as file:
        file.truncate(start + frames * stereo)
        for frame in (0, (1 << 30) // stereo + 1, frames - 3):  # the parts' ends lie between
            file.seek(start + frame * stereo)
            file.write(b"\x40" * stereo)
    with closing(FileSource(path)) as source:
        assert source.frames == frames
        begins = [0, (1 << 30) // stereo - 50, frames - 100]
        first, middle, last = source.read_windows(begins, 100)
    assert [len(first), len(middle), len(last)] == [100, 100, 100]
    assert np.flatnonzero(first[:, 0]).tolist() == [0]
    assert np.flatnonzero(middle[:, 1]).tolist() == [51]
    assert np.flatnonzero(last[:, 0]).tolist() == [97]


def forget_size(path: Path) -> int:
    """Overwrite the size of a file's samples with the one that means "unknown"; returns
    the offset of the first sample."""
    with path.open("r+b") as file:
        data = sample_data(file)
        assert data is not None
        file.seek(data.size_at)
        file.write(b"\xff" * struct.calcsize(data.size_format))
    return data.start + (4 if path.suffix == ".caf" else data.before)


def test_a_caf_that_states_no_samples_is_heard_to_its_end(tmp_path) -> None:
    """As a recorder leaves it that died: the size is that of the edit count alone."""
    path = tmp_path / "died.caf"
    soundfile.write(path, np.full((44_100, 1), 0.25), 44_100)
    at = path.read_bytes().index(b"data") + 4
    with path.open("r+b") as file:
        file.seek(at)
        file.write((4).to_bytes(8, "big"))
    with closing(FileSource(path)) as source:
        assert sum(len(block.samples) for block in source.blocks()) == 44_100
        (warning,) = source.warnings
    assert warning.startswith("its header does not say how long it is")
