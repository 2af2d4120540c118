"""What is a file of a library, and what is reported instead."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import fsspec
import pytest
from genre_edge.audio.folders import SkippedFiles
from genre_edge.errors import UsageError
from genre_edge.library.sources import Item, find_items


def paths(*sources: object) -> list[str]:
    return [found.path for found in find_items(map(str, sources)) if isinstance(found, Item)]


def others(*sources: object) -> list[str]:
    return [str(found) for found in find_items(map(str, sources)) if not isinstance(found, Item)]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for name in ("a.wav", "deep/er/b.flac", "deep/notes.md", "deep/.hidden.wav", "x[1].wav"):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    return tmp_path / "music"


def test_a_folder_is_searched_through(music: Path) -> None:
    assert paths(music) == [f"{music}/{name}" for name in ("a.wav", "deep/er/b.flac", "x[1].wav")]
    assert others(music) == [f"{music}: 1 file skipped: 1 .md"]


def test_size_and_time_of_a_file_are_known(music: Path) -> None:
    os.utime(music / "a.wav", (1, 1234.5))
    assert list(find_items([f"{music}/a.wav"])) == [Item(f"{music}/a.wav", 5, 1234.5)]


def test_paths_are_absolute_wherever_the_command_is_given(music: Path, monkeypatch) -> None:
    monkeypatch.chdir(music)
    assert paths("a.wav", "./deep") == [f"{music}/a.wav", f"{music}/deep/er/b.flac"]


def test_a_file_that_is_named_twice_is_one_item(music: Path) -> None:
    assert paths(music / "a.wav", music, music / "deep/../a.wav").count(f"{music}/a.wav") == 1


def test_a_pattern_finds_what_matches(music: Path) -> None:
    assert paths(f"{music}/**/*.flac") == [f"{music}/deep/er/b.flac"]
    assert others(f"{music}/*.mp3") == [f"{music}/*.mp3: no file has such a name"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(music: Path) -> None:
    assert paths(music / "x[1].wav") == [f"{music}/x[1].wav"]


def test_a_list_of_text_has_a_file_a_line(music: Path) -> None:
    listed = music / "list.txt"
    name = os.fsdecode(b"caf\xe9.wav")
    listed.write_bytes(b"# mine\n\na.wav\r\n/elsewhere/c.wav\nhttps://host/d.mp3\ncaf\xe9.wav\n")
    wanted = [f"{music}/a.wav", "/elsewhere/c.wav", "https://host/d.mp3", f"{music}/{name}"]
    assert paths(listed) == wanted


@pytest.mark.parametrize("column", ["path", "file"])
def test_a_table_has_files_in_a_column(music: Path, column: str) -> None:
    (music / "list.csv").write_text(f'genre,{column}\nrock,a.wav\npop,"b, c.wav"\n')
    assert paths(music / "list.csv") == [f"{music}/a.wav", f"{music}/b, c.wav"]


def test_a_table_without_such_a_column_is_refused(music: Path) -> None:
    (music / "list.csv").write_text("genre,song\nrock,a.wav\n")
    with pytest.raises(UsageError, match=r"list\.csv: lacks the column path or file"):
        paths(music / "list.csv")


def test_a_list_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match=r"none\.txt: No such file"):
        paths("none.txt")


def test_a_file_that_is_not_there_is_an_item_whose_row_will_say_so() -> None:
    assert list(find_items(["/not/there.wav"])) == [Item("/not/there.wav", None, None)]


@pytest.fixture
def memory() -> str:
    files = fsspec.filesystem("memory")
    for name in ("a.wav", "deep/b b.flac", "deep/notes.md"):
        files.pipe(f"/library/{name}", b"12345")
    return "memory://library"


def test_a_folder_behind_a_url_is_searched_through(memory: str) -> None:
    found = list(find_items([memory]))
    items = [one for one in found if isinstance(one, Item)]
    assert [(one.path, one.size) for one in items] == [
        ("memory://library/a.wav", 5),
        ("memory://library/deep/b b.flac", 5),
    ]
    assert SkippedFiles(memory, {".md": 1}) in found


def test_a_pattern_may_be_a_url(memory: str) -> None:
    assert paths(f"{memory}/**/*.flac") == ["memory://library/deep/b b.flac"]


def test_what_is_not_behind_a_url_is_an_error_and_the_rest_is_found(memory: str) -> None:
    found = list(find_items([f"{memory}/none.wav", f"{memory}/a.wav"]))
    assert str(found[0]) == f"{memory}/none.wav: no such file or folder"
    assert isinstance(found[1], Item)


def test_a_server_that_does_not_answer_is_an_error_and_the_rest_is_found(memory: str) -> None:
    with socket.socket() as closed:  # bound, and listens to nobody
        closed.bind(("127.0.0.1", 0))
        url = f"ftp://127.0.0.1:{closed.getsockname()[1]}/a.mp3"
        found = list(find_items([url, f"{memory}/a.wav"]))
    assert str(found[0]) == f"{url}: Connection refused"
    assert isinstance(found[1], Item)


def test_a_url_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="nonsense://host/a"):
        paths("nonsense://host/a.wav")
