"""ffmpeg as a subprocess: what it decodes, and the limits that it is held to."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.audio import ffmpeg
from genre_edge.audio.ffmpeg import file_input
from genre_edge.audio.ffmpeg_process import FfmpegProcess
from genre_edge.audio.ffmpeg_source import FfmpegSource
from genre_edge.errors import AudioError

from tests.helpers.waiting import wait_for

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="needs ffmpeg (sudo apt install ffmpeg)"
)


def encode(clip: Path, path: Path, *options: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(clip), *options, str(path)]
    subprocess.run(command, check=True)
    return path


def heard(path: Path) -> np.ndarray:
    with closing(FfmpegSource(path)) as source:
        return np.concatenate([block.samples for block in source.blocks()])


@pytest.mark.parametrize("name", ["a.m4a", "a.webm", "a.wma", "a.aac", "a.flac", "a.mkv"])
def test_a_file_is_decoded_whole(demo_clip, tmp_path, name: str) -> None:
    path = encode(demo_clip, tmp_path / name)
    with closing(FfmpegSource(path)) as source:
        samples = sum(len(block.samples) for block in source.blocks())
        assert samples / source.sample_rate == pytest.approx(12.0, abs=0.1)
        assert source.warnings == []


def test_a_lossless_file_equals_its_samples(demo_clip, tmp_path) -> None:
    samples, _ = soundfile.read(demo_clip, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(heard(encode(demo_clip, tmp_path / "a.flac")), samples)


def test_a_file_that_is_shorter_than_it_says_is_an_error(demo_clip, tmp_path) -> None:
    path = encode(demo_clip, tmp_path / "a.m4a", "-movflags", "+faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"is truncated: it ends after \d\.\d of 12\.0 s"):
        heard(path)


@pytest.mark.parametrize("name", ["a.m4a", "a.webm", "a.mkv"])
def test_a_file_with_a_gap_in_its_times_is_heard_whole(demo_clip, tmp_path, name: str) -> None:
    path = encode(demo_clip, tmp_path / name, "-af", "aselect='not(between(t,4,6))'")
    with closing(FfmpegSource(path)) as source:
        samples = sum(len(block.samples) for block in source.blocks())
        assert samples / source.sample_rate == pytest.approx(10.0, abs=0.15)
        (warning,) = source.warnings
        assert warning.startswith("has gaps; heard ")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 8 // 10])
    with pytest.raises(AudioError, match=r"truncated|moov atom not found"):
        heard(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"lyrics only\n" * 50, "cannot be decoded as audio"),
        (b"#EXTM3U\n/etc/passwd\n", "is a playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "is a playlist"),
    ],
)
def test_what_is_no_audio_is_one_line(tmp_path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=reason) as error:
        heard(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def dsf(samples: np.ndarray) -> bytes:
    """Samples at 2.8224 MHz as DSD: one bit each, which is 1 as often as they are
    high."""
    level = np.floor(np.cumsum((samples + 1) / 2))
    bits = np.diff(level, prepend=0).astype(np.uint8)
    bits = np.pad(bits, (0, -len(bits) % (8 * 4096)))
    data = np.packbits(bits, bitorder="little").tobytes()
    form = struct.pack("<4sQ6IQII", b"fmt ", 52, 1, 0, 1, 1, 2_822_400, 1, len(samples), 4096, 0)
    body = form + struct.pack("<4sQ", b"data", 12 + len(data)) + data
    return struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(body), 0) + body


def test_dsd_is_heard_at_a_lower_rate(tmp_path) -> None:
    time = np.arange(2_822_400) / 2_822_400
    (tmp_path / "a.dsf").write_bytes(dsf(0.5 * np.sin(2 * np.pi * 441 * time)))
    with closing(FfmpegSource(tmp_path / "a.dsf")) as source:
        samples = np.concatenate([block.samples[:, 0] for block in source.blocks()])
        assert source.sample_rate == 48_000
    assert len(samples) == pytest.approx(48_000, abs=1000)
    spectrum = np.abs(np.fft.rfft(samples[:48_000], 48_000))
    assert np.argmax(spectrum[20:20_000]) + 20 == pytest.approx(441, abs=1)


@pytest.mark.parametrize("name", ["-i.m4a", "http:a.m4a", "a%20b?.m4a", "a\udcff.m4a"])
def test_any_name_is_a_file(demo_clip, tmp_path, name: str) -> None:
    encode(demo_clip, tmp_path / "a.m4a").rename(tmp_path / name)
    assert len(heard(tmp_path / name)) == pytest.approx(12 * 22050, abs=1200)


def test_it_is_missed_in_one_line(demo_clip, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(AudioError, match=r"needs ffmpeg to be decoded: install ffmpeg"):
        FfmpegSource(demo_clip)


@pytest.fixture
def silent_pipe(tmp_path):
    """A FIFO that somebody has open for writing, and writes nothing to."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    yield path
    os.close(writer)


def test_an_input_without_progress_is_given_up(silent_pipe) -> None:
    process = FfmpegProcess("radio", file_input(str(silent_pipe)), 22050, 1, stall_seconds=0.5)
    with pytest.raises(AudioError, match=r"radio: nothing could be decoded for 0\.5 s"):
        process.read(100)
    assert process.pid is None


def test_a_piece_of_a_sample_is_not_waited_for_without_a_sign(silent_pipe, monkeypatch) -> None:
    """Who listens tells the watchdog between two looks that it lives."""
    half = "printf xx; exec sleep 60"
    monkeypatch.setattr(ffmpeg, "_program", lambda name: ["sh", "-c", half])
    process = FfmpegProcess("radio", file_input(str(silent_pipe)), 22050, 1)
    with closing(process):
        assert not process.ready(0.3)
        assert not process.ready(0.3)


def test_it_uses_one_core_however_many_windows_it_decodes(demo_clip, tmp_path) -> None:
    path = encode(demo_clip, tmp_path / "a.m4a", "-c:a", "alac")
    with closing(FfmpegSource(path)) as source:
        windows = source.read_windows(range(0, 200_000, 20_000), 20_000)
        next(windows)
        threads = len(list(Path(f"/proc/{source._process.pid}/task").iterdir()))
    assert threads <= 10 + 2, "one that reads each input, and one that decodes"


def test_memory_is_limited(silent_pipe) -> None:
    process = FfmpegProcess("radio", file_input(str(silent_pipe)), 22050, 1)
    with closing(process):
        limits = Path(f"/proc/{process.pid}/limits").read_text().splitlines()
        (space,) = [line for line in limits if line.startswith("Max address space")]
        assert int(space.split()[3]) == 1 << 30


def test_it_dies_with_this_program(silent_pipe) -> None:
    code = (
        "import os, signal\n"
        "from genre_edge.audio.ffmpeg import file_input\n"
        "from genre_edge.audio.ffmpeg_process import FfmpegProcess\n"
        f"process = FfmpegProcess('radio', file_input({str(silent_pipe)!r}), 22050, 1)\n"
        "print(process.pid, flush=True)\n"
        "signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        program.kill()
    wait_for(lambda: not running(pid), "ffmpeg ends with the program")


def running(pid: int) -> bool:
    """Whether a process is there and no zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
