"""Every file is heard whole: formats, encoders and defects, against ffmpeg's decoding.

Each row makes a file from `st.wav` (12 s, 44.1 kHz, stereo) with a shell command.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.audio.file_source import FileSource, read_mono
from genre_edge.audio.mono import mixed
from genre_edge.errors import AudioError
from genre_edge.judge.tracks import load_tracks
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(shutil.which(program) for program in ("ffmpeg", "lame", "sox")),
        reason="needs ffmpeg, lame and sox (script/setup)",
    ),
]

RATE = 44_100
FFMPEG = "ffmpeg -v error -y -i st.wav"
LAME = "lame --quiet"
TO_PIPE = "- | cat >"

TABLE = {
    # MP3: without a header, with one, with one that counts something else
    "vbr-pipe.mp3": f"{FFMPEG} -q:a 2 -f mp3 {TO_PIPE} $0",
    "vbr-pipe-low.mp3": f"{FFMPEG} -q:a 9 -f mp3 {TO_PIPE} $0",
    "vbr-mpeg2-pipe.mp3": f"{FFMPEG} -ar 22050 -ac 1 -q:a 5 -f mp3 {TO_PIPE} $0",
    "vbr-16k-pipe.mp3": f"{FFMPEG} -ar 16000 -q:a 5 -f mp3 {TO_PIPE} $0",
    "vbr-8k-pipe.mp3": f"{FFMPEG} -ar 8000 -ac 1 -q:a 5 -f mp3 {TO_PIPE} $0",
    "vbr-48k-pipe.mp3": f"{FFMPEG} -ar 48000 -q:a 0 -f mp3 {TO_PIPE} $0",
    "vbr.mp3": f"{FFMPEG} -q:a 2 $0",
    "cbr-pipe.mp3": f"{FFMPEG} -b:a 128k -f mp3 {TO_PIPE} $0",
    "cbr-mpeg2-pipe.mp3": f"{FFMPEG} -ar 24000 -ac 1 -b:a 48k -f mp3 {TO_PIPE} $0",
    "cbr.mp3": f"{FFMPEG} -b:a 320k $0",
    "lame-vbr.mp3": f"{LAME} -V2 st.wav $0",
    "lame-vbr-no-tag.mp3": f"{LAME} -V2 -t st.wav $0",
    "lame-pipe.mp3": f"{LAME} -V4 - {TO_PIPE} $0 < st.wav",
    "lame-mono.mp3": f"{LAME} -m m -b 64 st.wav $0",
    "lame-id3.mp3": f"{LAME} --ta A --tt T --add-id3v2 -t -V2 st.wav $0",
    "junk-before.mp3": f"{FFMPEG} -q:a 2 -f mp3 - | (head -c 5000 /dev/zero; cat) > $0",
    "junk-between.mp3": f"{LAME} -V2 st.wav x; (cat x; head -c 5000 /dev/zero; cat x) > $0",
    "concatenated-xing.mp3": f"{LAME} -V2 st.wav x; cat x x > $0",
    "concatenated-cbr.mp3": f"{FFMPEG} -b:a 128k -f mp3 x; cat x x > $0",
    "concatenated-id3.mp3": f"{LAME} --tt T --add-id3v2 -V2 st.wav x; cat x x > $0",
    "two-channels-then-one.mp3": f"{LAME} -V2 st.wav x; {LAME} -m m st.wav y; cat x y > $0",
    "two-rates.mp3": f"{LAME} -V2 st.wav x; {LAME} --resample 22.05 st.wav y; cat x y > $0",
    "mp2.mp2": f"{FFMPEG} -c:a mp2 -b:a 192k $0",
    "mp2-mpeg2.mp2": f"{FFMPEG} -ar 22050 -c:a mp2 -b:a 96k $0",
    "mp3-in.wav": f"{FFMPEG} -c:a libmp3lame -b:a 128k $0",
    "mp3-vbr-in-pipe.wav": f"{FFMPEG} -c:a libmp3lame -q:a 2 -f wav {TO_PIPE} $0",
    # FLAC and Ogg: unknown lengths, chains
    "known.flac": f"{FFMPEG} $0",
    "pipe.flac": f"{FFMPEG} -f flac {TO_PIPE} $0",
    "pipe-24-bit-mono.flac": f"{FFMPEG} -ac 1 -ar 48000 -sample_fmt s32 -f flac {TO_PIPE} $0",
    "vorbis.ogg": f"{FFMPEG} -c:a libvorbis $0",
    "vorbis-sox.ogg": "sox st.wav -C 3 $0 || ffmpeg -v error -y -i st.wav $0",
    "chained.ogg": f"{FFMPEG} -c:a libvorbis x.ogg; cat x.ogg x.ogg > $0",
    "chained-rates.ogg": f"{FFMPEG} -ar 22050 x.ogg; {FFMPEG} y.ogg; cat x.ogg y.ogg > $0",
    "chained-channels.ogg": f"{FFMPEG} -ac 1 x.ogg; {FFMPEG} y.ogg; cat x.ogg y.ogg > $0",
    "cut-then-whole.ogg": f"{FFMPEG} x.ogg; (head -c 60000 x.ogg; cat x.ogg) > $0",
    "opus.opus": f"{FFMPEG} -c:a libopus $0",
    "chained.opus": f"{FFMPEG} -c:a libopus x.opus; cat x.opus x.opus > $0",
    "flac-in.ogg": f"{FFMPEG} -c:a flac $0",
    # WAV and its like, from pipes
    "pipe.wav": f"{FFMPEG} -f wav {TO_PIPE} $0",
    "sox-pipe.wav": f"cat st.wav | sox -t wav - -t wav {TO_PIPE} $0",
    "mulaw-pipe.wav": f"{FFMPEG} -c:a pcm_mulaw -f wav {TO_PIPE} $0",
    "adpcm-pipe.wav": f"{FFMPEG} -c:a adpcm_ms -f wav {TO_PIPE} $0",
    "float-8k.wav": f"{FFMPEG} -ar 8000 -c:a pcm_f32le $0",
    "six-channels.wav": f"{FFMPEG} -ac 6 $0",
    "rf64.wav": f"{FFMPEG} -rf64 always $0",
    "pipe.au": f"{FFMPEG} -f au {TO_PIPE} $0",
    "pipe.caf": f"{FFMPEG} -f caf {TO_PIPE} $0",
    "sox-pipe.aiff": f"sox st.wav -t aiff {TO_PIPE} $0 2>/dev/null",
    "wave64.w64": f"{FFMPEG} $0",
    # what only ffmpeg decodes
    "aac.m4a": f"{FFMPEG} $0",
    "alac.m4a": f"{FFMPEG} -c:a alac $0",
    "aac.aac": f"{FFMPEG} -f adts {TO_PIPE} $0",
    "aac-named.mp3": f"{FFMPEG} -f adts {TO_PIPE} $0",
    "mp4-named.mp3": f"{FFMPEG} -f mp4 $0",
    "dts-named.mp3": f"{FFMPEG} -c:a dca -strict -2 -f dts {TO_PIPE} $0",
    "opus.webm": f"{FFMPEG} $0",
    "live.webm": f"{FFMPEG} -f webm {TO_PIPE} $0",
    "wma.wma": f"{FFMPEG} $0",
    "ac3.ac3": f"{FFMPEG} $0",
    "video.mp4": f"{FFMPEG} -f lavfi -i color=s=32x32:r=5 -shortest -c:a aac $0",
    "video.mpg": f"{FFMPEG} -f lavfi -i color=s=320x240:r=25 -shortest -c:a mp2 $0",
    "video-mp3.mp4": f"{FFMPEG} -f lavfi -i testsrc=r=25 -shortest -c:v mpeg4 -c:a mp3 $0",
    "aac.latm": f"{FFMPEG} -c:a aac $0",
    "video.mkv": f"{FFMPEG} -f lavfi -i color=s=32x32:r=5 -shortest -c:a libmp3lame $0",
}

ODD_SIZES = (0, 0x7FFFF000, 0x80000000, 0x7FFF0000, 0x7FFFFF00, 0xFFFFFFFF, 0xFFFFFFDB, 0x80000024)

CUT = {
    "cut.wav": f"{FFMPEG} x.wav; head -c 900000 x.wav > $0",
    "cut.aiff": f"{FFMPEG} x.aiff; head -c 900000 x.aiff > $0",
    "cut.caf": f"{FFMPEG} x.caf; head -c 900000 x.caf > $0",
    "cut.w64": f"{FFMPEG} x.w64; head -c 900000 x.w64 > $0",
    "cut.au": f"{FFMPEG} x.au; head -c 900000 x.au > $0",
    "cut.flac": f"{FFMPEG} x.flac; head -c 300000 x.flac > $0",
    "cut-pipe.flac": f"{FFMPEG} -f flac - | head -c 300000 > $0",
    "cut.ogg": f"{FFMPEG} x.ogg; head -c 60000 x.ogg > $0",
    "chained-cut.ogg": f"{FFMPEG} x.ogg; (cat x.ogg; head -c 60000 x.ogg) > $0",
    "cut-xing.mp3": f"{LAME} -V2 st.wav x; head -c 100000 x > $0",
    "concatenated-cut.mp3": f"{LAME} -V2 st.wav x; (cat x; head -c 100000 x) > $0",
    "cut.m4a": f"{FFMPEG} -movflags +faststart x.m4a; head -c 100000 x.m4a > $0",
    "cut-no-index.m4a": f"{FFMPEG} x.m4a; head -c 100000 x.m4a > $0",
}


@pytest.fixture(scope="module")
def folder(demo_clip, tmp_path_factory) -> Path:
    """A folder with st.wav in it."""
    path = tmp_path_factory.mktemp("formats")
    make = ["ffmpeg", "-v", "error", "-i", str(demo_clip), "-ac", "2", "-ar", "44100"]
    subprocess.run([*make, str(path / "st.wav")], check=True)
    return path


def made(folder: Path, name: str, recipe: str) -> Path:
    path = folder / name
    subprocess.run(["sh", "-c", recipe, str(path)], cwd=folder, check=True, timeout=60)
    return path


def by_ffmpeg(path: Path) -> np.ndarray:
    """What ffmpeg decodes, float32 [n] at RATE."""
    command = ["ffmpeg", "-nostdin", "-v", "quiet", "-i", str(path), "-map", "0:a:0"]
    command += ["-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    out = subprocess.run(command, capture_output=True, timeout=60).stdout
    return np.frombuffer(out, "<f4")


def loudness(samples: np.ndarray) -> np.ndarray:
    """Root-mean-square level of each tenth of a second."""
    tenths = samples[: len(samples) // 4410 * 4410].reshape(-1, 4410)
    return np.sqrt((tenths**2).mean(axis=1))


@pytest.mark.parametrize("name", TABLE)
def test_a_file_is_heard_as_ffmpeg_hears_it(folder, name: str) -> None:
    path = made(folder, name, TABLE[name])
    ours, theirs = read_mono(path, RATE), by_ffmpeg(path)
    assert len(ours) / RATE == pytest.approx(len(theirs) / RATE, abs=0.05)
    half = min(len(ours), len(theirs)) // 2
    for part in (slice(0, half), slice(half, 2 * half)):  # ffmpeg may scale links differently
        assert np.corrcoef(loudness(ours[part]), loudness(theirs[part]))[0, 1] > 0.85


@pytest.mark.parametrize("name", CUT)
def test_a_file_that_is_cut_by_its_own_word_is_an_error(folder, name: str) -> None:
    path = made(folder, name, CUT[name])
    with pytest.raises(AudioError, match=r"truncated|moov atom not found") as error:
        read_mono(path, RATE)
    assert "\n" not in str(error.value)


def test_an_ogg_that_counts_a_little_further_than_it_decodes_is_whole(folder) -> None:
    """As ffmpeg writes some. libsndfile states the count, and gives fewer."""
    path = made(folder, "counts-further.ogg", f"{FFMPEG} -c:a libvorbis $0")
    page = bytearray(path.read_bytes())
    last = page.rfind(b"OggS")
    counted = int.from_bytes(page[last + 6 : last + 14], "little")
    page[last + 6 : last + 14] = (counted + 1500).to_bytes(8, "little")
    page[last + 22 : last + 26] = bytes(4)
    page[last + 22 : last + 26] = ogg_crc(page[last:]).to_bytes(4, "little")
    path.write_bytes(page)
    assert soundfile.info(path).frames == counted + 1500
    assert len(read_mono(path, RATE)) / RATE == pytest.approx(counted / RATE, abs=0.05)


def ogg_crc(page: bytes) -> int:
    """The checksum of a page (RFC 3533, section 6)."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    return value


