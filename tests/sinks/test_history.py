"""The history: stretches, commits, power loss, trouble with the file, and what is read
from it."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path

import pytest
from genre_edge import cli as genre_edge
from genre_edge import pictures
from genre_edge.colours import COLOURS, SILENCE_AT_NIGHT
from genre_edge.errors import GenreEdgeError, UsageError
from genre_edge.extras import install_line
from genre_edge.health import SinkHealth
from genre_edge.records import (
    FileRecord,
    GapRecord,
    LiveRecord,
    StateRecord,
    WindowRecord,
    iso8601,
)
from genre_edge.sinks import history as history_sink
from genre_edge.sinks.database import open_database
from genre_edge.sinks.history import HistoryConfig, HistoryError, HistorySink
from genre_edge.sinks.history_plot import plot_history
from genre_edge.sinks.history_report import (
    LabelTime,
    heard_sources,
    latest_stretches,
    parse_age,
    parts,
    summarise,
)
from genre_edge.sinks.history_rows import (
    SCHEMA,
    delete_aged,
    delete_beyond,
    write_windows,
)
from hypothesis import given
from hypothesis import strategies as st

T_SET_BACK = datetime(2010, 11, 7, 2, 31, tzinfo=UTC).timestamp()
T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


def live(
    at: float, label: str, confidence: float | None = 0.8, source: str | None = None
) -> LiveRecord:
    """The window that starts `at` seconds after T0."""
    return LiveRecord(
        at,
        at + 3.0,
        label,
        confidence,
        {},
        iso8601(T0 + at),
        source or "usb:1",
        -20.0,
        "listening",
        5.0,
        label,
        label,
        confidence,
        source is not None,
    )


def query(path: Path, sql: str, *values: object) -> list[tuple]:
    with closing(sqlite3.connect(path)) as file:
        return file.execute(sql, values).fetchall()


def rows(path: Path) -> list[tuple]:
    return query(
        path, "SELECT label, start - ?, end - ?, windows, confidence FROM stretches", T0, T0
    )


@pytest.fixture
def made(tmp_path):
    clock, health = Clock(), SinkHealth("history")

    def make(**config) -> tuple[HistorySink, Clock, Path, SinkHealth]:
        path = tmp_path / "h.db"
        sink = HistorySink(HistoryConfig(path, **config), health, clock, clock, lambda: True)
        return sink, clock, path, health

    return make


def test_consecutive_windows_of_a_label_are_one_stretch(made) -> None:
    sink, _, path, _ = made()
    for k, label in enumerate(["jazz", "jazz", "jazz", "rock", "silence", "silence"]):
        sink.write(live(3 * k, label, None if label == "silence" else 0.6 + 0.1 * k))
    sink.close()
    found = [(label, round(a), round(b), n, c) for label, a, b, n, c in rows(path)]
    assert found == [("jazz", 0, 9, 3, 0.7), ("rock", 9, 12, 1, 0.9), ("silence", 12, 18, 2, None)]


def test_overlapping_windows_are_counted_once(made) -> None:
    sink, _, path, _ = made()
    for k in range(10):
        sink.write(live(1.0 * k, "jazz"))
    sink.close()
    ((_, start, end, windows, _),) = rows(path)
    assert (round(start), round(end), windows) == (0, 12, 10)


def test_each_source_has_its_own_stretches_and_its_own_gaps(made) -> None:
    sink, _, path, _ = made()
    for k in range(4):
        sink.write(live(3 * k, "jazz", source="bar"))
        sink.write(live(3 * k + 1, "jazz", source="radio"))
        if k == 1:
            sink.write(GapRecord(iso8601(T0 + 6), 6.0, 6.5, "radio"))
            sink.write(StateRecord(iso8601(T0 + 6), "lost", "gone", "radio"))
    sink.close()
    found = query(path, "SELECT source, label, windows FROM stretches ORDER BY source, start")
    assert found == [("bar", "jazz", 4), ("radio", "jazz", 2), ("radio", "jazz", 2)]
    (bar,) = summarise(path, T0 - 1, "genre", "bar")
    (both,) = summarise(path, T0 - 1, "genre")
    assert (bar.seconds, both.seconds) == (12.0, 24.0)


def test_history_of_one_source_on_the_command_line(made, capsys) -> None:
    sink, _, path, _ = made(keep_days=1e6)
    sink.write(live(0, "jazz", source="bar"))
    sink.write(live(0, "rock", source="radio"))
    sink.close()
    command = ["history", str(path), "--since", "9999w", "--format", "csv", "--source"]
    assert genre_edge.main([*command, "bar"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [",jazz,3.0,0.8"]
    assert genre_edge.main([*command, "hall"]) == 2
    assert "source hall: is not in this history; there are: bar, radio" in capsys.readouterr().err


def test_a_gap_ends_a_stretch(made) -> None:
    sink, _, path, _ = made()
    sink.write(live(0, "jazz"))
    sink.write(GapRecord(iso8601(T0 + 3), 3.0, 3.5))
    sink.write(live(3.5, "jazz"))
    sink.close()
    assert [row[3] for row in rows(path)] == [1, 1]


@pytest.mark.parametrize(
    ("start", "windows"),
    [
        (3.9, [2]),  # the first window ends at 3.0
        (4.1, [1, 1]),
        (-60.0, [1, 1]),  # the clock was set back
    ],
)
def test_a_hole_of_over_a_second_ends_a_stretch(made, start: float, windows: list[int]) -> None:
    sink, _, path, _ = made()
    sink.write(live(0, "jazz"))
    sink.write(live(start, "jazz"))
    sink.close()
    assert [row[3] for row in rows(path)] == windows


def test_there_is_one_commit_in_thirty_seconds(made) -> None:
    sink, clock, path, _ = made()
    commits = []
    for k in range(100):
        clock.now = T0 + 3 * k
        sink.write(live(3 * k, f"label {k}"))
        commits.append(len(rows(path)))
    assert len(set(commits)) == 10, "300 s, ten commits"
    sink.close()
    assert len(rows(path)) == 100


def test_the_first_window_is_written_at_once_whatever_came_before(made) -> None:
    """So the page has a history soon after the start."""
    sink, clock, path, _ = made()
    sink.write(StateRecord(iso8601(T0), "listening", "opened", None))
    clock.now += 3
    assert sink.write(live(0, "jazz")) == 1
    assert [row[0] for row in rows(path)] == ["jazz"]
    sink.close()


def test_what_was_heard_is_written_while_nothing_is_heard(made) -> None:
    """As while the microphone is lost."""
    sink, clock, path, _ = made()
    sink.write(live(0, "jazz"))
    for k in range(1, 5):
        sink.write(live(3 * k, "rock"))
    clock.now += 31
    assert (sink.tend(), sink.tend()) == (4, 0)
    assert [(label, n) for label, _, _, n, _ in rows(path)] == [("jazz", 1), ("rock", 4)]
    sink.close()


def test_windows_are_kept_if_asked_for(made) -> None:
    sink, _, path, _ = made(windows=True)
    for k in range(5):
        sink.write(live(3 * k, "jazz"))
    sink.close()
    assert query(path, "SELECT count(*), avg(confidence) FROM windows") == [(5, pytest.approx(0.8))]


def test_files_are_a_source_each(made) -> None:
    sink, _, path, _ = made()
    for name in ("a.mp3", "b.mp3"):
        for k in range(2):
            sink.write(WindowRecord(name, 3.0 * k, 3.0 * k + 3, "rock", 0.9, {}))
        sink.write(FileRecord(name, 6.0, 2, "rock", 0.9, {}))
    sink.close()
    assert [(label, n) for label, _, _, n, _ in rows(path)] == [("rock", 2), ("rock", 2)]


def test_rows_older_than_keep_days_are_deleted(made) -> None:
    sink, clock, path, _ = made(keep_days=1, commit_seconds=0, windows=True)
    for start, label in ((0, "old"), (29, "ends a second later"), (60, "young enough")):
        sink.write(live(start, label))
    clock.now = T0 + 86_400 + 31
    sink.close()
    assert [row[0] for row in rows(path)] == ["ends a second later", "young enough"]
    kept = query(path, "SELECT start - ? FROM windows", T0)
    assert [round(start) for (start,) in kept] == [29, 60], "single windows are as old"


def test_a_file_that_grows_too_large_loses_its_oldest_rows(made) -> None:
    sink, clock, path, _ = made(most_megabytes=0.2, windows=True)
    for k in range(20_000):
        clock.now = T0 + 3 * k
        sink.write(live(3 * k, f"label {k % 2}"))
    sink.close()
    assert 0.15e6 < used_bytes(path) < 0.25e6
    for table in ("stretches", "windows"):
        ((count, newest),) = query(path, f"SELECT count(*), max(start) - ? FROM {table}", T0)
        assert 0 < count < 20_000, f"{table} loses some, and not all"
        assert round(newest) == 3 * 19_999, f"{table} keeps the newest"


def used_bytes(path: Path) -> int:
    """Size of what a history holds: a copy of it has no free pages."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("VACUUM")
    return path.stat().st_size


