"""A taught bundle does what every bundle does: it listens, serves and is judged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import soundfile
from genre_edge.cli import main
from genre_edge.teach.negatives import NONE
from genre_edge.teach.store import Store, default_store

from tests.helpers.listening import Listening
from tests.helpers.webserver import WebServer
from tests.teach.test_teach_command import RATE, tone

LABELS = {"hiss", "chords", NONE}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the model `mine` was taught two labels; chords.wav is unmet."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        for kind in ("hiss", "chords"):
            files = [folder / f"{kind}-{n}.wav" for n in range(4)]
            for number, file in enumerate(files):
                soundfile.write(file, tone(kind, number), RATE)
            model = ("--model", "gtzan-tiny.int8")
            assert main(["teach", "add", kind, *map(str, files), *model]) == 0
        assert main(["teach", "fit", "--model", "gtzan-tiny.int8"]) == 0
        soundfile.write(folder / "chords.wav", tone("chords", 6, 12.0), RATE)
        yield folder


def test_listen_says_the_taught_labels(home: Path) -> None:
    source = f"file:{home / 'chords.wav'}"
    listening = Listening(os.environ, "--source", source, "--model", "mine")
    try:
        window = listening.wait_for(type="window")
        assert set(window["scores"]) == LABELS
        assert max(window["scores"], key=window["scores"].get) == "chords"
    finally:
        listening.close()


def test_serve_has_the_taught_labels(home: Path) -> None:
    running = WebServer(home, "--model", "mine")
    try:
        assert set(requests.get(f"{running.url}/api/model", timeout=60).json()["labels"]) == LABELS
        with (home / "chords.wav").open("rb") as file:
            answer = requests.post(f"{running.url}/api/classify", files={"file": file}, timeout=60)
        assert answer.ok, answer.text
        assert set(answer.json()["verdict"]["scores"]) == LABELS
    finally:
        assert running.stop() == 0


def test_what_a_source_plays_is_learnt_and_no_audio_is_kept(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    source = ("--source", f"file:{home / 'chords.wav'}", "--model", "gtzan-tiny.int8")
    assert main(["teach", "add", "organ", "--listen", "6", *source]) == 0
    assert "windows learnt\ntaught so far: organ (1)" in capsys.readouterr().out
    with Store(default_store()) as store:
        (curve,) = store.curves().values()
    assert 5 <= curve.seconds * len(curve.levels_dbfs) <= 7
    assert main(["teach", "add", "organ", "--listen", "1", *source]) == 2
    assert "--listen 1: must be between 3 and 600 s" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["taught.db"]


def test_bench_judges_the_taught_labels(home: Path, tmp_path: Path) -> None:
    for kind in ("hiss", "chords"):
        (tmp_path / "music" / kind).mkdir(parents=True)
        for number in (5, 6):
            path = tmp_path / "music" / kind / f"{number}.wav"
            soundfile.write(path, tone(kind, number), RATE)
    where = ("--data", str(tmp_path / "music"), "--output", str(tmp_path / "bench"))
    assert main(["bench", "mine", *where, "--split", "all", "--rounds", "10"]) == 0
    found = json.loads((tmp_path / "bench" / "bench.json").read_text())
    assert set(found["data"]["labels"]) == LABELS
    assert found["models"][0]["accuracy"]["tracks"]["count"] == 4
