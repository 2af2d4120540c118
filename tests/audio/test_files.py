"""Files: every format, any channels and rate, and one clear error for each way to be
broken."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
import soundfile
from genre_edge.audio.file_source import FileSource, read_mono
from genre_edge.errors import AudioError

from tests.conftest import noise, with_chunk

FORMATS = [
    ("a.wav", {}),
    ("a.flac", {}),
    ("a.ogg", {}),
    ("a.mp3", {}),
    ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
    ("a.aiff", {}),
]


@pytest.mark.parametrize(("name", "options"), FORMATS)
def test_every_format_is_read_whole(write_audio, name: str, options: dict) -> None:
    path = write_audio(name, noise(2.0, 24000), 24000, **options)
    assert len(read_mono(path, 24000)) == pytest.approx(48000, abs=1200)


@pytest.mark.parametrize(("name", "options"), FORMATS[:5])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_file_is_an_error(write_audio, name: str, options: dict, share: float) -> None:
    path = write_audio(name, noise(6.0, 24000), 24000, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(AudioError, match=r"truncated") as error:
        read_mono(path, 22050)
    assert error.value.name == str(path)


def test_an_ogg_that_ends_between_two_pages_is_an_error(write_audio) -> None:
    path = write_audio("a.ogg", noise(6.0, 24000), 24000)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"OggS")])
    with pytest.raises(AudioError, match="truncated"):
        read_mono(path, 22050)


def test_a_wav_that_was_written_to_a_pipe_is_read_whole(write_audio) -> None:
    path = write_audio("a.wav", noise(2.0))
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"  # the program could not know the size
    path.write_bytes(content)
    assert len(read_mono(path, 22050)) == 44100


def test_a_wav_cut_short_after_an_odd_sized_chunk_is_an_error(write_audio) -> None:
    path = write_audio("a.wav", noise(2.0))
    content = with_chunk(path.read_bytes(), b"LIST", b"odd")
    path.write_bytes(content)
    assert len(read_mono(path, 22050)) == 44100
    path.write_bytes(content[:-1000])
    with pytest.raises(AudioError, match="truncated"):
        read_mono(path, 22050)


def test_channels_are_averaged(write_audio) -> None:
    left, right = noise(1.0, seed=1), noise(1.0, seed=2)
    path = write_audio("a.wav", np.stack([left, right, left, right], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(read_mono(path, 22050), (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 96000, 192000])
def test_any_rate_ends_at_the_models(write_audio, rate: int) -> None:
    seconds = np.arange(rate * 2) / rate
    tone = (0.5 * np.sin(2 * np.pi * 1000 * seconds)).astype(np.float32)
    heard = read_mono(write_audio("a.wav", tone, rate), 22050)
    assert len(heard) == 44100
    spectrum = np.abs(np.fft.rfft(heard[4096 : 4096 + 22050]))
    assert spectrum.argmax() == 1000


def test_blocks_tell_their_position(write_audio) -> None:
    source = FileSource(write_audio("a.wav", noise(8.0), 22050))
    at = 0
    for block in source.blocks():
        assert block.position == at
        at += len(block.samples)
    assert at == 8 * 22050


def zero_channels(path) -> None:
    content = bytearray(path.read_bytes())
    content[22] = 0
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_text("not audio at all\n" * 100), "cannot be decoded"),
        (lambda path: path.unlink(), "no such file"),
        (zero_channels, "[Cc]hannel count"),
    ],
)
def test_what_is_not_audio_is_named(write_audio, harm, reason: str) -> None:
    path = write_audio("a.wav", noise(1.0))
    harm(path)
    with pytest.raises(AudioError, match=reason) as error:
        read_mono(path, 22050)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_found(write_audio, bad: float) -> None:
    samples = noise(4.0)
    samples[66150] = bad
    path = write_audio("a.wav", samples, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"NaN or infinite samples, the first at 3\.000 s"):
        read_mono(path, 22050)


def test_samples_that_are_no_audio_are_found(write_audio) -> None:
    samples = noise(4.0)
    samples[66150] = 3e38
    path = write_audio("a.wav", samples, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"samples above 1e\+12, the first at 3\.000 s"):
        read_mono(path, 22050)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(write_audio) -> None:
    path = write_audio("a.wav", noise(1.0))
    path.chmod(0)
    with pytest.raises(AudioError, match="permission denied"):
        FileSource(path)


def test_rates_nobody_records_at_are_refused(write_audio) -> None:
    for rate in (4000, 384_000):
        with pytest.raises(AudioError, match=f"{rate} Hz is outside 8000 to 192000 Hz"):
            FileSource(write_audio("a.wav", noise(1.0), rate))


def test_the_decoders_chatter_stays_off_standard_error(write_audio, capfd) -> None:
    path = write_audio("a.mp3", noise(3.0, 44100), 44100)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError):
        read_mono(path, 22050)
    assert capfd.readouterr().err == ""
    assert soundfile.__libsndfile_version__


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_text_that_is_named_like_audio_is_called_no_audio(tmp_path) -> None:
    (tmp_path / "x.flac").write_text("just some text\n")
    with pytest.raises(AudioError, match=r"x\.flac: is not audio"):
        FileSource(tmp_path / "x.flac")
