"""A file of lines that a run goes on from: another program's file is never changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from genre_edge.errors import GenreEdgeError, UsageError
from genre_edge.records import FileRecord, WindowRecord
from genre_edge.sinks.results import Results, open_results

from tests.sinks.test_results_parquet import largest_file

LABELS = ("jazz", "rock")
SCORES = {"jazz": 0.25, "rock": 0.75}
SUFFIXES = pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
HEADER = "type,file,start,end,windows,genre,confidence,jazz,rock\n"


def hear(results: Results, *names: str) -> None:
    """Write a window and a verdict for each recording."""
    for name in names:
        results.write(WindowRecord(name, 0.0, 3.0, "rock", 0.75, SCORES))
        results.write(FileRecord(name, 3.5, 1, "rock", 0.75, SCORES))


@SUFFIXES
@pytest.mark.parametrize(
    "content",
    [
        b"my notes\nlast",
        b"last",
        b"\n",
        b'{"a": 1}\n',
        b"[1, 2]\n",
        b'{"type":"file"}\n',
        b"fLaC\x00\x00\x00\x22\x10\x00\r\x0d\n\xff\xfe",
        b"a\rb\n",
        HEADER.encode() + b"my,own,row\n",
        HEADER.encode() + b"window,a.wav\nfile,b.wav\n",
        HEADER.encode() + b"last",
    ],
)
def test_what_is_no_file_of_results_is_refused(tmp_path, suffix, content: bytes) -> None:
    path = tmp_path / f"notes{suffix}"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"line \d is not a result of genre-edge") as caught:
        open_results(path, LABELS, "model", True)
    assert len(str(caught.value).splitlines()) == 1
    assert path.read_bytes() == content


@SUFFIXES
def test_what_somebody_added_is_refused(tmp_path, suffix) -> None:
    path = tmp_path / f"results{suffix}"
    results = open_results(path, LABELS, "model", False)
    hear(results, "a.wav")
    results.close()
    for added in (b"my notes\n", b"my notes"):
        content = path.read_bytes() + added
        (tmp_path / f"added{suffix}").write_bytes(content)
        with pytest.raises(UsageError, match="is not a result of genre-edge"):
            open_results(tmp_path / f"added{suffix}", LABELS, "model", True)
        assert (tmp_path / f"added{suffix}").read_bytes() == content


@SUFFIXES
@pytest.mark.parametrize("name", ["a.wav", 'a "b",\nc.wav', "a\rb\r\n.wav"])
def test_a_run_goes_on_wherever_a_crash_cut_the_file(tmp_path, suffix, name: str) -> None:
    path = tmp_path / f"results{suffix}"
    results = open_results(path, LABELS, "model", False)
    hear(results, name, f"{name}.wav")
    results.close()
    whole = path.read_bytes()
    for length in [0, 1, *range(2, len(whole), 9), len(whole) - 1]:
        for zeros in (b"", b"\0" * 5):  # as a power cut leaves it
            path.write_bytes(whole[:length] + zeros)
            results = open_results(path, LABELS, "model", True)
            hear(results, *(one for one in (name, f"{name}.wav") if one not in results.done))
            results.close()
            assert path.read_bytes() == whole


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_regular_file_is_refused(tmp_path: Path, suffix, kind: str) -> None:
    path = tmp_path / f"results{suffix}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/full")
    else:
        path.mkdir()
    with pytest.raises(UsageError, match="is not a regular file"):
        open_results(path, LABELS, "model", True)


@SUFFIXES
def test_a_full_disk_leaves_whole_recordings_and_a_later_run_goes_on(tmp_path, suffix) -> None:
    path = tmp_path / f"results{suffix}"
    results = open_results(path, LABELS, "model", False)
    hear(results, "a.wav")
    whole = path.read_bytes()
    with (
        largest_file(len(whole) + 20),
        pytest.raises(GenreEdgeError, match="cannot be written: File too large; --resume goes on"),
    ):
        hear(results, "b.wav")
    results.close()
    assert path.read_bytes() == whole
    results = open_results(path, LABELS, "model", True)
    assert results.done == {"a.wav"}
    hear(results, "b.wav")
    results.close()
    records = whole[len(HEADER) if suffix == ".csv" else 0 :]
    assert path.read_bytes() == whole + records.replace(b"a.wav", b"b.wav")
