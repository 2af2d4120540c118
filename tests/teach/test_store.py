"""The file of what was taught: it loses nothing, forgets what it is told to, and holds
no audio."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from genre_edge.teach.level_curve import LevelCurve
from genre_edge.teach.store import HEARD, Store, StoreError
from genre_edge.teach.trunk import Trunk

TRUNK = Trunk("net.int8", "aa", 4, "int8", 0.5, -128)
OTHER = Trunk("other.int8", "bb", 4, "int8", 0.5, -128)
RAW = np.array([[-128, 0, 1, 127], [-127, 2, 3, 4]], np.int8)
OLD_SCHEMA = """
CREATE TABLE trunk (
    sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, dtype TEXT NOT NULL,
    scale REAL NOT NULL, zero_point INTEGER NOT NULL);
CREATE TABLE song (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trunk TEXT NOT NULL REFERENCES trunk, label TEXT NOT NULL,
    is_wrong INTEGER NOT NULL, origin TEXT NOT NULL, name TEXT NOT NULL, added REAL NOT NULL,
    embeddings BLOB NOT NULL);
CREATE INDEX song_label ON song (label);
"""
"""The tables before there were curves."""


def test_examples_come_back_as_floats_in_the_order_they_were_taught(tmp_path: Path) -> None:
    with Store(tmp_path / "new" / "taught.db") as store:
        store.add(TRUNK, "choir", "/a.wav", RAW)
        store.add(TRUNK, "band", "heard", RAW[:1], HEARD, is_wrong=True)
    with Store(tmp_path / "new" / "taught.db") as store:
        first, second = store.songs(TRUNK)
    assert (first.label, first.is_wrong, first.windows) == ("choir", False, 2)
    assert (second.label, second.is_wrong, second.origin) == ("band", True, HEARD)
    np.testing.assert_array_equal(first.embeddings[0], [0, 64, 64.5, 127.5])


def test_a_file_taught_again_replaces_itself_and_no_other(tmp_path: Path) -> None:
    with Store(tmp_path / "taught.db") as store:
        for label, name in (("choir", "/a"), ("choir", "/b"), ("band", "/a"), ("choir", "/a")):
            store.add(TRUNK, label, name, RAW)
        found = [(song.label, song.name) for song in store.songs(TRUNK)]
    assert found == [("choir", "/b"), ("band", "/a"), ("choir", "/a")]


def test_a_curve_comes_back_and_goes_with_its_example(tmp_path: Path) -> None:
    first, second = LevelCurve(0.25, (0, -38, -120)), LevelCurve(1.0, (-7,))
    with Store(tmp_path / "taught.db") as store:
        store.add(TRUNK, "choir", "/a", RAW, curve=first)
        again = store.add(TRUNK, "choir", "/a", RAW, curve=second)
        other = store.add(TRUNK, "band", "/b", RAW, curve=first)
        without = store.add(TRUNK, "band", "/c", RAW)
    with Store(tmp_path / "taught.db") as store:
        assert store.curves() == {again: second, other: first}
        store.remove([again])
        assert store.curves() == {other: first}
        assert [song.number for song in store.songs(TRUNK)] == [other, without]
        store.forget()
        assert store.curves() == {}


def test_a_file_from_before_there_were_curves_is_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "taught.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(OLD_SCHEMA)
        old.execute("INSERT INTO trunk VALUES ('aa', 'net.int8', 4, 'int8', 0.5, -128)")
        columns = ("aa", "choir", False, "file", "/a", 0.0, RAW.tobytes())
        old.execute("INSERT INTO song VALUES (7, ?, ?, ?, ?, ?, ?, ?)", columns)
        old.commit()
    with Store(path) as store:
        (song,) = store.songs(TRUNK)
        assert (song.number, song.label, song.windows) == (7, "choir", 2)
        assert store.curves() == {}
        added = store.add(TRUNK, "band", "/b", RAW, curve=LevelCurve(0.25, (-20,)))
        assert store.curves() == {added: LevelCurve(0.25, (-20,))}
        assert not list(tmp_path.glob("*.corrupt-*"))


def test_networks_do_not_see_each_others_examples(tmp_path: Path) -> None:
    with Store(tmp_path / "taught.db") as store:
        store.add(TRUNK, "choir", "/a", RAW)
        store.add(OTHER, "choir", "/a", RAW)
        assert len(store.songs(TRUNK)) == 1
        assert store.others(TRUNK) == {"other.int8": 1}


def test_what_is_forgotten_is_not_in_the_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "taught.db"
    secret = "/home/me/secret-song.mp3"
    with Store(path) as store:
        number = store.add(TRUNK, "choir", secret, RAW)
        store.add(TRUNK, "band", secret, RAW)
        store.remove([number])
        assert [song.label for song in store.songs(TRUNK)] == ["band"]
        assert store.forget("band") == 1
        assert store.forget("band") == 0
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert secret.encode() not in left


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "taught.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    with Store(path) as store:
        assert store.songs(TRUNK) == []
    assert list(tmp_path.glob("taught.db.corrupt-*"))


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "models" / "taught.db")
