"""A reload is a transaction: all of it happens, or nothing. Nobody waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from genre_edge.health import Health
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.records import Record
from genre_edge.service.outputs import Outputs
from genre_edge.service.program import ListeningProgram
from genre_edge.service.signals import signals_call
from genre_edge.service.systemd_notify import Notifier
from genre_edge.settings.load import load
from genre_edge.settings.options import option
from genre_edge.settings.section import Section
from genre_edge.settings.settings import Settings
from genre_edge.settings.tables import DEFAULT_MODEL
from genre_edge.sinks import kinds
from genre_edge.sinks.kind import PlannedSink, SinkKind

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


class Sluggish:
    """A sink that takes as long to finish as it is let, and counts."""

    def __init__(self, options: Made) -> None:
        self.options, self.free = options, threading.Event()
        self.got: list[Record] = []
        self.started = self.closed = 0.0

    def start(self) -> None:
        self.started = time.monotonic()

    def write(self, record: Record) -> None:
        self.got.append(record)

    def close(self, within: float = 10.0) -> None:
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
        return PlannedSink(options.name, options, lambda context: self._make(options))

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


# --- the whole program


@pytest.fixture
def program(tmp_path) -> tuple[ListeningProgram, Path, list[str]]:
    file, said = tmp_path / "c.toml", []
    file.write_text(f"[history]\nenabled = true\npath = '{tmp_path}/h.db'\n")
    made = ListeningProgram(
        lambda: load(kinds.sections(), file, environment={})[0],
        lambda health: _Nowhere(),
        said.append,
        Notifier({}),
    )
    yield made, file, said
    made._outputs.close()


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

    monkeypatch.setattr(made, "_load", broken)
    made.reload.set()
    made._look_after()
    assert "stays as it was" in said[0]
    assert made.health.sinks == before


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
        self.health, self.stop = Health(), threading.Event()
        self.reload = reload or threading.Event()

    def run(self):
        print("wished" if self.reload.wait(30) else "forgotten", flush=True)

program.ListeningProgram = Loads
raise SystemExit(cli.main(["service", "run"]))
"""


def test_a_reload_while_the_model_is_loaded_waits_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", _EARLY], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "wished\n"), done.stderr
