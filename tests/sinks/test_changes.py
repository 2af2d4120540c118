"""Which windows are changes of the label."""

from __future__ import annotations

from genre_edge.records import FileRecord
from genre_edge.sinks.changes import ChangeFilter

from tests.helpers.windows import GENRES, live, window


def test_a_change_is_the_first_window_and_each_with_another_label() -> None:
    changes = ChangeFilter()
    found = [changes.is_change(window(k, genre)) for k, genre in enumerate(GENRES)]
    assert found == [True, False, True, False, True]


def test_another_source_with_the_same_label_is_a_change() -> None:
    changes = ChangeFilter()
    found = [changes.is_change(window(0, file=name)) for name in ("a.mp3", "b.mp3", "b.mp3")]
    assert found == [True, True, False]


def test_sources_with_names_are_looked_at_one_by_one() -> None:
    changes = ChangeFilter()
    heard = (("kitchen", "jazz"), ("radio", "rock"), ("kitchen", "jazz"), ("radio", "jazz"))
    assert [changes.is_change(live(k, label, name)) for k, (name, label) in enumerate(heard)] == [
        *(True, True, False, True),
    ]


def test_a_verdict_is_no_change_and_ends_its_source() -> None:
    changes = ChangeFilter()
    records = (window(0), FileRecord("a.mp3", 3.0, 1, "jazz", 0.8, {}), window(0))
    assert [changes.is_change(record) for record in records] == [True, False, True]
