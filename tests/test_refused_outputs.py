"""Outputs that cannot be made are known before the work, and are one line.

The recordings here cannot be read. Whoever begins the work says so, and so a line about
the output alone shows that the work was not begun.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from genre_edge.cli import main as edge
from genre_edge.model.bundle import find_model
from genre_edge_convert.cli import main as convert
from genre_edge_train.cli import main as train

pytestmark = pytest.mark.slow  # fit and convert import TensorFlow

BELOW_A_FILE, A_DEVICE, A_FOLDER = "plain/x", "/dev/full", "folder"

COMMANDS = {
    "bench": (edge, "bench MODEL --data DATA --split all --output OUTPUT"),
    "convert": (convert, "MODEL --calibrate DATA -o OUTPUT"),
    "evaluate": (train, "evaluate MODEL --data DATA --json OUTPUT"),
    "evaluate several": (train, "evaluate MODEL --data DATA DATA --json OUTPUT"),
    "evaluate few-shot": (train, "evaluate MODEL --data DATA --few-shot --json OUTPUT"),
    "fit": (train, "fit --data DATA -o OUTPUT"),
    "train": (train, "--data DATA --arch two-block --output OUTPUT"),
    "validate": (train, "validate DATA --json OUTPUT"),
}
NEEDS_A_FOLDER = {"bench", "fit", "train"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: labelled recordings that are none, a plain file, a folder."""
    for genre in ("jazz", "rock"):
        for number in range(5):
            path = tmp_path / "data" / genre / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"no audio")
    (tmp_path / "plain").write_text("plain")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(name: str, output: str, capfd: pytest.CaptureFixture[str]) -> str:
    """Run a command that must refuse its output; returns its only line."""
    program, words = COMMANDS[name]
    put = {"MODEL": str(find_model("gtzan-tiny.int8")), "DATA": "data", "OUTPUT": output}
    status = program([put.get(word, word) for word in words.split()])
    out, err = capfd.readouterr()
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert ("--json" if "--json" in words else "--output") in line
    return line


@pytest.mark.parametrize("output", [BELOW_A_FILE, A_DEVICE])
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_it_is_refused_before_the_work(here: Path, capfd: Any, name: str, output: str) -> None:
    if output == A_DEVICE and name == "convert":
        output = f"{A_DEVICE}/x"  # NAME is no file: /dev/full.int8.tflite could be made
    line = refused(name, output, capfd)
    assert output.partition("/x")[0] in line
    assert (here / "plain").read_text() == "plain"
    assert sorted(os.listdir(here)) == ["data", "folder", "plain"]
    assert stat.S_ISCHR(os.stat(A_DEVICE).st_mode)


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - NEEDS_A_FOLDER))
def test_a_folder_where_a_file_goes(here: Path, capfd: Any, name: str) -> None:
    if name == "convert":
        (here / "x.int8.tflite").mkdir()
        assert "x.int8.tflite: Is a directory" in refused(name, "x", capfd)
    else:
        assert "folder: Is a directory" in refused(name, A_FOLDER, capfd)
    assert list((here / "folder").iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        "repack MODEL -o plain/x.tflite",
        "repack MODEL -o folder.tflite",
        "sign MODEL --key plain -o /dev/full",
        "sign MODEL --key plain -o plain/x",
        "sign --make-key plain/x",
        "onnx MODEL -o plain/x.onnx",
        "audio-in MODEL -o folder.tflite",
    ],
)
def test_what_changes_a_bundle_refuses_too(here: Path, capfd: Any, words: str) -> None:
    (here / "folder").rename(here / "folder.tflite")
    model = str(find_model("gtzan-tiny.int8"))
    assert convert([model if word == "MODEL" else word for word in words.split()]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith(f"genre-convert: {words.split()[-2].replace('-o', '--output')} ")
    assert stat.S_ISCHR(os.stat(A_DEVICE).st_mode)