@pytest.mark.parametrize("size", ODD_SIZES)
def test_a_wav_that_does_not_know_its_length_is_heard_to_its_end(folder, size: int) -> None:
    path = folder / "unknown.wav"
    path.write_bytes(with_data_size((folder / "st.wav").read_bytes(), size))
    seconds, warnings = heard(path)
    assert seconds == 12.0
    assert warnings == ["its header does not say how long it is: heard all that is there, 12.0 s"]


def test_an_rf64_that_does_not_know_its_length_is_heard_to_its_end(folder) -> None:
    path = made(folder, "rf64-pipe.wav", f"{FFMPEG} -rf64 always -f wav {TO_PIPE} $0")
    seconds, warnings = heard(path)  # ffmpeg itself hears nothing
    assert seconds == 12.0
    assert warnings == ["its header does not say how long it is: heard all that is there, 12.0 s"]


@pytest.mark.parametrize("surplus", [1, 8, 36, 44])
def test_a_header_that_claims_a_few_bytes_too_many_is_forgiven(folder, surplus: int) -> None:
    content = (folder / "st.wav").read_bytes()
    path = folder / "surplus.wav"
    size = len(content) - content.index(b"data") - 8 + surplus
    path.write_bytes(with_data_size(content, size))
    seconds, warnings = heard(path)
    assert seconds == 12.0
    (warning,) = warnings
    assert f"claims {surplus} bytes more than there are" in warning


