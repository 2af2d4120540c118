"""What a user names: streams of every format are heard as the same files are."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from genre_edge.audio.mono import mono_blocks
from genre_edge.audio.open_audio import open_audio
from genre_edge.errors import AudioError

from tests.audio.test_ffmpeg import encode
from tests.helpers.waiting import wait_for

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="needs ffmpeg (sudo apt install ffmpeg)"
)
STREAMS = {
    "a.mp3": ("-b:a", "128k"),
    "vbr.mp3": ("-q:a", "2", "-write_xing", "0"),
    "a.mp2": (),
    "a.ogg": (),
    "a.opus": (),
    "a.flac": (),
    "a.aiff": (),
    "a.aac": (),
    "a.webm": (),
    "a.wma": (),
    "moov-first.m4a": ("-movflags", "+faststart"),
    "six-channels.flac": ("-ac", "6"),
    "low.mp3": ("-ar", "16000"),
}
"""Files by ffmpeg's options."""


@contextmanager
def piped(*pieces: bytes | float) -> Iterator[str]:
    """The name of a pipe into which a thread writes bytes, and waits (s) in between."""
    reader, writer = os.pipe()

    def write() -> None:
        with open(writer, "wb", buffering=0) as pipe:
            for piece in pieces:
                if isinstance(piece, bytes):
                    try:
                        while piece:
                            piece = piece[pipe.write(piece) :]
                    except BrokenPipeError:
                        return
                else:
                    time.sleep(piece)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)
        thread.join(30)
        assert not thread.is_alive()


def heard(name: str) -> tuple[float, np.ndarray, list[str]]:
    """Length (s), samples at 22 050 Hz, warnings."""
    with closing(open_audio(name)) as source:
        samples = np.concatenate(list(mono_blocks(source, 22050)))
        return len(samples) / 22050, samples, source.warnings


@needs_ffmpeg
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_heard_as_the_file_is(demo_clip, tmp_path, name: str) -> None:
    path = encode(demo_clip, tmp_path / name, *STREAMS[name])
    seconds, samples, warnings = heard(str(path))
    with piped(path.read_bytes()) as stream:
        of_stream = heard(stream)
    assert of_stream[0] == pytest.approx(seconds, abs=0.05)
    assert of_stream[2] == warnings == []
    if name.endswith((".flac", ".aiff")):
        np.testing.assert_allclose(of_stream[1], samples, atol=1e-4)


@needs_ffmpeg
def test_every_recording_of_a_chain_is_heard(demo_clip, tmp_path) -> None:
    for suffix in ("ogg", "mp3"):
        content = encode(demo_clip, tmp_path / f"a.{suffix}").read_bytes()
        with piped(content, content) as stream:
            assert heard(stream)[0] == pytest.approx(24.0, abs=0.1)


@needs_ffmpeg
def test_a_slow_stream_is_waited_for(demo_clip, tmp_path, monkeypatch) -> None:
    given_up_after = "genre_edge.audio.ffmpeg.FfmpegOutput.__init__.__defaults__"
    monkeypatch.setattr(given_up_after, (3.0, subprocess.DEVNULL, lambda: False))
    content = encode(demo_clip, tmp_path / "a.mp3").read_bytes()
    with piped(content[:5000], 4.0, content[5000:]) as stream:
        assert heard(stream)[0] == pytest.approx(12.0, abs=0.05)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"#EXTM3U\nsong.mp3\n", "is a playlist"),
        (b"\xef\xbb\xbf[playlist]\nFile1=/etc/passwd\n", "is a playlist"),
        pytest.param(b"hello, world\n" * 50, "cannot be decoded", marks=needs_ffmpeg),
        pytest.param(b"\0" * 100_000, "cannot be decoded", marks=needs_ffmpeg),
    ],
)
def test_what_is_no_audio_is_one_line(content: bytes, reason: str) -> None:
    with piped(content) as stream, pytest.raises(AudioError, match=reason) as caught:
        heard(stream)
    assert "\n" not in str(caught.value)


@needs_ffmpeg
def test_a_container_that_needs_to_be_seeked_in_says_so(demo_clip, tmp_path) -> None:
    path = encode(demo_clip, tmp_path / "a.m4a")
    with piped(path.read_bytes()) as stream, pytest.raises(AudioError, match="name the file"):
        heard(stream)
    with as_standard_input(path):
        assert heard("-")[0] == pytest.approx(12.0, abs=0.05)


CUT = {
    "a.ogg": "before its own end mark",
    "a.opus": "before its own end mark",
    "a.flac": "before its own end mark",
    "a.aiff": "before its own end mark",
    "mulaw.wav": "before its own end mark",
    "xing.mp3": "before its own end mark",
    "moov-first.m4a": "before its own end mark",
    "a.webm": "before its own end mark",
    "pcm.wav": "before its own end mark",
}
CODINGS = {"mulaw.wav": "pcm_mulaw", "alaw.wav": "pcm_alaw", "adpcm.wav": "adpcm_ms"}


