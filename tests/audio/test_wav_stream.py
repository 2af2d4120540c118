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


def wav(
    samples: np.ndarray, rate: int = 16000, subtype: str = "PCM_16", format: str = "WAV"
) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=format, subtype=subtype)
    return out.getvalue()


def heard(content: bytes) -> np.ndarray:
    source = WavStreamSource(Pipe(content))
    return np.concatenate([block.samples for block in source.blocks()])


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("format", ["WAV", "WAVEX"])
def test_equals_libsndfile(subtype: str, channels: int, format: str) -> None:
    content = wav(noise(5.0, 16000, channels), subtype=subtype, format=format)
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    np.testing.assert_array_equal(heard(content), expected)


@pytest.mark.parametrize(("bits", "subtype"), [(20, "PCM_24"), (12, "PCM_16"), (18, "PCM_24")])
@pytest.mark.parametrize("format", ["WAV", "WAVEX"])
def test_samples_of_odd_widths_are_read_as_wide_as_they_are_stored(
    bits: int, subtype: str, format: str
) -> None:
    content = wav(noise(1.0, 16000, 2), subtype=subtype, format=format)
    content = content[:34] + struct.pack("<H", bits) + content[36:]
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    np.testing.assert_array_equal(heard(content), expected)


def test_samples_that_are_no_numbers_are_found() -> None:
    samples = noise(3.0, 16000)
    samples[32_000] = np.nan
    with pytest.raises(AudioError, match=r"NaN or infinite samples, the first at 2\.000 s"):
        heard(wav(samples, subtype="FLOAT"))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 63, 64, 65, 200_001])
def test_a_chunk_of_any_size_is_skipped_an_odd_one_with_its_pad_byte(size: int) -> None:
    samples = noise(1.0, 16000)
    content = with_chunk(wav(samples), b"LIST", b"x" * size)
    np.testing.assert_array_equal(heard(content), heard(wav(samples)))


@pytest.mark.parametrize(
    "size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0x7FFFFF00, 0xFFFFFFDB]
)
def test_a_header_without_a_size_is_read_to_the_end(size: int) -> None:
    source = WavStreamSource(Pipe(with_size(wav(noise(1.0, 16000)), size)))
    assert sum(len(block.samples) for block in source.blocks()) == 16000
    (warning,) = source.warnings
    assert "does not say how long it is" in warning


@pytest.mark.parametrize("surplus", [1, 8, 36, 44])
def test_a_few_bytes_too_many_in_the_header_are_forgiven(surplus: int) -> None:
    source = WavStreamSource(Pipe(with_size(wav(noise(1.0, 16000)), 32000 + surplus)))
    assert sum(len(block.samples) for block in source.blocks()) == 16000
    (warning,) = source.warnings
    assert f"claims {surplus} bytes more" in warning


def with_size(content: bytes, size: int) -> bytes:
    at = content.index(b"data") + 4
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


def test_the_chunk_ds64_of_an_rf64_knows_the_size() -> None:
    content = wav(noise(1.0, 16000))
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 0, 32000, 16000, 0)
    long = b"RF64\xff\xff\xff\xff" + content[8:12] + ds64 + content[12:]
    assert len(heard(with_size(long, 0xFFFFFFFF) + b"LIST\0\0\0\0")) == 16000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: b"", "is empty"),
        (lambda c: b"ID3" + c, "is not a WAV"),
        (lambda c: c[:30], "truncated"),
        (lambda c: c[:-101], "truncated"),
        (lambda c: c[:-1000], r"truncated: it ends after 1\.0 s"),  # between two samples
        (lambda c: c[:20] + struct.pack("<H", 85) + c[22:], "coding 85"),
        (lambda c: c[:22] + struct.pack("<H", 0) + c[24:], "no channels"),
    ],
)
def test_broken_streams_are_named(change, reason: str) -> None:
    with pytest.raises(AudioError, match=reason):
        heard(change(wav(noise(1.0, 16000))))
