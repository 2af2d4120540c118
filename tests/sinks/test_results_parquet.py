"""A Parquet file of results: readable at any moment, and a later run goes on."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from genre_edge.errors import GenreEdgeError, UsageError
from genre_edge.records import FileRecord, WindowRecord
from genre_edge.sinks.results_parquet import ParquetResults
from pyarrow import parquet

LABELS = ("jazz", "rock")
SCORES = {"jazz": 0.25, "rock": 0.75}


def hear(results: ParquetResults, *names: str) -> None:
    """Write a window and a verdict for each recording."""
    for name in names:
        results.write(WindowRecord(name, 0.0, 3.0, "rock", 0.75, SCORES))
        results.write(FileRecord(name, 3.5, 1, "rock", 0.75, SCORES))


def names(path: Path) -> list[str]:
    """The recordings of which a file, or a folder of files, has a verdict."""
    table = parquet.read_table(path).to_pylist()
    return [row["file"] for row in table if row["type"] == "file"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.parquet"


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return tmp_path / "results.parquet.parts"


def test_rows_have_the_columns_of_the_table_and_types(path) -> None:
    results = ParquetResults(path, LABELS, "model", False)
    hear(results, "a\udcff.wav")
    results.write(FileRecord("silent.wav", 3.0, 0, None, None, {}))
    results.close()
    window, verdict, silent = parquet.read_table(path).to_pylist()
    name = "a\\udcff.wav"
    assert window == {
        **{"type": "window", "file": name, "start": 0.0, "end": 3.0, "windows": 1},
        **{"genre": "rock", "confidence": 0.75, "jazz": 0.25, "rock": 0.75},
    }
    assert (verdict["type"], verdict["end"], verdict["windows"]) == ("file", 3.5, 1)
    assert (silent["genre"], silent["confidence"], silent["jazz"]) == (None, None, None)
    assert ParquetResults(path, LABELS, "model", True).done == {name, "silent.wav"}


def test_parts_that_a_killed_program_left_know_their_model(path, parts) -> None:
    first = ParquetResults(path, LABELS, "model", False, part_seconds=0)
    hear(first, "a")
    first._unlock()  # killed
    with pytest.raises(UsageError, match="holds results of the model model: give another name"):
        ParquetResults(path, LABELS, "other", True)
    assert names(parts) == ["a"]


def test_a_killed_program_leaves_whole_parts(path, parts) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.sinks.test_results_parquet import LABELS, ParquetResults, hear\n"
        f"results = ParquetResults(Path({str(path)!r}), LABELS, 'model', False, part_seconds=0)\n"
        "hear(results, 'a', 'b', 'c')\n"
        "print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        with pytest.raises(UsageError, match="another run writes to it"):
            ParquetResults(path, LABELS, "model", True)
        program.kill()
    assert program.returncode == -signal.SIGKILL
    assert names(parts) == ["a", "b", "c"]
    with pytest.raises(UsageError, match="already exists; --resume goes on from it"):
        ParquetResults(path, LABELS, "model", False)
    results = ParquetResults(path, LABELS, "model", True)
    assert results.done == {"a", "b", "c"}
    hear(results, "d")
    results.close()
    assert names(path) == ["a", "b", "c", "d"]
    assert not parts.exists()


def test_parts_that_were_joined_already_are_not_joined_again(path, parts) -> None:
    results = ParquetResults(path, LABELS, "model", False, part_seconds=0)
    hear(results, "a", "b")
    before = {part.name: part.read_bytes() for part in parts.iterdir()}
    results.close()
    parts.mkdir()  # as if the program had died before it removed them
    for name, content in before.items():
        (parts / name).write_bytes(content)
    results = ParquetResults(path, LABELS, "model", True, part_seconds=0)
    hear(results, "c")
    results.close()
    assert names(path) == ["a", "b", "c"]


def test_a_recording_that_failed_is_left_out(path) -> None:
    results = ParquetResults(path, LABELS, "model", False)
    hear(results, "a")
    results.write(WindowRecord("cut", 0.0, 3.0, "rock", 0.75, SCORES))
    results.forget()
    hear(results, "b")
    results.write(WindowRecord("interrupted", 0.0, 3.0, "rock", 0.75, SCORES))
    results.close()
    table = parquet.read_table(path).to_pylist()
    assert [row["file"] for row in table] == ["a", "a", "b", "b"]


def test_a_run_that_heard_nothing_leaves_a_table_without_rows(path) -> None:
    ParquetResults(path, LABELS, "model", False).close()
    assert parquet.read_table(path).num_rows == 0


def test_another_models_file_and_another_programs_file_are_refused(path) -> None:
    ParquetResults(path, ["folk"], "model", False).close()
    with pytest.raises(UsageError, match="was written with other labels"):
        ParquetResults(path, LABELS, "model", True)
    path.write_text("mine")
    with pytest.raises(UsageError, match="is no whole Parquet file"):
        ParquetResults(path, LABELS, "model", True)
    assert path.read_text() == "mine"
    assert os.listdir(path.parent) == [path.name]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond this, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_is_one_line_and_what_was_written_stays(path, parts) -> None:
    results = ParquetResults(path, LABELS, "model", False, part_seconds=0)
    hear(results, "a")
    with largest_file(100), pytest.raises(GenreEdgeError) as caught:
        hear(results, "b")
    assert str(caught.value) == (
        f"output {path}: cannot be written: File too large; --resume goes on from it"
    )
    with largest_file(100), pytest.raises(GenreEdgeError, match="cannot be written"):
        results.close()
    assert names(parts) == ["a"]
    results = ParquetResults(path, LABELS, "model", True)
    hear(results, "b")
    results.close()
    assert names(path) == ["a", "b"]