def test_a_stretch_that_grows_is_kept_beside_windows_that_fill_the_file(made) -> None:
    sink, clock, path, _ = made(most_megabytes=0.2, windows=True)
    for k in range(8000):
        clock.now = T0 + 3 * k
        sink.write(live(3 * k, "silence"))
    sink.close()
    assert query(path, "SELECT count(*) FROM windows") < [(8000,)], "the limit was reached"
    assert rows(path) == [("silence", 0.0, 24_000.0, 8000, 0.8)]


def test_a_stretch_whose_row_was_deleted_is_written_again(made) -> None:
    sink, _, path, _ = made(commit_seconds=0)
    sink.write(live(0, "jazz"))
    with closing(sqlite3.connect(path)) as file:
        file.execute("DELETE FROM stretches")
        file.commit()
    sink.write(live(3, "jazz"))
    sink.close()
    assert rows(path) == [("jazz", 0.0, 6.0, 2, 0.8)]


def test_retention_by_size_leaves_what_fits(tmp_path) -> None:
    """Pages of deleted rows stay in the file; they are not counted as used."""
    with closing(open_database(tmp_path / "h.db", SCHEMA)) as file:
        write_windows(file, [("usb:1", T0 + k, T0 + k + 3, "jazz", 0.8) for k in range(10_000)])
        file.commit()
        pages, size = (
            file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
        )
        counts = []
        for _ in range(50):
            delete_beyond(file, pages * size / 2)
            counts.append(file.execute("SELECT count(*) FROM windows").fetchone()[0])
        assert counts[0] < 10_000, "it was too large"
        assert counts[-2:] == [counts[-1]] * 2, "what fits stays"
        assert 0.4 < counts[-1] / 10_000 < 0.55
        assert file.execute("SELECT max(start) FROM windows").fetchone()[0] == T0 + 9999


