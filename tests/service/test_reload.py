"""A reload is a transaction: all of it happens, or nothing. Nobody waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from genre_edge.health import Health
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.records import Record
from genre_edge.service import outputs as outputs_module
from genre_edge.service.outputs import Change, Outputs
from genre_edge.service.program import ListeningProgram
from genre_edge.service.signals import signals_call
from genre_edge.service.systemd_notify import Notifier
from genre_edge.settings.load import load
from genre_edge.settings.options import option
from genre_edge.settings.section import Section
from genre_edge.settings.settings import Settings
from genre_edge.settings.tables import DEFAULT_MODEL, ListenConfig
from genre_edge.sinks import kinds
from genre_edge.sinks.database import open_database
from genre_edge.sinks.history_rows import SCHEMA, write_stretch
from genre_edge.sinks.kind import PlannedSink, SinkKind
from genre_edge.sinks.stretches import Stretch

from tests.conftest import ROOT
from tests.helpers.waiting import wait_for
from tests.helpers.windows import window

CASES = ROOT.parent / "shared" / "cases"
INFO = read_bundle(find_model(DEFAULT_MODEL)).info


@dataclass(frozen=True)
class Made:
    """Options of a sink that the tests make."""

    name: str = option("", "its name")
    colour: str = option("", "whatever differs")
    tells_sensors: bool = option(False, "whether it tells of sensors")


class Sluggish:
    """A sink that takes as long to finish as it is let, and counts."""

    def __init__(self, options: Made) -> None:
        self.options, self.free = options, threading.Event()
        self.got: list[Record] = []
        self.started = self.closed = 0.0
        self.within: float | None = None

    def start(self) -> None:
        self.started = time.monotonic()

    def write(self, record: Record) -> None:
        self.got.append(record)

    def close(self, within: float = 10.0) -> None:
        self.within = within
        self.free.wait(within)
        self.closed = time.monotonic()


class Kind:
    """A kind of sink for tests: what it made, and what it cannot make."""

    def __init__(self) -> None:
        self.made: list[Sluggish] = []
        self.error: Exception | None = None
        section = Section("made", Made, "", repeated=True)
        self.kind = SinkKind(section, lambda group: None, lambda args: [], self._plan)

    def _plan(self, options: Made) -> PlannedSink:
        made = options.tells_sensors
        return PlannedSink(options.name, options, lambda context: self._make(options), made)

    def _make(self, options: Made) -> Sluggish:
        if self.error is not None and options.name == "wrong":
            raise self.error
        self.made.append(Sluggish(options))
        return self.made[-1]


def settings(*made: Made) -> Settings:
    return Settings({"made": made})


@pytest.fixture
def kind(monkeypatch) -> Kind:
    found = Kind()
    monkeypatch.setattr(kinds, "KINDS", (found.kind,))
    yield found
    for sink in found.made:
        sink.free.set()


@pytest.mark.parametrize(
    "error", [OSError(24, "Too many open files"), RecursionError(), KeyError()]
)
def test_if_one_sink_cannot_be_made_all_stay_as_they_are(kind, error: Exception) -> None:
    health = Health()
    outputs = Outputs(settings(Made("a"), Made("b")), health, INFO, True, print)
    before, entries = list(kind.made), list(health.sinks)
    kind.error = error
    with pytest.raises(type(error)):
        outputs.replace(settings(Made("a", "red"), Made("wrong")))
    outputs.write(window(0))
    assert [sink.got for sink in before] == [[window(0)], [window(0)]]
    assert not any(sink.closed for sink in before)
    assert health.sinks == entries
    assert not any(sink.got or sink.started for sink in kind.made[2:]), "the new one is given up"


def test_a_sink_that_tells_of_sensors_is_made_anew_when_others_are_on(kind) -> None:
    made = Made("a"), Made("b", tells_sensors=True)
    outputs = Outputs(settings(*made), Health(), INFO, True, print)
    for sink in kind.made:
        sink.free.set()
    outputs.replace(settings(*made))
    assert len(kind.made) == 2, "nothing has changed"
    outputs.replace(Settings({"made": made, "listen": (ListenConfig(loudness=True),)}))
    assert [sink.options.name for sink in kind.made[2:]] == ["b"]


def test_nobody_waits_for_old_sinks_and_each_successor_waits_for_its_own(kind) -> None:
    outputs = Outputs(settings(*(Made(f"s{k}") for k in range(5))), Health(), INFO, True, print)
    old = list(kind.made)
    began = time.process_time(), threading.get_ident()
    outputs.replace(settings(*(Made(f"s{k}", "red") for k in range(5))))
    assert began[1] == threading.get_ident()
    assert not any(sink.closed for sink in old), "they hang, and replace has returned"
    new = kind.made[5:]
    outputs.write(window(0))
    assert [sink.got for sink in new] == [[window(0)]] * 5, "the new ones take records at once"
    assert not any(sink.started for sink in new)
    for sink in (old[3], old[1]):
        sink.free.set()
    wait_for(lambda: new[3].started and new[1].started, "the successors")
    assert [bool(sink.started) for sink in new] == [False, True, False, True, False]


def test_reloads_in_a_row_keep_the_order(kind) -> None:
    outputs = Outputs(settings(Made("a")), Health(), INFO, True, print)
    for colour in ("red", "green", "blue"):
        outputs.replace(settings(Made("a", colour)))
    first, *later = kind.made
    assert not any(sink.started for sink in later)
    for sink in kind.made:
        sink.free.set()
    wait_for(lambda: later[-1].started, "the last")
    assert later[0].started >= first.closed
    assert later[1].started >= later[0].closed > 0
    assert later[2].started >= later[1].closed > 0


def test_a_sink_that_stays_is_not_touched(kind) -> None:
    outputs = Outputs(settings(Made("a"), Made("b")), Health(), INFO, True, print)
    outputs.replace(settings(Made("b"), Made("c")))
    outputs.write(window(1))
    a, b, c = kind.made
    assert (a.got, b.got, c.got) == ([], [window(1)], [window(1)])
    a.free.set()
    wait_for(lambda: a.closed, "the end of what is gone")
    assert not b.closed


def test_a_hand_over_that_cannot_be_done_changes_nothing(kind, monkeypatch) -> None:
    outputs = Outputs(settings(Made("a"), Made("b")), Health(), INFO, True, print)
    before = list(kind.made)
    start = threading.Thread.start

    def no_room(thread: threading.Thread) -> None:
        if thread.name == "leave b":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_room)
        with pytest.raises(RuntimeError):
            outputs.replace(settings(Made("a", "red"), Made("b", "red")))
    outputs.write(window(0))
    assert [sink.got for sink in before] == [[window(0)], [window(0)]]
    assert not any(sink.closed for sink in before)
    assert not any(sink.got or sink.started for sink in kind.made[2:])
    for sink in kind.made:
        sink.free.set()
    outputs.replace(settings(Made("a", "red")))
    wait_for(lambda: kind.made[-1].started, "the next reload works")


def test_a_successor_that_cannot_be_started_is_shown_and_started_later(kind, monkeypatch) -> None:
    monkeypatch.setattr(outputs_module, "_START_AGAIN_SECONDS", 0.01)
    health, tries, go_on = Health(), list[int](), threading.Event()
    outputs = Outputs(settings(Made("a")), health, INFO, True, print)
    kind.made[0].free.set()
    start = Sluggish.start

    def no_room(sink: Sluggish) -> None:
        tries.append(1)
        if not go_on.is_set():
            raise RuntimeError("can't start new thread")
        start(sink)

    monkeypatch.setattr(Sluggish, "start", no_room)
    outputs.replace(settings(Made("a", "red")))
    wait_for(lambda: len(tries) > 2, "it is tried again")
    assert health.stopped == "a: cannot be started: can't start new thread"
    go_on.set()
    wait_for(lambda: kind.made[1].started and not health.stopped, "it is started")


def test_without_room_for_threads_every_output_is_closed(kind, monkeypatch) -> None:
    outputs = Outputs(settings(Made("a"), Made("b")), Health(), INFO, True, print)
    for sink in kind.made:
        sink.free.set()

    def no_room(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_room)
        outputs.close()
    assert all(sink.closed for sink in kind.made)


def test_at_the_end_nobody_waits_for_what_hangs(kind, monkeypatch) -> None:
    """Neither for sinks that leave one after the other, nor for their successors."""
    monkeypatch.setattr(outputs_module, "_LIVE_CLOSE_SECONDS", 1.0)
    monkeypatch.setattr(outputs_module, "_HURRY_SECONDS", 0.1)
    outputs = Outputs(settings(Made("a"), Made("b")), Health(), INFO, True, print)
    b = kind.made[1]
    for colour in ("red", "green", "blue"):
        outputs.replace(settings(Made("a", colour), Made("b")))
    closing = threading.Thread(target=outputs.close)
    b.free.set()
    closing.start()
    wait_for(lambda: b.closed, "one that works is closed at once")
    closing.join()
    leaving = [sink for sink in kind.made if sink.options.name == "a"][:-1]
    wait_for(lambda: leaving[-1].closed, "those that leave end soon")
    assert [sink.within for sink in leaving] == [1.0, 0.1, 0.1]


# --- the whole program


@pytest.fixture
def program(tmp_path) -> tuple[ListeningProgram, Path, list[str]]:
    file, said = tmp_path / "c.toml", []
    file.write_text(f"[history]\nenabled = true\npath = '{tmp_path}/h.db'\n")
    made = listening(file, said)
    yield made, file, said
    made._outputs.close()


def listening(file: Path, said: list[str]) -> ListeningProgram:
    """A program with this configuration, which says what it reports."""
    return ListeningProgram(
        lambda: load(kinds.sections(), file, environment={})[0],
        lambda health: _Nowhere(),
        said.append,
        Notifier({}),
    )


class _Nowhere:
    def write(self, record: Record) -> None:
        pass

    def close(self) -> None:
        pass


def faulty(name: str) -> Callable[[Path], str]:
    def text(folder: Path) -> str:
        if name == "below a file":
            (folder / "plain").write_text("")
            return f"[history]\nenabled = true\npath = '{folder}/plain/h.db'\n"
        if name == "binary secret":
            (folder / "secret").write_bytes(b"\xff\xfe\x01")
            return f"[[webhook]]\nurl = 'http://h'\nsecret_file = '{folder}/secret'\n"
        if name == "pipe":
            os.mkfifo(folder / "pipe")
            return f"[[webhook]]\nurl = 'http://h'\ntoken_file = '{folder}/pipe'\n"
        if name == "certificate in a pipe":
            os.mkfifo(folder / "pipe")
            return f"[[mqtt]]\nurl = 'mqtts://h/g'\nca = '{folder}/pipe'\n"
        if name == "long":
            return "# no end\n" * 1_000_000
        if name == "deep":
            return f"x = {'[' * 3000}\n"
        return f"x = {'9' * 5000}\n"

    return text


@pytest.mark.parametrize(
    "name",
    ["below a file", "binary secret", "pipe", "certificate in a pipe", "long", "deep", "digits"],
)
def test_no_file_ends_the_program_or_changes_a_part(program, tmp_path, name: str) -> None:
    made, file, said = program
    before = list(made.health.sinks)
    file.write_text(faulty(name)(tmp_path))
    made.reload.set()
    made._look_after()
    assert len(said) == 1
    fault, stays = said[0].splitlines()
    assert stays == "the configuration stays as it was"
    assert str(tmp_path) in fault
    assert "Error" not in fault, "a sentence, not an exception"
    assert [entry.name for entry in before] == ["history"]
    assert made.health.sinks == before


def test_an_error_that_nobody_expected_changes_nothing(program, monkeypatch) -> None:
    made, _, said = program
    before = list(made.health.sinks)

    def broken() -> Settings:
        raise MemoryError

    monkeypatch.setattr(made._reading, "_load", broken)
    made.reload.set()
    made._look_after()
    assert "stays as it was" in said[0]
    assert made.health.sinks == before


def test_no_window_waits_while_new_outputs_are_made(program, monkeypatch) -> None:
    made, file, _ = program
    making, go_on = threading.Event(), threading.Event()

    def slow(settings: Settings) -> Change:
        making.set()
        assert go_on.wait(60)
        return prepare(settings)

    prepare = made._outputs.prepare
    monkeypatch.setattr(made._outputs, "prepare", slow)
    file.write_text(file.read_text().replace("h.db", "other.db"))
    reading = threading.Thread(target=made._reading.read)
    reading.start()
    try:
        assert making.wait(60)
        emitting = threading.Thread(target=made._emit, args=(window(0),), daemon=True)
        emitting.start()
        emitting.join(30)
        assert not emitting.is_alive()
    finally:
        go_on.set()
        reading.join()


def test_a_reload_says_what_is_not_in_force_until_it_is(program) -> None:
    made, file, said = program
    text = file.read_text()
    for more in ("[web]\nport = 9999\n", "[web]\nport = 9999\n[listen]\nsmooth = 2\n", ""):
        file.write_text(text + more)
        made._reading.read()
    later = "web.port: takes effect at the next start"
    read = "the configuration was read again"
    assert said == [later, read, later, read, read]


def test_the_page_reads_the_history_that_is_written(program, tmp_path) -> None:
    _, file, said = program
    file.write_text(f"{file.read_text()}[web]\nenabled = true\nport = 0\n")
    made = listening(file, said)
    made._serve()
    url = f"{made._web.url}/api/history?by=genre"
    try:
        assert requests.get(url).status_code == 404, "there is none yet"
        with closing(open_database(tmp_path / "other.db", SCHEMA)) as other:
            write_stretch(other, Stretch("usb:1", "jazz", time.time() - 9, time.time(), 3, 2.4))
            other.commit()
        file.write_text(file.read_text().replace("h.db", "other.db"))
        made._reading.read()
        assert [row["label"] for row in requests.get(url).json()] == ["jazz"]
    finally:
        made._web.close()
        made._outputs.close()


def test_the_outputs_are_closed_whatever_fails_before(program, monkeypatch) -> None:
    made, _, _ = program
    closed: list[bool] = []
    monkeypatch.setattr(made._outputs, "close", lambda: closed.append(True))

    def full_disk() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(made._screen, "close", full_disk)
    with pytest.raises(OSError, match="No space"):
        made._end()
    assert closed
    monkeypatch.undo()


# --- signals

_BUSY = """
import os, signal, sys, threading
from genre_edge.service.signals import signals_call
reload, stop = threading.Event(), threading.Event()
count = 0
with signals_call({signal.SIGHUP: reload.set, signal.SIGTERM: stop.set}):
    print("ready", flush=True)
    while not stop.is_set():
        count += reload.is_set()
        reload.clear()  # takes the lock that a handler would wait for
