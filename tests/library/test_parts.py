"""The folder of a library: whole parts, one row a file, one run at a time."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from genre_edge.errors import UsageError
from genre_edge.library.parts import About, Parts, part_files, read_part
from genre_edge.library.row import Embedding, Row
from genre_edge.library.sources import Item
from pyarrow import parquet

ABOUT = About("m", "00", ("jazz", "rock"), 10, None, None, "parquet")
FORMATS = pytest.mark.parametrize("kind", ["parquet", "jsonl"])


def row(path: str, mtime: float = 1.5, **values: Any) -> Row:
    known: dict[str, Any] = {
        "path": path,
        "size": 5,
        "mtime": mtime,
        "seconds": 9.0,
        "windows": 3,
        "genre": "jazz",
        "confidence": 0.75,
        "scores": {"jazz": 0.75, "rock": 0.25},
        "shares": {"jazz": 1.0},
        "embedding": None,
        "model": "m",
        "model_sha256": "00",
        "version": "1",
        "warning": None,
        "error": None,
    }
    return Row(**(known | values))


def item(path: str, mtime: float = 1.5) -> Item:
    return Item(path, 5, mtime)


def rows_of(folder: Path) -> list[tuple[str, float]]:
    """Path and time of each row, as any program that reads the parts sees them."""
    read = [one for part in part_files(folder) for one in read_part(part)]
    return sorted((one["path"], one["mtime"]) for one in read)


@FORMATS
def test_a_row_is_read_as_it_was_written(tmp_path: Path, kind: str) -> None:
    with closing(Parts(tmp_path, replace(ABOUT, format=kind))) as parts:
        parts.write([row("a")])
    (part,) = part_files(tmp_path)
    (read,) = read_part(part)
    read["shares"] = {label: share for label, share in read["shares"].items() if share is not None}
    assert read == row("a").to_json()


def test_another_program_reads_the_folder_as_one_table(tmp_path: Path) -> None:
    with closing(Parts(tmp_path, replace(ABOUT, embedding=Embedding(4, "int8", 0.5, -3)))) as parts:
        parts.write([row("a", embedding=[1, -128, 127, 0]), row("b", genre=None, error="bad")])
        parts.write([row("c")])
    table = parquet.read_table(tmp_path)
    assert sorted(table["path"].to_pylist()) == ["a", "b", "c"]
    field = table.schema.field("embedding")
    assert str(field.type) == "fixed_size_list<element: int8>[4]"
    assert field.metadata == {b"scale": b"0.5", b"zero_point": b"-3"}


@FORMATS
def test_only_new_and_changed_files_are_to_do(tmp_path: Path, kind: str) -> None:
    about = replace(ABOUT, format=kind)
    with closing(Parts(tmp_path, about)) as parts:
        parts.write([row("a"), row("b"), row("c", error="bad")])
    with closing(Parts(tmp_path, about)) as parts:
        todo = parts.todo([item("a"), item("b", 2.5), item("c"), item("d")], retry=False)
        assert [one.path for one in todo] == ["b", "d"]
        assert parts.todo([item("c"), item("a")], retry=True) == [item("c")]


@FORMATS
def test_the_row_of_a_changed_file_replaces_the_old_one(tmp_path: Path, kind: str) -> None:
    about = replace(ABOUT, format=kind)
    with closing(Parts(tmp_path, about)) as parts:
        parts.write([row("a"), row("b")])
        parts.write([row("c")])
    with closing(Parts(tmp_path, about)) as parts:
        parts.write([row("b", 2.5), row("c", 2.5), row("d")])
    assert rows_of(tmp_path) == [("a", 1.5), ("b", 2.5), ("c", 2.5), ("d", 1.5)]
    assert len(part_files(tmp_path)) == 2  # that of "c" alone is gone


def test_a_part_has_the_name_of_what_is_in_it(tmp_path: Path) -> None:
    names = []
    for folder, rows in (("x", "ab"), ("y", "ba"), ("z", "ac")):
        with closing(Parts(tmp_path / folder, ABOUT)) as parts:
            parts.write([row(path) for path in rows])
        names.append(part_files(tmp_path / folder)[0].name)
    assert names[0] == names[1] != names[2]


def test_a_second_run_at_once_is_refused(tmp_path: Path) -> None:
    with closing(Parts(tmp_path, ABOUT)), pytest.raises(UsageError, match="another run writes"):
        Parts(tmp_path, ABOUT)
    Parts(tmp_path, ABOUT).close()


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ({"windows_per_track": None}, "with --windows-per-track 10"),
        ({"hop_seconds": 1.0}, "without --hop"),
        ({"model_sha256": "01"}, "with another model"),
        ({"labels": ("jazz",)}, "with another model"),
        ({"embedding": Embedding(4, "int8", 0.5, -3)}, "without --embeddings"),
        ({"format": "jsonl"}, "with --format parquet"),
    ],
)
def test_rows_made_otherwise_are_not_mixed(
    tmp_path: Path, other: dict[str, Any], line: str
) -> None:
    Parts(tmp_path, ABOUT).close()
    with pytest.raises(UsageError, match=f"was made {line}"):
        Parts(tmp_path, replace(ABOUT, **other))
    Parts(tmp_path, ABOUT).close()  # and nothing stays locked


def test_what_is_no_whole_part_is_named(tmp_path: Path) -> None:
    with closing(Parts(tmp_path, ABOUT)) as parts:
        parts.write([row("a")])
    (part,) = part_files(tmp_path)
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(UsageError, match=rf"{part.name}: is no whole part .*: remove it"):
        Parts(tmp_path, ABOUT)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("part-a.jsonl", b"[]", "is no whole part"),
        ("part-a.jsonl", b"[" * 100_000, "is no whole part"),
        ("part-a.jsonl", b'{"path": "a"}', r"is no whole part \(lacks error\): remove it"),
        (
            "part-a.jsonl",
            json.dumps(row("b", model_sha256="01").to_json()).encode(),
            "has rows of another model: remove it",
        ),
    ],
)
def test_a_part_from_elsewhere_is_named(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    Parts(tmp_path, ABOUT).close()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"{name}: {reason}"):
        Parts(tmp_path, ABOUT).close()


def test_what_is_left_of_a_run_that_was_killed_while_it_wrote_is_no_part(tmp_path: Path) -> None:
    with closing(Parts(tmp_path, ABOUT)) as parts:
        parts.write([row("a")])
    (part,) = part_files(tmp_path)
    (tmp_path / f".{part.name}.1234.tmp").write_bytes(b"half")
    assert parquet.read_table(tmp_path).num_rows == 1
    Parts(tmp_path, ABOUT).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["_library.json", part.name]
    assert json.loads((tmp_path / "_library.json").read_text())["labels"] == ["jazz", "rock"]