def heard(path: Path) -> tuple[float, list[str]]:
    """Seconds, and what the program says of the file."""
    with closing(FileSource(path)) as source:
        frames = sum(len(block.samples) for block in source.blocks())
        return frames / source.sample_rate, source.warnings


def with_data_size(content: bytes, size: int) -> bytes:
    at = content.index(b"data") + 4
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


def test_mp3_in_a_wav_ends_where_its_chunk_ends(folder) -> None:
    path = made(folder, "mp3.wav", f"{FFMPEG} -c:a libmp3lame $0")
    content = path.read_bytes()
    path.write_bytes(with_data_size(content, len(content) // 2))
    seconds, _ = heard(path)
    assert seconds == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("options", ["-b:a 128k", "-q:a 2"])
def test_mp3_in_a_wav_of_unknown_length_is_heard_with_a_warning(folder, options: str) -> None:
    path = made(folder, "mp3-pipe.wav", f"{FFMPEG} -c:a libmp3lame {options} -f wav {TO_PIPE} $0")
    seconds, warnings = heard(path)
    assert seconds == pytest.approx(12.0, abs=0.05)
    (warning,) = warnings
    assert warning.startswith("its header does not say how long it is")


@pytest.mark.parametrize(
    "name",
    ["two-channels-then-one.mp3", "chained-channels.ogg", "concatenated-xing.mp3", "chained.ogg"],
)
def test_windows_of_a_joined_file_are_those_of_the_whole(folder, name: str) -> None:
    path = made(folder, name, TABLE[name])
    whole = read_mono(path, RATE)
    starts = [round(second * RATE) for second in (5.0, 11.0, 20.0)]
    with closing(FileSource(path)) as source:
        for start, window in zip(starts, source.read_windows(starts, 2 * RATE), strict=True):
            expected = whole[start : start + 2 * RATE]
            assert np.corrcoef(mixed(window, RATE), expected)[0, 1] > 0.99
    with closing(FileSource(path)) as source:
        list(source.read_windows([len(whole) - 3 * RATE], 2 * RATE))  # looks at the end too


# Not WMA: ffmpeg decodes it without its first 46 ms, so that its windows are others.
LOSSY = {
    "vbr-pipe.mp3": f"-q:a 2 -f mp3 {TO_PIPE}",
    "cbr.mp3": "-b:a 128k",
    "mp2.mp2": "-b:a 192k",
    "vorbis.ogg": "-c:a libvorbis -q:a 5",
    "opus.opus": "-c:a libopus -b:a 128k",
    "aac.m4a": "",
    "opus.webm": "-b:a 128k",
    "ac3.ac3": "",
    "pipe.flac": f"-f flac {TO_PIPE}",
}


@pytest.fixture(scope="module")
def music(gtzan, tmp_path_factory) -> Path:
    """Ten seconds of each of twenty tracks, as a WAV of 44.1 kHz, stereo."""
    tracks = [track for track in load_tracks(gtzan) if track.split == "valid"][::3][:20]
    folder = tmp_path_factory.mktemp("music")
    pieces = [read_mono(track.path, RATE)[: 10 * RATE] for track in tracks]
    samples = np.concatenate(pieces)
    soundfile.write(folder / "music.wav", np.stack([samples, samples], axis=1), RATE)
    return folder / "music.wav"


def labels(engine: Engine, path: Path) -> list[str]:
    with closing(FileSource(path)) as source:
        return [record.label for record in engine.classify(source)][:-1]


@pytest.mark.slow
def test_the_labels_of_every_format_are_those_of_the_wav(music) -> None:
    engine = Engine(EngineConfig(hop_seconds=1.0))
    expected = labels(engine, music)
    for name, options in LOSSY.items():
        path = made(music.parent, name, f"ffmpeg -v error -y -i music.wav {options} $0")
        pairs = list(zip(labels(engine, path), expected, strict=False))
        assert len(pairs) >= len(expected) - 1
        agreeing = sum(label == other for label, other in pairs) / len(pairs)
        assert agreeing >= 0.95, name
