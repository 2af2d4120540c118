"""Several sources in one program: each on its own, one watchdog, one reload."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest
import requests
from genre_edge.audio.source import Arrival, AudioBlock
from genre_edge.errors import DeviceError
from genre_edge.health import SourceHealth
from genre_edge.records import LiveRecord, Record, StateRecord
from genre_edge.service import pipeline
from genre_edge.service.program import ListeningProgram
from genre_edge.service.systemd_notify import Notifier
from genre_edge.settings.load import load
from genre_edge.settings.settings import Settings
from genre_edge.settings.source_table import SourceConfig
from genre_edge.sinks import kinds

from tests.conftest import noise
from tests.helpers.broker import free_port
from tests.helpers.fakemic import installed
from tests.helpers.listening import Listening
from tests.helpers.radio import Radio, mp3_of
from tests.helpers.supervisor import Supervisor, service_command
from tests.helpers.waiting import wait_for

RATE = 22050


OTHER_BAR = '"http://h/other"\nname = "bar"\ngain_db = 6'


# --- the program, with sources that the test leads


class Led:
    """A source that gives noise at once; it hangs, fails or ends when the test says
    so."""

    channels = 1
    made: ClassVar[dict[str, Led]] = {}

    def __init__(
        self,
        config: SourceConfig,
        rate: int,
        stop: threading.Event,
        on_state: Callable[[str, str], None],
        health: SourceHealth,
        pulse: Callable[[], None],
    ) -> None:
        self.name, self.sample_rate, self.gains = config.label, rate, [config.gain_db]
        self._stop, self._on_state, self._pulse = stop, on_state, pulse
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.error: Exception | None = None
        self.ends = False
        Led.made[config.name] = self

    def blocks(self) -> Iterator[AudioBlock]:
        self._on_state("listening", "led by a test")
        samples, at = noise(3.0, RATE)[:, None], 0
        while not self._stop.is_set() and not self.ends:
            self.goes_on.wait()
            if self.error is not None:
                raise self.error
            yield AudioBlock(samples, at, Arrival(time.monotonic(), time.time()))
            at += len(samples)
            self._stop.wait(0.02)

    def set_gain(self, gain_db: float) -> None:
        self.gains.append(gain_db)

    def close(self) -> None:
        """Nothing is open."""


class Heartbeats(Notifier):
    """Counts them."""

    def __init__(self) -> None:
        super().__init__({})
        self.count = 0

    def heartbeat(self, trouble: str = "") -> None:
        self.count += 1


class Kept:
    """A screen that keeps what it is shown."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def write(self, record: Record) -> None:
        self.records.append(record)

    def close(self) -> None:
        """Nothing is held back."""


class Running:
    """A ListeningProgram on a thread."""

    def __init__(self, text: str, folder: Path) -> None:
        self.file, self.screen, self.notifier = folder / "c.toml", Kept(), Heartbeats()
        self.said: list[str] = []
        self.error: BaseException | None = None
        self.file.write_text(text)
        self.program = ListeningProgram(
            self._load, lambda health: self.screen, self.said.append, self.notifier
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _load(self) -> Settings:
        return load(kinds.sections(), self.file, {})[0]

    def _run(self) -> None:
        try:
            self.program.run()
        except DeviceError as error:
            self.error = error

    def windows(self, source: str) -> int:
        live = [record for record in self.screen.records if isinstance(record, LiveRecord)]
        return sum(record.source == source for record in live)

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        self.program.stop.set()
        self.join()


TWO = (
    '[[source]]\nurl = "http://h/a"\nname = "bar"\n[[source]]\nurl = "http://h/b"\nname = "hall"\n'
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Running]]:
    monkeypatch.setattr(pipeline, "StreamSource", Led)
    running: list[Running] = []

    def start(text: str = TWO) -> Running:
        running.append(Running(text, tmp_path))
        return running[-1]

    yield start
    for source in Led.made.values():
        source.goes_on.set()
    for one in running:
        one.stop()


def test_each_source_has_windows_and_states_under_its_name(run) -> None:
    program = run()
    wait_for(lambda: min(program.windows("bar"), program.windows("hall")) >= 3, "windows of both")
    program.stop()
    states = [record for record in program.screen.records if isinstance(record, StateRecord)]
    assert {state.source_name for state in states} == {"bar", "hall"}
    health = program.program.health
    assert [source.name for source in health.sources] == ["bar", "hall"]
    assert [source.windows for source in health.sources] == [
        *(program.windows("bar"), program.windows("hall")),
    ]


def test_one_that_hangs_ends_the_heartbeat_however_well_the_others_work(run) -> None:
    program = run()
    wait_for(lambda: program.notifier.count >= 3, "heartbeats")
    Led.made["hall"].goes_on.clear()
    heard = program.windows("hall")
    wait_for(lambda: program.windows("hall") == heard, "it hangs")
    before, others = program.notifier.count, program.windows("bar")
    wait_for(lambda: program.windows("bar") >= others + 100, "the other works")
    assert program.notifier.count <= before + 1, "one that it had earned before"
    Led.made["hall"].goes_on.set()
    wait_for(lambda: program.notifier.count >= before + 5, "heartbeats again")


def test_the_program_ends_with_the_last_source(run) -> None:
    program = run()
    Led.made["bar"].ends = True
    wait_for(lambda: program.windows("hall") >= 5, "the other goes on")
    count = program.notifier.count
    wait_for(lambda: program.notifier.count > count, "what has ended does not hang")
    Led.made["hall"].ends = True
    program.join()
    assert program.error is None


def test_a_source_that_is_not_waited_for_ends_the_program_with_its_error(run) -> None:
    program = run()
    Led.made["bar"].error = DeviceError("http://h/a: lost")
    program.join()
    assert str(program.error) == "http://h/a: lost"