def test_a_power_cut_costs_the_last_commits_and_never_the_file(tmp_path) -> None:
    """SQLite promises it of this journal in this mode."""
    with closing(open_database(tmp_path / "h.db", SCHEMA)) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert file.execute("PRAGMA synchronous").fetchone() == (1,), "NORMAL"


def test_a_corrupt_file_is_set_aside(made, tmp_path) -> None:
    (tmp_path / "h.db").write_bytes(b"no database " * 500)
    sink, _, path, _ = made()
    sink.write(live(0, "jazz"))
    sink.close()
    assert len(rows(path)) == 1
    (aside,) = tmp_path.glob("h.db.corrupt-*")
    assert aside.read_bytes().startswith(b"no database")


def test_a_locked_file_is_waited_for_and_nothing_is_lost(made, monkeypatch) -> None:
    sink, clock, path, _ = made()
    sink.write(live(0, "jazz"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    sink._file._file.execute("PRAGMA busy_timeout=10")
    clock.now += 31
    with pytest.raises(HistoryError, match="trying again"):
        sink.write(live(3, "rock"))
    sink.write(live(6, "rock"))  # not yet time to try again
    other.execute("ROLLBACK")
    other.close()
    clock.now += 31
    sink.write(live(9, "rock"))
    sink.close()
    assert [(label, n) for label, _, _, n, _ in rows(path)] == [("jazz", 1), ("rock", 3)]


def test_a_folder_that_is_missing_is_told_and_later_found(made, tmp_path) -> None:
    clock, health = Clock(), SinkHealth("history")
    path = tmp_path / "usb" / "h.db"
    sink = HistorySink(HistoryConfig(path), health, clock, clock)
    with pytest.raises(HistoryError, match="cannot be opened"):
        sink.write(live(0, "jazz"))
    path.parent.mkdir()
    clock.now += 31
    sink.write(live(3, "jazz"))
    sink.close()
    assert rows(path)[0][3] == 2, "what was heard meanwhile is there"


def test_a_full_disk_stops_nothing(made) -> None:
    sink, clock, path, health = made(windows=True)
    sink.write(live(0, "jazz"))
    sink._file._file.execute("PRAGMA max_page_count=1")  # what SQLite says is that of a full disk
    failures = 0
    for k in range(1, 400):
        clock.now = T0 + 3 * k
        try:
            sink.write(live(3 * k, f"label {k}"))
        except HistoryError as error:
            assert "full" in str(error)
            failures += 1
    assert 0 < failures <= 40, "one attempt in 30 s at most"
    sink._file._file.execute("PRAGMA max_page_count=100000")
    sink.close()
    assert len(rows(path)) == 400
    assert health.dropped == 0


_WRITER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.sinks.test_history import live
from genre_edge.extras import install_line
from genre_edge.health import SinkHealth
from genre_edge.sinks.history import HistoryConfig, HistorySink
config = HistoryConfig(Path({path!r}), windows=True, commit_seconds=0.0, keep_days=1e6)
sink = HistorySink(config, SinkHealth("history"))
for k in range({first}, 10**9):
    sink.write(live(3 * k, f"label {{k}}"))
    print(k, flush=True)
"""


@pytest.mark.slow
def test_fifty_kills_lose_nothing_that_was_committed(tmp_path, capsys) -> None:
    path, rng, done = tmp_path / "h.db", random.Random(1), -1
    for _ in range(50):
        code = _WRITER.format(tests=str(Path(__file__).parents[2]), path=str(path), first=done + 1)
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(rng.uniform(0, 0.05))
            child.kill()
            said = child.stdout.read().splitlines()
        whole = [int(line) for line in said if line.isdigit()]
        done = max([done + 1, *whole[:-1]])
        assert query(path, "PRAGMA integrity_check") == [("ok",)]
        labels = {label for (label,) in query(path, "SELECT label FROM stretches")}
        missing = [k for k in range(done + 1) if f"label {k}" not in labels]
        assert not missing
    with capsys.disabled():
        print(f"\n50 kills, {done + 1} commits, none lost")


# --- no clock and no file is trusted


class Clocks:
    """A clock of the wall that may be wrong, and one that only increases."""

    def __init__(self, tmp_path: Path, is_right: bool | None = True, **config) -> None:
        self.wall, self.steady, self.is_right = T0, 0.0, is_right
        self.path, self.health, self.said = tmp_path / "h.db", SinkHealth("history"), []
        self.sink = HistorySink(
            HistoryConfig(self.path, **config),
            self.health,
            lambda: self.wall,
            lambda: self.steady,
            lambda: self.is_right,
            self.said.append,
        )
        self.number = 0

    def hear(self, count: int = 1, label: str = "") -> None:
        """Windows of 3 s, each with a label of its own if none is given."""
        for _ in range(count):
            self.sink.write(live(self.wall - T0, label or f"label {self.number}"))
            self.number += 1
            self.wall += 3
            self.steady += 3


@pytest.mark.parametrize("is_right", [True, False, None])
def test_a_clock_400_days_ahead_does_not_empty_the_history(tmp_path, is_right) -> None:
    clocks = Clocks(tmp_path, is_right)
    clocks.hear(5000)
    clocks.wall += 401 * 86_400
    clocks.hear(1200)  # an hour
    clocks.wall -= 401 * 86_400
    clocks.hear(200)
    clocks.sink.close()
    ((kept,),) = query(clocks.path, "SELECT count(*) FROM stretches WHERE start < ?", T0 + 15_000)
    assert kept == 5000 if not is_right else kept > 0.7 * 5000
    assert clocks.health.dropped == 0


def test_a_clock_that_steps_back_holds_up_no_commit(tmp_path) -> None:
    clocks = Clocks(tmp_path)
    clocks.hear(100)
    clocks.wall -= 400 * 86_400
    for _ in range(10):
        clocks.hear(100)
        assert len(rows(clocks.path)) >= clocks.number - 11, "one commit in 30 s"
        assert clocks.sink._pending <= 11, "memory is flat"
    clocks.sink.close()
    assert len(rows(clocks.path)) == 1100


def test_age_deletes_a_small_share_at_a_time_and_everything_in_the_end(tmp_path) -> None:
    with closing(open_database(tmp_path / "h.db", SCHEMA, version=1)) as file:
        write_windows(file, [("usb:1", T0 + k, T0 + k + 3, "jazz", 0.8) for k in range(100_000)])
        counts = [100_000]
        for _ in range(2000):
            delete_aged(file, T0 + 50_000)
            counts.append(file.execute("SELECT count(*) FROM windows").fetchone()[0])
        assert counts[1] == 100_000 - 50
        assert max(a - b for a, b in pairwise(counts)) <= 50
        assert counts[-1] == 50_003, "what ended before is gone, and nothing else"


def test_a_file_removed_or_replaced_in_use_is_noticed(tmp_path) -> None:
    clocks = Clocks(tmp_path, commit_seconds=0)
    clocks.hear(3, "jazz")
    clocks.path.unlink()
    clocks.hear(3, "jazz")
    ((_, _, _, windows, _),) = rows(clocks.path)
    assert windows == 6, "the stretch that grows is whole in the new file"
    assert clocks.said == [f"{clocks.path}: was removed, replaced or damaged while in use"]
    other = Clocks(tmp_path / "other")
    other.path.parent.mkdir()
    other.hear(1, "rock")
    other.sink.close()
    other.path.replace(clocks.path)
    clocks.hear(1, "pop")
    clocks.sink.close()
    assert [row[0] for row in rows(clocks.path)] == ["rock", "jazz", "pop"], "none of it is lost"
    assert clocks.health.dropped == 0


def test_another_program_that_leaves_the_file_takes_no_log_in_use_with_it(tmp_path) -> None:
    clocks = Clocks(tmp_path, commit_seconds=0)
    clocks.hear(3)
    visit = "import sqlite3, sys; f = sqlite3.connect(sys.argv[1]); print(f.execute('SELECT"
    visit += " count(*) FROM stretches').fetchone()[0]); f.close()"
    for seen in (3, 6):
        said = subprocess.check_output([sys.executable, "-c", visit, clocks.path], text=True)
        assert int(said) == seen
        clocks.hear(3)
    assert len(rows(clocks.path)) == 9, "a kill now would cost nothing that was committed"
    clocks.sink.close()
    assert clocks.said == []


@pytest.mark.parametrize("content", [b"", b"no database " * 1000])
def test_a_file_overwritten_in_use_is_noticed(tmp_path, content: bytes) -> None:
    clocks = Clocks(tmp_path, commit_seconds=0)
    clocks.hear(3)
    clocks.path.write_bytes(content)
    clocks.hear(3)
    clocks.sink.close()
    assert query(clocks.path, "PRAGMA integrity_check") == [("ok",)]
    assert {row[0] for row in rows(clocks.path)} >= {"label 3", "label 4", "label 5"}
    assert "damaged while in use" in clocks.said[0]


def test_pages_damaged_in_use_are_noticed_when_they_are_met(tmp_path) -> None:
    clocks = Clocks(tmp_path, commit_seconds=0, windows=True)
    clocks.hear(2000)
    file = clocks.sink._file._file
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.execute("PRAGMA cache_size=1")
    size = clocks.path.stat().st_size
    with clocks.path.open("r+b") as out:
        out.seek(4096)
        out.write(b"\xff" * (size - 4096))
    clocks.hear(10)
    clocks.sink.close()
    assert len(rows(clocks.path)) >= 10
    assert any("damaged" in line for line in clocks.said)
    assert list(tmp_path.glob("h.db.corrupt-*"))


def test_a_newer_history_is_refused_and_left_alone(tmp_path, cli, demo_clip) -> None:
    path = tmp_path / "h.db"
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 2")
        file.execute("CREATE TABLE stretches (things)")
    before = path.read_bytes()
    clocks = Clocks(tmp_path)
    with pytest.raises(HistoryError, match="newer genre-edge"):
        clocks.hear()
    done = cli("classify", demo_clip, "--history", path)
    assert (done.returncode, "newer genre-edge" in done.stderr) == (2, True)
    shown = cli("history", path)
    assert (shown.returncode, "newer genre-edge" in shown.stderr) == (1, True)
    assert path.read_bytes() == before


def test_a_row_that_cannot_be_stored_does_not_stop_those_behind_it(tmp_path) -> None:
    clocks = Clocks(tmp_path, commit_seconds=0)
    clocks.hear(2)
    broken = live(6, "bro\udcffken")
    clocks.sink.write(broken)
    clocks.hear(2)
    clocks.sink.close()
    assert [row[0] for row in rows(clocks.path)] == ["label 0", "label 1", "label 2", "label 3"]
    assert clocks.health.dropped == 1
    assert "1 windows cannot be stored" in clocks.said[0]


@pytest.mark.parametrize("labels", [1, 2])
def test_each_window_that_finds_no_room_is_counted_once(made, monkeypatch, labels: int) -> None:
    monkeypatch.setattr(history_sink, "_MOST_PENDING", 100)
    sink, clock, path, health = made(windows=True)
    path.mkdir()
    for k in range(1000):
        clock.now = T0 + 3 * k
        with suppress(HistoryError):
            sink.write(live(3 * k, f"label {k % labels}"))
    path.rmdir()
    clock.now += 60
    sink.close()
    ((kept,),) = query(path, "SELECT count(*) FROM windows")
    assert (health.dropped + kept, health.dropped > 800) == (1000, True)


def test_what_is_lost_at_the_end_is_counted(tmp_path) -> None:
    clocks = Clocks(tmp_path)
    clocks.hear(1)
    clocks.path.unlink()
    clocks.path.mkdir()
    clocks.hear(5)
    with pytest.raises(HistoryError):
        clocks.sink.close()
    assert clocks.health.dropped == 5


def test_what_a_damaged_file_says_stays_one_line(tmp_path) -> None:
    path = tmp_path / "h.db"
    farend(path)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode=DELETE")
    path.write_bytes(
        path.read_bytes().replace(b"CREATE TABLE stretches", b"CREATE TABLE \x0ftretches")
    )
    with pytest.raises(GenreEdgeError) as error:
        summarise(path, 0.0, "genre")
    assert str(error.value).isprintable()


def test_a_history_is_for_its_owner_alone(made) -> None:
    sink, _, path, _ = made()
    sink.write(live(0, "jazz"))
    for name in ("h.db", "h.db-wal", "h.db-shm"):
        assert path.with_name(name).stat().st_mode & 0o777 == 0o600, name
    sink.close()


# --- reading


def farend(path: Path, *rows: tuple) -> None:
    with closing(open_database(path, SCHEMA, version=1)) as file, file:
        file.executemany(
            "INSERT INTO stretches (source, label, start, end, windows, confidence) "
            "VALUES ('s', ?, ?, ?, ?, 0.5)",
            rows,
        )


@pytest.mark.parametrize("by", ["genre", "hour", "day"])
def test_reading_ends_whatever_the_rows_say(tmp_path, by: str) -> None:
    farend(
        tmp_path / "h.db",
        ("far", 1_790_000_000.0, 1e300, 3),
        ("backward", 1_790_000_000.0, 1_780_000_000.0, 3),
        ("late", 1e18, 1e18 + 3, 1),
        ("early", -1e18, 1_790_000_000.0, 1),
        (b"no text", 1_790_000_000.0, 1_790_000_003.0, 1),
        ("right", 1_790_000_000.0, 1_790_000_003.0, 1),
    )
    found = {row.label: row.seconds for row in summarise(tmp_path / "h.db", 0.0, by)}
    assert found == {"far": 180.0, "right": 3.0}, "three windows are three minutes at most"
    farend(tmp_path / "h.db", ("endless", 0.0, 1e300, 2**62))
    with pytest.raises(GenreEdgeError, match="more time than there was"):
        summarise(tmp_path / "h.db", 0.0, by)
    with pytest.raises(GenreEdgeError, match="more time than there was"):
        latest_stretches(tmp_path / "h.db", 0.0, 10)


@pytest.mark.parametrize("damaged", ["text", b"bytes", 1e300, float("inf"), -1.0])
def test_a_damaged_confidence_is_none(tmp_path, damaged: object) -> None:
    farend(tmp_path / "h.db", ("jazz", 1_790_000_000.0, 1_790_000_003.0, 1))
    with closing(sqlite3.connect(tmp_path / "h.db")) as file, file:
        file.execute("UPDATE stretches SET confidence = ?", (damaged,))
    assert [row.confidence for row in summarise(tmp_path / "h.db", 0.0, "genre")] == [None]
    assert [one.confidence for one in latest_stretches(tmp_path / "h.db", 0.0, 10)] == [None]


def test_reading_ends_when_its_time_is_over(made) -> None:
    sink, _, path, _ = made()
    sink.write(live(0, "jazz"))
    sink.close()
    with pytest.raises(GenreEdgeError, match="too long to be read in 0 s: ask for less"):
        summarise(path, 0.0, "hour", None, 0.0)
    with pytest.raises(GenreEdgeError, match="too long to be read in 0 s: ask for less"):
        latest_stretches(path, 0.0, 1, None, 0.0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_can_read_it_where_that_is_allowed() -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))

    def as_nobody() -> str:
        """What a process of another user gets."""
        out, back = os.pipe()
        child = os.fork()
        if child == 0:
            os.setgid(65534)
            os.setuid(65534)
            try:
                told = str(summarise(path, 0.0, "genre"))
            except BaseException as error:
                told = str(error)
            os.write(back, told.encode())
            os._exit(0)
        os.close(back)
        os.waitpid(child, 0)
        with open(out) as said:
            return said.read()

    try:
        folder.chmod(0o755)
        path = folder / "h.db"
        farend(path, ("jazz", T0, T0 + 3, 1))
        assert summarise(path, 0.0, "genre")
        assert "may not be read by this user" in as_nobody()
        path.chmod(0o644)
        assert "label='jazz', seconds=3.0" in as_nobody()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def history(tmp_path, berlin) -> Path:
    path, clock = tmp_path / "h.db", Clock()
    sink = HistorySink(HistoryConfig(path), SinkHealth("history"), clock, clock)
    begin = (
        datetime(2026, 3, 28, 22, 30, tzinfo=UTC).timestamp() - T0
    )  # 23:30 in Berlin; the clock changes that night
    for k in range(1200):
        clock.now = T0 + begin + 3 * k
        sink.write(live(begin + 3 * k, "jazz" if k < 900 else "rock", 0.9 if k < 900 else 0.5))
    sink.close()
    return path


def test_time_is_summed_by_genre_hour_and_day(history) -> None:
    assert [(r.label, r.seconds, r.confidence) for r in summarise(history, 0, "genre")] == [
        ("jazz", 2700.0, 0.9),
        ("rock", 900.0, 0.5),
    ]
    assert [(r.when, r.label, r.seconds) for r in summarise(history, 0, "hour")] == [
        ("2026-03-28T23:00", "jazz", 1800.0),
        ("2026-03-29T00:00", "jazz", 900.0),
        ("2026-03-29T00:00", "rock", 900.0),
    ]
    assert [(r.when, r.label, r.seconds) for r in summarise(history, 0, "day")] == [
        ("2026-03-28", "jazz", 1800.0),
        ("2026-03-29", "jazz", 900.0),
        ("2026-03-29", "rock", 900.0),
    ]


def of_berlin(text: str) -> float:
    """UTC of a time in Berlin, given with its offset."""
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("start", "end", "by", "expected"),
    [
        (
            "2026-03-28T12:00+01:00",
            "2026-03-30T12:00+02:00",
            "day",
            [("2026-03-28", 12.0), ("2026-03-29", 23.0), ("2026-03-30", 12.0)],
        ),
        (
            "2026-10-25T00:00+02:00",
            "2026-10-26T01:00+01:00",
            "day",
            [("2026-10-25", 25.0), ("2026-10-26", 1.0)],
        ),
        (
            "2026-03-29T01:30+01:00",
            "2026-03-29T03:30+02:00",
            "hour",
            [("2026-03-29T01:00", 0.5), ("2026-03-29T03:00", 0.5)],
        ),
        (
            "2026-10-25T02:00+02:00",
            "2026-10-25T03:30+01:00",
            "hour",
            [("2026-10-25T02:00", 1.0), ("2026-10-25T02:00", 1.0), ("2026-10-25T03:00", 0.5)],
        ),
    ],
    ids=["spring day", "autumn day", "spring hour", "autumn hour"],
)
def test_days_and_hours_are_those_of_the_calendar(
    berlin, start: str, end: str, by: str, expected: list[tuple[str, float]]
) -> None:
    found = parts(of_berlin(start), of_berlin(end), by)
    assert [(when, seconds / 3600) for when, seconds in found] == expected


def test_no_part_is_negative_where_clocks_are_set_back_across_midnight(monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/St_Johns")  # on 7 November 2010 from 00:01 to 23:01
        time.tzset()
        found = list(islice(parts(T_SET_BACK + 60, T_SET_BACK + 7260, "day"), 10))
    time.tzset()
    assert sum(seconds for _, seconds in found) == 7200
    assert all(seconds > 0 for _, seconds in found)
    assert {when for when, _ in found} == {"2010-11-06", "2010-11-07"}


@given(
    start=st.floats(T0, T0 + 400 * 86_400),
    length=st.floats(0, 3 * 86_400),
    by=st.sampled_from(["hour", "day"]),
)
def test_parts_of_a_stretch_add_up_and_each_is_in_its_hour_or_day(
    berlin, start: float, length: float, by: str
) -> None:
    end, at = start + length, start
    for when, seconds in parts(start, end, by):
        assert seconds > 0
        middle = datetime.fromtimestamp(at + seconds / 2).isoformat()
        assert middle.startswith(when[:13] if by == "hour" else when)
        at += seconds
    assert at == pytest.approx(end, abs=1e-3)


def test_since_cuts_a_stretch(history) -> None:
    end = datetime(2026, 3, 28, 23, 30, tzinfo=UTC).timestamp()
    assert [(r.label, r.seconds) for r in summarise(history, end - 600, "genre")] == [
        ("rock", 600.0)
    ]


def test_stretches_are_listed_the_latest_first_and_with_their_source(history) -> None:
    rock, jazz = latest_stretches(history, 0, 10)
    assert (rock.label, rock.start, rock.end, rock.confidence) == (
        *("rock", "2026-03-28T23:15:00.000Z", "2026-03-28T23:30:00.000Z", 0.5),
    )
    assert (jazz.label, jazz.end) == ("jazz", "2026-03-28T23:15:00.000Z")
    assert latest_stretches(history, 0, 1) == [rock]
    assert latest_stretches(history, 0, 10, jazz.source) == [rock, jazz]
    assert heard_sources(history, 0) == [jazz.source]
    assert heard_sources(history, 1e10) == []
    with pytest.raises(UsageError, match="source cellar: is not in this history"):
        latest_stretches(history, 0, 10, "cellar")


def picture(history: Path, folder: Path, *options: str) -> str:
    """The picture of a history, as SVG."""
    command = ["history", str(history), "--since", "5000w", "--plot", str(folder / "p.svg")]
    assert genre_edge.main([*command, *options]) == 0
    return (folder / "p.svg").read_text()


def test_a_picture_has_the_colours_of_the_page_and_says_when(history, tmp_path) -> None:
    by_day = picture(history, tmp_path, "--by", "day")
    assert "What was heard, 28 to 29 March 2026" in by_day
    assert "local time (" in by_day
    for genre in ("jazz", "rock"):
        assert COLOURS[genre] in by_day
    assert "#14171a" not in by_day
    assert "#14171a" in picture(history, tmp_path, "--by", "hour", "--dark")


def test_silence_leaves_room_for_the_genres_in_a_picture(tmp_path) -> None:
    rows = [LabelTime("", "silence", 90_000, None), LabelTime("", "jazz", 3600, 0.9)]
    plot_history(rows, tmp_path / "p.svg", "genre", 0.0, pictures.DARK)
    drawn = (tmp_path / "p.svg").read_text()
    assert "25.0: longer than this axis" in drawn
    assert SILENCE_AT_NIGHT in drawn


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none/p.png", "no such file or directory"), ("p.gif", "must be a .png, .svg or .pdf")],
)
def test_a_picture_that_cannot_be_written_is_told_before_anything_is_read(
    tmp_path, capsys, name: str, reason: str
) -> None:
    command = ["history", str(tmp_path / "no.db"), "--plot", str(tmp_path / name)]
    assert genre_edge.main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.lower().startswith(f"genre-edge: --plot {tmp_path / name}: {reason}".lower())


def test_a_picture_needs_matplotlib_and_says_how_to_get_it(
    history, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    assert genre_edge.main(["history", str(history), "--plot", str(tmp_path / "p.png")]) == 2
    assert install_line("plot") in capsys.readouterr().err
    assert not (tmp_path / "p.png").exists()


def test_history_is_printed_in_three_formats_and_a_picture(history, tmp_path, capsys) -> None:
    common = ["history", str(history), "--since", "5000w"]
    assert genre_edge.main([*common, "--by", "day", "--plot", str(tmp_path / "p.png")]) == 0
    text = capsys.readouterr().out
    assert "2026-03-28\n  jazz           0:30:00   90%  █" in text
    assert (tmp_path / "p.png").stat().st_size > 5000
    assert genre_edge.main([*common, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == {
        "when": "",
        "label": "jazz",
        "seconds": 2700.0,
        "confidence": 0.9,
    }
    assert genre_edge.main([*common, "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "when,label,seconds,confidence",
        ",jazz,2700.0,0.9",
        ",rock,900.0,0.5",
    ]


def test_nothing_and_no_history_are_told(history, tmp_path, capsys) -> None:
    assert genre_edge.main(["history", str(history), "--since", "1m"]) == 0
    assert "nothing was heard in the last 1m" in capsys.readouterr().out
    assert genre_edge.main(["history", str(tmp_path / "none.db")]) == 2
    assert "no history there" in capsys.readouterr().err
    (tmp_path / "bad.db").write_text("no database at all" * 100)
    assert genre_edge.main(["history", str(tmp_path / "bad.db")]) == 1
    assert "not a history, or damaged" in capsys.readouterr().err


def test_ages_are_read() -> None:
    assert [parse_age(t) for t in ("30m", "12h", "7d", "1.5w")] == [1800, 43_200, 604_800, 907_200]
    with pytest.raises(UsageError, match="such as 12h or 7d"):
        parse_age("yesterday")


def test_classify_writes_a_history(demo_clip, tmp_path, cli) -> None:
    path = tmp_path / "new" / "h.db"
    done = cli("classify", demo_clip, "--format", "json", "--history", path, env={**os.environ})
    assert done.returncode == 0, done.stderr
    windows = [r for r in map(json.loads, done.stdout.splitlines()) if r["type"] == "window"]
    assert query(path, "SELECT sum(windows) FROM stretches") == [(len(windows),)]


def test_a_message_quotes_no_control_characters_of_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE stretches (a TEXT)")
    file.close()
    path.write_bytes(path.read_bytes().replace(b"(a TEXT)", b"(a \x02\nXT"))
    with pytest.raises(GenreEdgeError) as error:
        summarise(path, 0.0, "genre")
    assert str(error.value).isprintable()