def encoded(clip: Path, path: Path) -> bytes:
    coding = ("-c:a", CODINGS[path.name]) if path.name in CODINGS else ()
    return encode(clip, path, *coding, *STREAMS.get(path.name, ())).read_bytes()


@needs_ffmpeg
@pytest.mark.parametrize("share", [0.5, 0.97])
@pytest.mark.parametrize("name", CUT)
def test_a_stream_that_its_format_proves_to_be_cut_gets_no_verdict(
    demo_clip, tmp_path, name: str, share: float
) -> None:
    content = encoded(demo_clip, tmp_path / name)
    cut = content[: round(len(content) * share)]
    with piped(cut) as stream, pytest.raises(AudioError, match=CUT[name]) as error:
        heard(stream)
    assert "\n" not in str(error.value)


@needs_ffmpeg
def test_a_stream_that_ends_within_its_own_tag_gets_no_verdict(demo_clip, tmp_path) -> None:
    tag_of_30_mb = b"ID3\3\0\0" + bytes((15, 0, 0, 0)) + bytes(100)
    content = tag_of_30_mb + encoded(demo_clip, tmp_path / "a.mp3")
    with piped(content) as stream, pytest.raises(AudioError, match="is truncated"):
        heard(stream)


@needs_ffmpeg
@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("is_known", [True, False])
def test_every_coding_of_wav_is_heard_from_a_pipe(
    demo_clip, tmp_path, name: str, is_known: bool
) -> None:
    content = encoded(demo_clip, tmp_path / name)
    if not is_known:
        at = content.index(b"data") + 4
        content = content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :]
        (tmp_path / name).write_bytes(content)
    seconds, samples, warnings = heard(str(tmp_path / name))
    with piped(content) as stream:
        of_stream = heard(stream)
    assert of_stream[0] == pytest.approx(seconds, abs=0.05)
    assert of_stream[2] == warnings
    assert len(warnings) == (0 if is_known else 1)
    assert np.corrcoef(of_stream[1][: len(samples)], samples[: len(of_stream[1])])[0, 1] > 0.999


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.ogg", "a.flac", "a.m4a", "pcm.wav"])
@pytest.mark.parametrize("form", ["-", "/dev/stdin", "/dev/fd/0"])
def test_a_file_as_standard_input_is_examined_as_a_named_one_is(
    demo_clip, tmp_path, name: str, form: str
) -> None:
    path = tmp_path / name
    content = encoded(demo_clip, path)
    with as_standard_input(path):
        assert heard(form)[0] == pytest.approx(12.0, abs=0.05)
    path.write_bytes(content[: len(content) // 2])
    with as_standard_input(path), pytest.raises(AudioError, match=r"truncated|moov atom") as error:
        heard(form)
    assert error.value.name == form


def test_a_file_that_was_begun_by_another_program_is_heard_from_there_on(write_audio) -> None:
    path = write_audio("a.wav", np.zeros(22050))
    path.write_bytes(b"not ours" + path.read_bytes())
    with as_standard_input(path):
        os.lseek(0, len("not ours"), os.SEEK_SET)
        assert heard("-")[0] == 1.0


@contextmanager
def as_standard_input(path: Path) -> Iterator[None]:
    """As the shell's "<" opens a file."""
    before = os.dup(0)
    with path.open("rb", buffering=0) as file:
        os.dup2(file.fileno(), 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def test_without_ffmpeg_a_stream_must_be_a_wav(write_audio, monkeypatch) -> None:
    path = write_audio("a.wav", np.zeros(22050))
    monkeypatch.setenv("PATH", "/nonexistent")
    with piped(path.read_bytes()) as stream:
        assert heard(stream)[0] == 1.0
    with piped(b"ID3" + bytes(100)) as stream, pytest.raises(AudioError) as caught:
        heard(stream)
    assert caught.value.reason == (
        "is not a WAV; other formats on a pipe need ffmpeg: "
        "install ffmpeg (sudo apt install ffmpeg)"
    )


@needs_ffmpeg
def test_a_stream_that_is_closed_early_leaves_nothing_behind(demo_clip, tmp_path) -> None:
    content = encode(demo_clip, tmp_path / "a.mp3").read_bytes()
    with piped(*[content] * 50) as stream:
        with closing(open_audio(stream)) as source:
            next(iter(source.blocks()))
        wait_for(lambda: not feeders(), "nothing is copied any more")
    assert children("ffmpeg") == []


def feeders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "stream to ffmpeg"]


def children(program: str) -> list[int]:
    """Processes of a program that this process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == program and int(rest.split()[1]) == os.getpid():
            found.append(int(folder.name))
    return found
