"""Another model in a program that listens: refused with its reason, or in force
everywhere at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from genre_edge.audio.source import Arrival, AudioBlock
from genre_edge.errors import GenreEdgeError
from genre_edge.records import GapRecord, LiveRecord, Record
from genre_edge.service import pipeline
from genre_edge.service.program import ListeningProgram
from genre_edge.service.systemd_notify import Notifier
from genre_edge.settings.load import load
from genre_edge.settings.settings import Settings
from genre_edge.sinks import kinds

from tests.conftest import noise
from tests.helpers.tiny_models import RATE, tiny_model
from tests.helpers.waiting import wait_for

OLD, NEW = ("jazz", "rock"), ("blues", "metal", "pop")
TWO = (
    '[[source]]\nurl = "http://h/a"\nname = "bar"\n[[source]]\nurl = "http://h/b"\nname = "hall"\n'
)


class Steady:
    """A source of noise without end."""

    channels = 1
    level = 1.0
    """Factor of the noise."""

    def __init__(self, config, rate, stop, on_state, health, pulse) -> None:
        self.name, self.sample_rate = config.label, rate
        self._stop, self._on_state = stop, on_state

    def blocks(self) -> Iterator[AudioBlock]:
        self._on_state("listening", "made by a test")
        samples, at = noise(0.07, self.sample_rate)[:, None], 0
        while not self._stop.wait(0.005):
            block = samples * type(self).level
            yield AudioBlock(block, at, Arrival(time.monotonic(), time.time()))
            at += len(samples)

    def set_gain(self, gain_db: float) -> None:
        """It has none."""

    def close(self) -> None:
        """Nothing is open."""


class Running:
    """A ListeningProgram on a thread, and what it has told."""

    def __init__(self, folder: Path, text: str = TWO, more: str = "", **options) -> None:
        self.folder, self.file = folder, folder / "c.toml"
        self.old = tiny_model(folder / "old.tflite", OLD)
        self.file.write_text(f"[model]\nmodel = '{self.old}'\n{more}{text}")
        self.records: list[Record] = []
        self.said: list[str] = []
        self.program = ListeningProgram(
            self.load, lambda health: self, self.said.append, Notifier({}), **options
        )
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.program.run()
        except RuntimeError as error:
            self.error = error

    def load(self) -> Settings:
        return load(kinds.sections(), self.file, {})[0]

    def write(self, record: Record) -> None:
        self.records.append(record)

    def close(self) -> None:
        """Nothing is held back."""

    def windows(self, *labels: str, source: str = "bar") -> list[LiveRecord]:
        """Windows of a source that are told in these labels."""
        return [
            one
            for one in list(self.records)
            if isinstance(one, LiveRecord) and one.source == source and set(one.scores) == {*labels}
        ]

    def wait_for_windows(self, *labels: str, more: int = 3) -> None:
        """Wait until both sources have told more in these labels."""
        for source in ("bar", "hall"):
            before = len(self.windows(*labels, source=source))
            wait_for(
                lambda source=source, before=before: (
                    len(self.windows(*labels, source=source)) >= before + more
                ),
                f"windows of {source}",
            )

    def join_with_error(self, words: str) -> None:
        """Wait until it has ended by itself, with an error that has these words."""
        self._thread.join(60)
        assert words in str(self.error)

    def stop(self) -> None:
        self.program.stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    monkeypatch.setattr(pipeline, "StreamSource", Steady)
    running: list[Running] = []

    def start(**options) -> Running:
        running.append(Running(tmp_path, **options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


def test_every_source_goes_on_with_the_new_model_and_misses_nothing(run, tmp_path) -> None:
    program = run()
    program.wait_for_windows(*OLD)
    path = tiny_model(tmp_path / "new.tflite", NEW)
    assert program.program.switch_model(path).labels == NEW
    assert program.program.model == path
    program.wait_for_windows(*NEW)
    program.stop()
    assert not [one for one in program.records if isinstance(one, GapRecord)]
    for source in ("bar", "hall"):
        old, new = program.windows(*OLD, source=source), program.windows(*NEW, source=source)
        starts = [one.start for one in old + new]
        assert starts == [round(k * 0.1, 3) for k in range(len(starts))]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"rate": 2 * RATE}, "hears at 16000 Hz, and the sources are open at 8000 Hz"),
        (None, "is not a TFLite model"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_and_nothing_changes(
    run, tmp_path, how, reason
) -> None:
    program = run()
    path = tmp_path / "new.tflite"
    path.write_bytes(b"no model")
    if how is not None:
        tiny_model(path, NEW, **how)
    with pytest.raises(GenreEdgeError, match=reason):
        program.program.switch_model(str(path))
    assert program.program.model == program.old
    program.wait_for_windows(*OLD)


def test_windows_that_would_leave_audio_out_are_refused(run, tmp_path) -> None:
    program = run(more="hop_seconds = 0.1\n")
    path = tiny_model(tmp_path / "new.tflite", NEW, seconds=0.1)
    program.program.switch_model(path)
    program.stop()
    longer = run(more="hop_seconds = 0.15\n")
    with pytest.raises(GenreEdgeError, match="would leave audio out"):
        longer.program.switch_model(path)


def test_sinks_that_tell_of_labels_are_made_anew_and_others_are_not(run, tmp_path) -> None:
    program = run(
        text=f"[history]\nenabled = true\npath = '{tmp_path}/h.db'\n"
        f"[mqtt]\nurl = 'mqtt://127.0.0.1:1/g'\nspool = '{tmp_path}/spool.db'\n{TWO}"
    )
    before = {entry.name: entry for entry in program.program.health.sinks}
    program.program.switch_model(tiny_model(tmp_path / "new.tflite", NEW))
    after = {entry.name: entry for entry in program.program.health.sinks}
    assert after["history"] is before["history"]
    assert after["mqtt"] is not before["mqtt"]


def test_a_sink_that_cannot_be_made_for_the_new_model_keeps_the_old(
    run, tmp_path, monkeypatch
) -> None:
    program = run()

    def refuse(*_: object) -> None:
        raise GenreEdgeError("no room")

    monkeypatch.setattr(program.program._outputs, "prepare", refuse)
    with pytest.raises(GenreEdgeError, match="no room"):
        program.program.switch_model(tiny_model(tmp_path / "new.tflite", NEW))
    program.wait_for_windows(*OLD)


def test_the_page_and_its_answers_have_the_new_labels(run, tmp_path) -> None:
    program = run(text=f"[web]\nenabled = true\nport = 0\n{TWO}")
    wait_for(lambda: program.program.port, "the page")
    url = f"http://127.0.0.1:{program.program.port}/api"
    samples = noise(0.1, RATE).tobytes()
    window = {"Content-Type": "application/octet-stream"}

    def labels_of_a_window() -> set[str]:
        answer = requests.post(f"{url}/window?rate={RATE}", samples, headers=window)
        return set(json.loads(answer.text)["scores"])

    assert requests.get(f"{url}/model").json()["labels"] == list(OLD)
    assert labels_of_a_window() == set(OLD)
    program.program.switch_model(tiny_model(tmp_path / "new.tflite", NEW))
    assert requests.get(f"{url}/model").json()["labels"] == list(NEW)
    assert labels_of_a_window() == set(NEW)
