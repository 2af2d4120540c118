"""WAV from a pipe equals the same file decoded by libsndfile."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from genre_edge.audio.wav_stream import WavStreamSource
from genre_edge.errors import AudioError

from tests.conftest import noise, with_chunk


class Pipe(io.RawIOBase):
    """A stream that cannot seek and delivers a few bytes at a time."""

    def __init__(self, content: bytes, at_most: int = 777) -> None:
        self._content, self._at_most = io.BytesIO(content), at_most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, self._at_most))


def wav(samples: np.ndarray, rate: int = 16000, subtype: str = "PCM_16") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV", subtype=subtype)
    return out.getvalue()


def heard(content: bytes) -> np.ndarray:
    source = WavStreamSource(Pipe(content))
    return np.concatenate([block.samples for block in source.blocks()])


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_equals_libsndfile(subtype: str, channels: int) -> None:
    content = wav(noise(5.0, 16000, channels), subtype=subtype)
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    np.testing.assert_array_equal(heard(content), expected)


def test_an_odd_sized_chunk_is_skipped_with_its_pad_byte() -> None:
    samples = noise(1.0, 16000)
    content = with_chunk(wav(samples), b"LIST", b"odd")
    np.testing.assert_array_equal(heard(content), heard(wav(samples)))


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_header_without_a_size_is_read_to_the_end(size: int) -> None:
    content = bytearray(wav(noise(1.0, 16000)))
    at = content.index(b"data")
    content[at + 4 : at + 8] = struct.pack("<I", size)
    assert len(heard(bytes(content))) == 16000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: b"", "is empty"),
        (lambda c: b"ID3" + c, "is not a WAV"),
        (lambda c: c[:30], "truncated"),
        (lambda c: c[:-101], "truncated"),
        (lambda c: c[:20] + struct.pack("<H", 85) + c[22:], "coding 85"),
        (lambda c: c[:22] + struct.pack("<H", 0) + c[24:], "no channels"),
    ],
)
def test_broken_streams_are_named(change, reason: str) -> None:
    with pytest.raises(AudioError, match=reason):
        heard(change(wav(noise(1.0, 16000))))