def test_windows_are_counted_for_each_source(run) -> None:
    program = run(f"[listen]\nwindows = 3\n{TWO}")
    program.join()
    assert (program.windows("bar"), program.windows("hall")) == (3, 3)


def test_a_reload_sets_the_gain_of_each_source_and_says_what_waits(run) -> None:
    program = run()
    wait_for(lambda: program.windows("bar") > 0, "a window")
    other = TWO.replace('name = "hall"', 'name = "hall"\ngain_db = 6')
    program.file.write_text(f"{other}[[source]]\nurl = 'http://h/c'\nname = 'new'\n")
    program.program.reload.set()
    wait_for(lambda: "the configuration was read again" in program.said, "the reload")
    assert (Led.made["bar"].gains, Led.made["hall"].gains) == ([0.0, 0.0], [0.0, 6.0])
    assert "source: takes effect at the next start" in program.said
    seen = program.windows("hall")
    wait_for(lambda: program.windows("hall") > seen, "it goes on")


def test_a_reload_remembers_an_address_that_waits_and_its_gain_with_it(run) -> None:
    program = run()
    wait_for(lambda: program.windows("bar") > 0, "a window")
    program.file.write_text(re.sub(r'"http[^"]*"\nname = "bar"', OTHER_BAR, TWO))
    for _ in range(2):
        program.said.clear()
        program.program.reload.set()
        wait_for(lambda: "the configuration was read again" in program.said, "the reload")
        assert "source: takes effect at the next start" in program.said
    assert set(Led.made["bar"].gains) == {0.0}


# --- all parts together


@pytest.fixture
def radio(demo_clip: Path) -> Iterator[Radio]:
    station = Radio(mp3_of(demo_clip))
    yield station
    station.close()


@pytest.mark.skipif(not installed(), reason="needs pulseaudio and pulseaudio-utils")
def test_a_lost_stream_leaves_the_microphone_alone(mic, radio: Radio, tmp_path: Path) -> None:
    """The service, the page, the history and the journal tell them apart."""
    mic.play_samples(noise(90.0, 44100), 44100)
    config = tmp_path / "c.toml"
    config.write_text(
        f'[web]\nenabled = true\nport = 0\n[history]\npath = "{tmp_path}/h.db"\n'
        '[[source]]\nurl = "microphone"\nname = "hall"\n'
        f'[[source]]\nurl = "http://127.0.0.1:{radio.port}/radio"\nname = "bar"\n'
    )
    supervisor = Supervisor(service_command(config), mic.environment, tmp_path, 20.0)
    supervisor.wait_for("READY=1")
    supervisor.wait_for("STATUS=hall: listening")
    supervisor.wait_for("STATUS=bar: listening")
    found = re.search(r"serving (http://\S+)", supervisor.log.read_text())
    assert found
    radio.refuses = True
    radio.drop()
    supervisor.wait_for("STATUS=bar: lost")
    health = requests.get(f"{found[1]}/healthz")
    assert (health.status_code, health.json()["sources"]["bar"]) == (200, "lost")
    bar, hall = sorted(
        requests.get(f"{found[1]}/api/sources").json(), key=lambda source: source["name"]
    )
    assert (bar["losses"], bar["state"], hall["losses"]) == (1, "lost", 0)
    fed = len(supervisor.said("WATCHDOG=1"))
    supervisor.wait_for("WATCHDOG=1", fed + 3)
    assert 'genre_edge_source_up{source="bar"} 0' in requests.get(f"{found[1]}/metrics").text
    assert supervisor.restarts == 0
    assert supervisor.stop() == 0
    with closing(sqlite3.connect(tmp_path / "h.db")) as file:
        assert {name for (name,) in file.execute("SELECT source FROM stretches")} >= {"hall"}
    assert "bar: lost: http://127.0.0.1" in supervisor.log.read_text()


@pytest.mark.devices
def test_ten_streams_share_one_model_and_one_is_dropped_alone(radio: Radio) -> None:
    urls = [f"http://127.0.0.1:{radio.port}/{n},name=s{n}" for n in range(10)]
    listening = Listening(os.environ, *(word for url in urls for word in ("--source", url)))
    try:
        waiting = {f"s{n}" for n in range(10)}
        while waiting:
            waiting.discard(listening.wait_for(type="window")["source"])
        radio.drop()
        for _ in range(10):
            listening.wait_for(type="gap")
        errors = listening.stop()
    finally:
        listening.close()
    assert listening.process.returncode == 0, errors
    gaps = [record["source"] for record in listening.seen if record["type"] == "gap"]
    assert sorted(gaps) == [f"s{n}" for n in range(10)]


@pytest.mark.devices
def test_doctor_listens_to_each_source_and_leaves_out_a_microphone_that_is_none(
    radio: Radio, tmp_path: Path, cli
) -> None:
    gone = f"http://joe:s3cret@127.0.0.1:{free_port()}/a"
    config = tmp_path / "c.toml"
    config.write_text(
        f'[[source]]\nurl = "http://127.0.0.1:{radio.port}/a"\nname = "bar"\n'
        f'[[source]]\nurl = "{gone}"\nname = "hall"\n'
    )
    answer = cli("doctor", "--json", "--config", config)
    found = {one["name"]: one for one in json.loads(answer.stdout)}
    bar, hall = (one for one in json.loads(answer.stdout) if one["name"] == "source")
    assert (bar["status"], hall["status"]) == ("ok", "fail")
    assert re.fullmatch(r"bar: -\d+ dBFS over 2 s", bar["text"])
    assert hall["text"].startswith("hall: http://***@127.0.0.1")
    assert "s3cret" not in answer.stdout + answer.stderr
    assert "microphone" not in found
