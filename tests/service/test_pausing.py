"""A program that listens at some hours only: in between the microphone is closed."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests
from genre_edge.errors import UsageError
from genre_edge.health import Health, SourceHealth
from genre_edge.records import GapRecord, LiveRecord, StateRecord
from genre_edge.service import pausing, pipeline
from genre_edge.service.doctor import check_hours
from genre_edge.service.pausing import Pausing
from genre_edge.settings.load import load
from genre_edge.settings.settings import Settings
from genre_edge.sinks import kinds

from tests.conftest import noise
from tests.helpers.fakemic import FakeMic, installed
from tests.helpers.supervisor import Supervisor, service_command
from tests.helpers.waiting import wait_for
from tests.service.test_sources import TWO, Led, Running

DAY = ["Mon-Fri 07:00-22:00", "Sat,Sun 09:00-23:00"]


class Wall:
    """A clock on the wall that a test sets."""

    def __init__(self, text: str) -> None:
        self.now = datetime.fromisoformat(text)

    def __call__(self, *_: object) -> time.struct_time:
        return self.now.timetuple()


def test_it_pauses_outside_the_hours_and_says_until_when() -> None:
    wall = Wall("2026-03-02 06:59")
    found = Pausing(DAY, wall=wall)
    assert found.reason() == "by the hours of the settings, until 07:00"
    wall.now += timedelta(minutes=1)
    assert found.reason() == ""
    wall.now = datetime(2026, 3, 6, 22, 0)
    assert found.reason() == "by the hours of the settings, until 09:00"
    wall.now += timedelta(hours=10, minutes=59)
    assert found.reason() == "by the hours of the settings, until 09:00", "the words stay"
    wall.now += timedelta(minutes=1)
    assert found.reason() == ""


def test_without_hours_it_never_pauses() -> None:
    wall = Wall("2026-03-02 00:00")
    found = Pausing([], wall=wall)
    for _ in range(7 * 24):
        wall.now += timedelta(hours=1)
        assert found.reason() == ""


def test_a_clock_that_steps_counts_at_once() -> None:
    """Without a battery a board shows the time of its last stop until NTP answers."""
    wall = Wall("2026-03-02 03:00")
    found = Pausing(DAY, wall=wall)
    assert found.reason()
    wall.now = datetime(2026, 3, 4, 12, 0)
    assert not found.reason()
    wall.now = datetime(2026, 3, 4, 5, 0)
    assert found.reason()


# --- the program, with sources that the test leads


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Running]]:
    monkeypatch.setattr(pipeline, "StreamSource", Led)
    running: list[Running] = []

    def start(text: str) -> Running:
        running.append(Running(text, tmp_path))
        return running[-1]

    yield start
    for one in running:
        one.stop()


def states(program: Running) -> list[tuple[str | None, str]]:
    records = [record for record in program.screen.records if isinstance(record, StateRecord)]
    return [(record.source_name, record.state) for record in records]


def test_sources_are_closed_and_opened_again_by_the_clock(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Wall("2026-03-02 21:59")
    monkeypatch.setattr(pausing.time, "localtime", wall)
    program = run(f'[listen]\nhours = ["07:00-22:00"]\n{TWO}')
    health = program.program.health
    wait_for(lambda: min(program.windows("bar"), program.windows("hall")) >= 2, "windows of both")
    wall.now += timedelta(minutes=1)
    wait_for(lambda: health.is_paused, "the pause")
    heard, beats = health.windows, program.notifier.count
    wait_for(lambda: program.notifier.count >= beats + 3, "it is alive while it pauses")
    assert health.windows == heard
    assert (health.state, health.is_deaf, health.losses) == ("paused", True, 0)
    wall.now += timedelta(hours=9)
    wait_for(lambda: health.windows >= heard + 4, "windows again")
    assert not health.is_paused
    program.stop()
    assert [state for name, state in states(program) if name == "bar"][:3] == [
        "listening",
        "paused",
        "listening",
    ]
    assert (health.gaps, health.losses) == (0, 0)
    assert not any(isinstance(record, GapRecord) for record in program.screen.records)


def test_no_window_spans_a_pause(run, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = Wall("2026-03-02 21:59")
    monkeypatch.setattr(pausing.time, "localtime", wall)
    program = run(f'[listen]\nhours = ["07:00-22:00"]\n[model]\nhop_seconds = 1\n{TWO}')
    wait_for(lambda: program.windows("bar") >= 2, "windows")
    wall.now += timedelta(minutes=1)
    wait_for(lambda: program.program.health.is_paused, "the pause")
    before = program.windows("bar")
    wall.now += timedelta(hours=9)
    wait_for(lambda: program.windows("bar") > before, "a window after it")
    live = [one for one in program.screen.records if isinstance(one, LiveRecord)]
    bar = [one for one in live if one.source == "bar"]
    assert bar[before].end - bar[before].start == 3.0


def test_a_reload_sets_the_hours_and_a_stop_ends_a_pause(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pausing.time, "localtime", Wall("2026-03-02 03:00"))
    program = run(f'[listen]\nhours = ["07:00-22:00"]\n{TWO}')
    wait_for(lambda: program.program.health.is_paused, "the pause")
    assert states(program) == [("bar", "paused"), ("hall", "paused")] or states(program) == [
        ("hall", "paused"),
        ("bar", "paused"),
    ], "no source was opened"
    program.file.write_text(TWO)
    program.program.reload.set()
    wait_for(lambda: program.windows("hall"), "windows")
    program.file.write_text(f'[listen]\nhours = ["07:00-22:00"]\n{TWO}')
    program.program.reload.set()
    wait_for(lambda: program.program.health.is_paused, "the pause")
    program.stop()
    assert program.error is None


def test_many_quick_pauses_lose_no_source(run, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = Wall("2026-03-02 12:00")
    monkeypatch.setattr(pausing.time, "localtime", wall)
    program = run(TWO)
    wait_for(lambda: program.windows("bar"), "windows")
    (bar, _) = program.program._pipelines
    for _ in range(200):
        bar.pause("by a test")
        bar.resume()
    before = program.windows("bar")
    wait_for(lambda: program.windows("bar") >= before + 3, "windows again")
    assert program.program.health.losses == 0
    bar.pause("by a test")
    program.stop()


# --- the real thing


def elsewhen() -> str:
    """Hours that are twelve hours away."""
    hour = (time.localtime().tm_hour + 12) % 24
    return f'[listen]\nhours = ["{hour:02}:00-{hour:02}:30"]\n'


def listeners(mic: FakeMic) -> list[str]:
    """Who has the microphone open."""
    command = ["pactl", "list", "short", "source-outputs"]
    done = subprocess.run(command, env=mic.environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(not installed(), reason="needs pulseaudio")
def test_the_microphone_is_really_released(mic: FakeMic, tmp_path: Path) -> None:
    mic.play_samples(noise(60.0, 44100), 44100)
    config = tmp_path / "c.toml"
    text = '[web]\nenabled = true\nport = 0\n[[source]]\nurl = "microphone"\nname = "room"\n'
    config.write_text(f"{elsewhen()}{text}")
    service = Supervisor(service_command(config), mic.environment, tmp_path, 20.0)
    try:
        service.wait_for("READY=1")
        service.wait_for("STATUS=room: paused: by the hours of the settings, until ")
        assert listeners(mic) == []
        page = re.search(r"serving (http://\S+)", service.log.read_text())
        assert page is not None
        health = requests.get(f"{page[1]}/healthz")
        assert (health.status_code, health.json()) == (
            200,
            {"status": "paused", "detail": "", "sources": {"room": "paused"}},
        )
        assert "genre_edge_paused 1\n" in requests.get(f"{page[1]}/metrics").text
        config.write_text(text)
        service.reload()
        service.wait_for("STATUS=room: listening")
        wait_for(lambda: requests.get(f"{page[1]}/api/sources").json()[0]["windows"], "a window")
        assert len(listeners(mic)) == 1
        assert requests.get(f"{page[1]}/healthz").json()["status"] == "ok"
        config.write_text(f"{elsewhen()}{text}")
        service.reload()
        service.wait_for("STATUS=room: paused", 2)
        wait_for(lambda: listeners(mic) == [], "the sound server has taken note")
        (room,) = requests.get(f"{page[1]}/api/sources").json()
        assert (room["state"], room["losses"], room["gaps"]) == ("paused", 0, 0)
        assert service.restarts == 0
    finally:
        assert service.stop() == 0


# --- settings, doctor, health


def loaded(folder: Path, text: str) -> Settings:
    (folder / "c.toml").write_text(text)
    return load(kinds.sections(), folder / "c.toml", {})[0]


def test_wrong_hours_are_named_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, '[listen]\nhours = ["Mon-Fri 7-22"]\n')
    place = f"{tmp_path / 'c.toml'}:2: listen.hours"
    assert str(error.value).startswith(f"{place}: Mon-Fri 7-22: must be like ")


def test_hours_come_from_the_environment_too() -> None:
    variables = {"GENRE_EDGE_LISTEN_HOURS": "Mon-Fri 07:00-22:00, Sat,Sun 09:00-23:00"}
    hours = load(kinds.sections(), None, variables)[0].listen.hours
    assert Pausing(hours, wall=Wall("2026-03-07 08:59")).reason()
    assert not Pausing(hours, wall=Wall("2026-03-07 09:00")).reason()


def test_the_doctor_says_whether_it_would_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pausing.time, "localtime", Wall("2026-03-02 06:00"))
    (found,) = check_hours(loaded(tmp_path, '[listen]\nhours = ["07:00-22:00"]\n'), False)
    assert (found.status, found.text) == ("ok", "a listening program pauses now, until 07:00")
    assert list(check_hours(loaded(tmp_path, ""), False)) == []


def test_the_state_of_several_sources_is_paused_only_if_all_are() -> None:
    health = Health([SourceHealth("a", "paused"), SourceHealth("b", "lost")])
    assert (health.is_paused, health.is_deaf) == (False, True)