print(count, flush=True)
"""


def test_a_storm_of_signals_is_taken_as_a_few(tmp_path) -> None:
    """With a handler that sets the Event itself this ends in RecursionError."""
    with subprocess.Popen(
        [sys.executable, "-c", _BUSY], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        for _ in range(2000):
            os.kill(child.pid, signal.SIGHUP)
            time.sleep(0.0003)
        child.terminate()
        count = int(child.stdout.readline())
        assert child.wait(60) == 0
    assert 0 < count <= 2000


def test_what_a_signal_did_before_it_does_again() -> None:
    calls: list[str] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: calls.append("old"))
    try:
        with signals_call({signal.SIGUSR1: lambda: calls.append("new")}):
            os.kill(os.getpid(), signal.SIGUSR1)
            wait_for(lambda: calls, "the call")
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert calls == ["new", "old"]


_EARLY = """
import os, signal, threading
from genre_edge import cli
from genre_edge.health import Health
from genre_edge.service import program

class Loads:
    def __init__(self, *_, reload=None, **__):
        os.kill(os.getpid(), signal.SIGHUP)
        self.health, self.stop, self.starts_again = Health(), threading.Event(), False
        self.reload = reload or threading.Event()

    def run(self):
        print("wished" if self.reload.wait(30) else "forgotten", flush=True)

program.ListeningProgram = Loads
raise SystemExit(cli.main(["service", "run"]))
"""


def test_a_reload_while_the_model_is_loaded_waits_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", _EARLY], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "wished\n"), done.stderr
