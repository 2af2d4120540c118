"""Which files of a folder are taken for audio."""

from __future__ import annotations

import os

import pytest
from genre_edge.audio.folders import find_audio
from genre_edge.errors import AudioError


def test_folders_are_searched_and_empty_ones_reported(tmp_path) -> None:
    deep = tmp_path / "music" / "b"
    deep.mkdir(parents=True)
    for name in ("z.MP3", "a.flac", "notes.txt", ".hidden.wav"):
        (deep / name).touch()
    (tmp_path / "empty").mkdir()
    found = list(find_audio([str(tmp_path / "music"), str(tmp_path / "empty"), "-", "x.bin"]))
    assert found[:2] == [str(deep / "a.flac"), str(deep / "z.MP3")]
    assert isinstance(found[2], AudioError)
    assert "no audio in this folder" in str(found[2])
    assert found[3:] == ["-", "x.bin"]


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
