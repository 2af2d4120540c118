"""Which files of a folder are taken for audio."""

from __future__ import annotations

import os
import shutil

import pytest
from genre_edge.audio.folders import find_audio, list_audio
from genre_edge.errors import AudioError


def test_folders_are_searched_and_empty_ones_reported(tmp_path) -> None:
    deep = tmp_path / "music" / "b"
    deep.mkdir(parents=True)
    for name in ("z.MP3", "a.flac", "notes.txt", ".hidden.wav"):
        (deep / name).touch()
    (tmp_path / "empty").mkdir()
    found = list(find_audio([str(tmp_path / "music"), str(tmp_path / "empty"), "-", "x.bin"]))
    assert found[:2] == [str(deep / "a.flac"), str(deep / "z.MP3")]
    assert str(found[2]) == f"{tmp_path / 'music'}: 1 file skipped: 1 .txt"
    assert isinstance(found[3], AudioError)
    assert "no audio in this folder" in str(found[3])
    assert found[4:] == ["-", "x.bin"]


def test_files_come_in_the_order_of_their_names(tmp_path) -> None:
    names = [f"{number:02}.wav" for number in (7, 2, 9, 0, 5, 3, 8, 1, 6, 4)]
    for name in names:
        (tmp_path / name).touch()
    assert list(find_audio([str(tmp_path)])) == [str(tmp_path / name) for name in sorted(names)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_named_and_the_rest_is_found(tmp_path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "closed").mkdir(mode=0)
    found = list(find_audio([str(tmp_path)]))
    assert found[0] == str(tmp_path / "a.wav")
    assert str(found[1]) == f"{tmp_path / 'closed'}: permission denied"


def test_what_is_skipped_is_counted_by_kind(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # without ffmpeg
    names = ["a.m4a", "b.M4A", "c.txt", "d", ".hidden", "._a.mp3", "e.wav", "f.wmv", "g.dsf"]
    for name in names:
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe.wav")
    for folder in ("__MACOSX", ".git", ".Trash"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "e.wav").touch()
    found, skipped = find_audio([str(tmp_path)])
    assert found == str(tmp_path / "e.wav")
    assert str(skipped) == (
        f"{tmp_path}: 7 files skipped: 2 .m4a (install ffmpeg), 1 without a suffix, "
        "1 .dsf (install ffmpeg), 1 .txt, 1 .wmv (install ffmpeg), 1 pipes or devices; "
        "2 hidden folders skipped"
    )


def test_a_hidden_folder_that_is_named_is_searched(tmp_path) -> None:
    (tmp_path / ".music" / ".git").mkdir(parents=True)
    (tmp_path / ".music" / "a.wav").touch()
    found, skipped = find_audio([str(tmp_path / ".music")])
    assert found == str(tmp_path / ".music" / "a.wav")
    assert str(skipped) == f"{tmp_path / '.music'}: 1 hidden folder skipped"


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_a_program_in_typescript_is_no_video(tmp_path) -> None:
    (tmp_path / "video.ts").write_bytes((b"G" + bytes(187)) * 10)
    (tmp_path / "program.ts").write_text("export const answer: number = 42;\n" * 20)
    found, skipped = find_audio([str(tmp_path)])
    assert found == str(tmp_path / "video.ts")
    assert str(skipped).endswith("1 file skipped: 1 .ts without video")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_what_ffmpeg_decodes_is_found_where_it_is_installed(tmp_path) -> None:
    (tmp_path / "a.m4a").touch()
    assert list(find_audio([str(tmp_path)])) == [str(tmp_path / "a.m4a")]


def test_links_to_folders_are_followed_once(tmp_path) -> None:
    music, other = tmp_path / "music", tmp_path / "other"
    for folder in (music / "z", other):
        folder.mkdir(parents=True)
        (folder / "a.wav").touch()
    (music / "a-link").symlink_to(music / "z")
    (music / "loop").symlink_to(music)
    (music / "other").symlink_to(other)
    assert list(find_audio([str(music)])) == [
        str(music / "other" / "a.wav"),
        str(music / "z" / "a.wav"),
    ]


def test_a_link_to_itself_is_named_and_the_rest_is_found(tmp_path) -> None:
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "a.wav").touch()
    listing = list_audio(str(tmp_path))
    assert listing.files == [str(tmp_path / "a.wav")]
    (error,) = listing.errors
    assert error.filename == str(tmp_path / "round")
