"""genre-edge tag: genres in the tags of real files, and what was there put back."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from pathlib import Path

import mutagen
import pytest
import soundfile
from genre_edge.errors import AudioError
from genre_edge.library.parts import About, Parts
from genre_edge.library.row import Row
from genre_edge.library.tags import TaggedFile
from genre_edge.records import valid_utf8

from tests.conftest import noise

pytestmark = pytest.mark.slow

MODEL = "m"


def row(path: Path, confidence: float = 0.75, genre: str | None = "rock") -> Row:
    scores = {} if genre is None else {"jazz": 1 - confidence, "rock": confidence}
    shares = {} if genre is None else {genre: 1.0}
    sure = None if genre is None else confidence
    heard = (4.0, 1, genre, sure, scores, shares, None)
    return Row(str(path), 1, 1.0, *heard, MODEL, "00", "1", None, None)


@pytest.fixture(params=["mp3", "flac", "ogg", "wav", "m4a"])
def song(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"song.{request.param}"
    if request.param == "m4a":
        soundfile.write(tmp_path / "a.wav", noise(4), 22050)
        command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.wav"), str(path)]
        subprocess.run(command, check=True)
    else:
        soundfile.write(path, noise(4), 22050)
    return path


def library(folder: Path, *rows: Row) -> Path:
    with closing(
        Parts(folder, About(MODEL, "00", ("jazz", "rock"), 10, None, None, "jsonl"))
    ) as parts:
        parts.write(rows)
    return folder


def shown(path: Path) -> dict[str, list[str]]:
    file = TaggedFile(str(path))
    names = ("GENRE", "GENRE_EDGE_MODEL", "GENRE_EDGE_ROCK", "GENRE_EDGE_JAZZ")
    return {name: file.get(name) for name in names if file.get(name)}


WRITTEN = {
    "GENRE": ["Rock"],
    "GENRE_EDGE_MODEL": ["m"],
    "GENRE_EDGE_ROCK": ["0.7500"],
    "GENRE_EDGE_JAZZ": ["0.2500"],
}


def test_without_write_nothing_is_changed(song: Path, tmp_path: Path, cli) -> None:
    before = song.read_bytes()
    result = cli("tag", library(tmp_path / "lib", row(song)))
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"{song}: GENRE Rock, 3 fields of scores",
        "1 file would be changed (--write --undo-file FILE changes them), 0 failed",
    ]
    assert song.read_bytes() == before


def test_tags_are_written_and_put_back(song: Path, tmp_path: Path, cli) -> None:
    before = TaggedFile(str(song))
    before.set("GENRE_EDGE_JAZZ", ["0.1000"])  # of an earlier run
    before.save()
    folder, undo = library(tmp_path / "lib", row(song)), tmp_path / "undo.jsonl"
    result = cli("tag", folder, "--write", "--undo-file", undo)
    assert result.returncode == 0, result.stderr
    assert shown(song) == WRITTEN
    assert cli("tag", folder).stdout.startswith("0 files would be changed")
    assert cli("tag", "--undo", undo).stdout == "1 file as before, 0 failed\n"
    assert shown(song) == {"GENRE_EDGE_JAZZ": ["0.1000"]}
    soundfile_or_ffmpeg_reads(song)


def soundfile_or_ffmpeg_reads(path: Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"], check=True)


def test_a_genre_that_is_there_stays_unless_told(song: Path, tmp_path: Path, cli) -> None:
    file = TaggedFile(str(song))
    file.set("GENRE", ["Zouk"])
    file.save()
    folder, undo = library(tmp_path / "lib", row(song)), tmp_path / "undo.jsonl"
    assert cli("tag", folder, "--write", "--undo-file", undo).returncode == 0
    assert shown(song) == WRITTEN | {"GENRE": ["Zouk"]}
    assert cli("tag", folder, "--write", "--undo-file", undo, "--replace").returncode == 0
    assert shown(song) == WRITTEN
    assert cli("tag", "--undo", undo).returncode == 0
    assert shown(song) == {"GENRE": ["Zouk"]}


def test_an_unsure_genre_is_not_written_but_its_scores_are(tmp_path: Path, cli) -> None:
    song = tmp_path / "a.flac"
    soundfile.write(song, noise(4), 22050)
    folder = library(tmp_path / "lib", row(song, 0.45), row(tmp_path / "silent.flac", genre=None))
    assert cli("tag", folder, "--write", "--undo-file", tmp_path / "undo").returncode == 0
    assert "genre" not in mutagen.File(song)
    assert mutagen.File(song)["genre_edge_rock"] == ["0.4500"]


def test_what_cannot_be_tagged_is_one_line_and_the_rest_is_done(tmp_path: Path, cli) -> None:
    song, bad, adts = tmp_path / "z.flac", tmp_path / "a.flac", tmp_path / "a.aac"
    soundfile.write(song, noise(4), 22050)
    bad.write_bytes(b"no audio")
    command = ["ffmpeg", "-v", "error", "-i", str(song), str(adts)]
    subprocess.run(command, check=True)  # a format that has no tags
    rows = [row(path) for path in (bad, adts, song, tmp_path / "gone.mp3")]
    folder = library(tmp_path / "lib", *rows)
    result = cli("tag", folder, "--write", "--undo-file", tmp_path / "undo")
    assert result.returncode == 1
    assert result.stdout.endswith("1 file changed, 3 failed\n")
    assert len(result.stderr.splitlines()) == 3
    assert shown(song) == WRITTEN


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(song: Path, monkeypatch) -> None:
    """As by a program that is killed, or a disk that is full, while it writes."""
    before, file = song.read_bytes(), TaggedFile(str(song))
    file.set("GENRE", ["Rock"])

    def half(name: str) -> None:
        Path(name).write_bytes(before[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file._file, "save", half)
    with pytest.raises(AudioError, match=r"tags cannot be written \(No space left on device\)"):
        file.save()
    assert song.read_bytes() == before
    assert song in song.parent.iterdir()
    assert not [path for path in song.parent.iterdir() if path.name.startswith(".")]


def test_a_file_keeps_its_rights_its_links_and_a_name_of_any_length(tmp_path: Path) -> None:
    song, link = tmp_path / f"{'ü' * 125}.flac", tmp_path / "link.flac"
    soundfile.write(tmp_path / "a.flac", noise(1), 22050)
    (tmp_path / "a.flac").rename(song)
    song.chmod(0o640)
    link.symlink_to(song)
    file = TaggedFile(str(link))
    file.set("GENRE", ["Rock"])
    file.save()
    assert link.is_symlink()
    assert song.stat().st_mode & 0o777 == 0o640
    assert shown(song) == {"GENRE": ["Rock"]}


def test_a_file_whose_name_is_no_utf_8_is_tagged_too(tmp_path: Path, cli) -> None:
    song = tmp_path / os.fsdecode(b"caf\xe9.flac")
    soundfile.write(tmp_path / "a.flac", noise(1), 22050)
    (tmp_path / "a.flac").rename(song)
    folder = library(tmp_path / "lib", row(Path(valid_utf8(str(song)))))
    assert cli("tag", folder, "--write", "--undo-file", tmp_path / "u").returncode == 0
    assert shown(song) == WRITTEN


def test_a_damaged_line_of_an_undo_file_costs_no_other(tmp_path: Path, cli) -> None:
    """Half a line was written by a run that was killed before it changed the file."""
    song, undo = tmp_path / "a.flac", tmp_path / "undo"
    soundfile.write(song, noise(1), 22050)
    undo.write_text('{"path": "/mus')
    folder = library(tmp_path / "lib", row(song))
    assert cli("tag", folder, "--write", "--undo-file", undo).returncode == 0
    result = cli("tag", "--undo", undo)
    assert (result.returncode, result.stdout) == (1, "1 file as before, 0 failed\n")
    assert result.stderr == f"genre-edge: --undo {undo}: line 1 is damaged and left out\n"
    assert shown(song) == {}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "name the folder of a library, or --undo FILE"),
        (["."], "is no library: _library.json"),
        ([".", "--write"], "--write: needs --undo-file FILE"),
        (["--undo", "/none"], "--undo /none: no such file or directory"),
    ],
)
def test_wrong_usage_is_one_line(options: list[str], line: str, cli) -> None:
    result = cli("tag", *options)
    assert result.returncode == 2
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1
