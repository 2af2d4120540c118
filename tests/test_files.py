"""A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from genre_edge.files import atomic_file, write_atomically


def test_bytes_and_text_are_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "b", b"\0\1")
    write_atomically(tmp_path / "t", "Größe\n")
    assert (tmp_path / "b").read_bytes() == b"\0\1"
    assert (tmp_path / "t").read_text(encoding="utf-8") == "Größe\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "t"]


def test_the_old_content_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_a_target_that_cannot_be_replaced_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_atomically(tmp_path / "folder", "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
