"""Which files of a folder are taken for audio."""

from __future__ import annotations

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
