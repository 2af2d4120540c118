"""The service: ready, watched, reloaded, restarted; what it writes to its log; the
unit."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from genre_edge.health import Health
from genre_edge.log import HOUR, Log
from genre_edge.records import LiveRecord, StateRecord
from genre_edge.service.systemd_notify import Notifier
from genre_edge.service.systemd_unit import Unit, unit_text
from genre_edge.sinks.journal import LogSink

from tests.conftest import noise
from tests.helpers.broker import Subscriber
from tests.helpers.fakemic import FakeMic, installed
from tests.helpers.supervisor import Supervisor, service_command
from tests.helpers.waiting import wait_for

needs_sound = pytest.mark.skipif(not installed(), reason="needs pulseaudio and pulseaudio-utils")


# --- systemd's protocols


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as box:
        box.bind(str(tmp_path / "inbox"))
        box.setblocking(False)
        yield box


def received(inbox: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(inbox.recv(65536).decode())
        except BlockingIOError:
            return found


def test_before_it_is_ready_a_sign_of_life_asks_for_time_and_then_feeds_the_watchdog(inbox) -> None:
    now = [0.0]
    notifier = Notifier({"NOTIFY_SOCKET": inbox.getsockname()}, lambda: now[0])
    notifier.heartbeat()
    notifier.heartbeat()  # too soon to be worth a message
    now[0] = 5.0
    notifier.ready("listening")
    notifier.heartbeat()
    notifier.stopping()
    assert received(inbox) == [
        "EXTEND_TIMEOUT_USEC=60000000",
        "READY=1\nSTATUS=listening",
        "WATCHDOG=1",
        "STOPPING=1",
    ]
    Notifier({}).ready("nobody listens, and that is well")


def test_a_health_check_sees_the_last_sign_of_life(tmp_path: Path, cli) -> None:
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(tmp_path)}
    assert cli("service", "alive", env=environment).returncode == 1
    Notifier({"RUNTIME_DIRECTORY": str(tmp_path)}).heartbeat()
    assert cli("service", "alive", env=environment).returncode == 0
    Notifier({"RUNTIME_DIRECTORY": str(tmp_path)}).heartbeat("mqtt: stopped by KeyError")
    stopped = cli("service", "alive", env=environment)
    assert (stopped.returncode, "mqtt: stopped" in stopped.stdout) == (1, True)
    Notifier({"RUNTIME_DIRECTORY": str(tmp_path)}).heartbeat()
    os.utime(tmp_path / "genre-edge.alive", (0, time.time() - 31))
    assert cli("service", "alive", env=environment).returncode == 1
    nowhere = cli(
        "service", "alive", env={k: v for k, v in environment.items() if k != "RUNTIME_DIRECTORY"}
    )
    assert (nowhere.returncode, "RUNTIME_DIRECTORY is not set" in nowhere.stderr) == (2, True)


def test_the_journal_gets_fields_and_the_same_text_once_an_hour(tmp_path: Path, inbox) -> None:
    now = [0.0]
    log = Log({"JOURNAL_STREAM": "1:2"}, Path(inbox.getsockname()), lambda: now[0])
    for _ in range(1000):
        log.say("lost: gone", state="lost")
    now[0] = HOUR + 1
    log.say("lost: gone", state="lost")
    first, second = (
        dict(line.split("=", 1) for line in text.splitlines()) for text in received(inbox)
    )
    assert first == {
        "MESSAGE": "lost: gone",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "genre-edge",
        "GENRE_EDGE_STATE": "lost",
    }
    assert second["MESSAGE"] == "lost: gone (and 999 times before)"


def test_what_an_entry_quotes_controls_no_terminal(tmp_path: Path, inbox, capsys) -> None:
    told = "gone: \x1b[31m\udcff"
    Log({"JOURNAL_STREAM": "1:2"}, Path(inbox.getsockname())).say(told, state=told)
    (entry,) = received(inbox)
    assert r"MESSAGE=gone: \x1b[31m\udcff" in entry
    assert r"GENRE_EDGE_STATE=gone: \x1b[31m\udcff" in entry
    Log({}).say(told)
    assert capsys.readouterr().err == "genre-edge: gone: \\x1b[31m\\udcff\n"


def test_the_journal_ends_with_what_is_true(tmp_path: Path, inbox) -> None:
    now = [0.0]
    log = Log({"JOURNAL_STREAM": "1:2"}, Path(inbox.getsockname()), lambda: now[0])
    for second, text in enumerate(["fails", "works", "fails", "works", "fails"]):
        now[0] = second
        log.say(text)
    log.settle()
    assert [message(text) for text in received(inbox)] == ["fails", "works"], "not yet over"
    now[0] = 700
    log.settle()
    log.settle()
    assert [message(text) for text in received(inbox)] == [
        "works",
        "fails (and 1 times before)",
    ]


def test_an_answer_is_never_left_out(tmp_path: Path, inbox) -> None:
    log = Log({"JOURNAL_STREAM": "1:2"}, Path(inbox.getsockname()))
    for _ in range(3):
        log.say("stays as it was", always=True)
        log.say("was read again", always=True)
    assert len(received(inbox)) == 6


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    code = "from genre_edge.log import Log; Log({}).say('x'); print('on')"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stderr=full, stdout=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stdout) == (0, "on\n")


def message(entry: str) -> str:
    return entry.partition("MESSAGE=")[2].partition("\n")[0]


def live(label: str) -> LiveRecord:
    return LiveRecord(
        start=0.0,
        end=3.0,
        genre="jazz",
        confidence=0.9,
        scores={"jazz": 0.9},
        time="2026-01-31T12:00:00.000Z",
        source="x",
        level_dbfs=-20.0,
        state="listening",
        latency_ms=1.0,
        label=label,
        smoothed_genre="jazz",
        smoothed_confidence=0.9,
    )


def test_windows_are_summed_up_once_an_hour_and_never_written(capsys) -> None:
    now = [0.0]
    sink = LogSink(Log({}, clock=lambda: now[0]), Health(), lambda: now[0])
    sink.write(StateRecord("2026-01-31T12:00:00.000Z", "listening", "a microphone"))
    for k in range(2401):
        now[0] = 3.0 * k
        sink.write(live("jazz" if k % 4 else "rock"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "genre-edge: listening: a microphone",
        "genre-edge: 1201 windows in 60 min: 75% jazz, 25% rock",
        "genre-edge: 1200 windows in 60 min: 75% jazz, 25% rock",
    ]


# --- the unit


def analysed(text: str, folder: Path) -> float:
    """What systemd thinks of a unit's isolation: 0 the best, 10 the worst."""
    path = folder / "genre-edge.service"
    path.write_text(text)
    shown = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)],
        capture_output=True,
        text=True,
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", shown.stdout)
    assert found, shown
    return float(found.group(1))


@pytest.mark.parametrize("user", [None, "pi"])
def test_systemd_finds_the_unit_well_isolated_and_without_fault(
    tmp_path: Path, user: str | None
) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd")
    text = unit_text(
        Unit(("/bin/true", "service", "run"), Path("/etc/genre-edge.toml"), user, False)
    )
    level = analysed(text, tmp_path)
    print(f"exposure {level} as {user or 'a dynamic user'}")
    assert level <= 3.0
    shown = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "genre-edge.service")],
        capture_output=True,
        text=True,
    )
    assert "genre-edge" not in shown.stderr, shown.stderr


def test_install_writes_into_an_image_keeps_a_configuration_and_refuses_a_faulty_one(
    tmp_path: Path, cli
) -> None:
    done = cli("service", "install", "--root", tmp_path)
    assert done.returncode == 0, done.stderr
    unit = (tmp_path / "etc/systemd/system/genre-edge.service").read_text()
    assert "Type=notify" in unit
    assert "--config /etc/genre-edge.toml" in unit
    config = tmp_path / "etc/genre-edge.toml"
    assert "\nenabled = true\n" in config.read_text()
    config.write_text("[listen]\nsmooth = 4\n")
    assert f"kept {config}" in cli("service", "install", "--root", tmp_path).stdout
    config.write_text("[listen]\nsmooth = 0\n")
    broken = cli("service", "install", "--root", tmp_path)
    assert (broken.returncode, broken.stderr) == (
        2,
        f"genre-edge: {config}:2: listen.smooth: must be between 1 and 1000\n",
    )
    assert cli("service", "uninstall", "--root", tmp_path).returncode == 0
    assert config.exists()
    again = cli("service", "uninstall", "--root", tmp_path)
    assert again.returncode == 2
    assert "nothing to remove" in again.stderr


# --- all parts together


class Service:
    """genre-edge service run under the stand-in for systemd."""

    def __init__(self, mic: FakeMic, folder: Path, config: str, watchdog: float = 5.0) -> None:
        self.config = folder / "genre-edge.toml"
        self.config.write_text(config)
        self.state = folder / "state"
        environment = {**mic.environment, "STATE_DIRECTORY": str(self.state)}
        self.supervisor = Supervisor(service_command(self.config), environment, folder, watchdog)

    def log(self) -> str:
        return self.supervisor.log.read_text()


@needs_sound
def test_it_is_ready_with_the_first_window_and_remembers_without_being_told(
    mic, tmp_path: Path
) -> None:
    mic.play_samples(noise(30.0, 44100), 44100)
    service = Service(mic, tmp_path, "[model]\nhop_seconds = 0.5\n")
    service.supervisor.wait_for("READY=1")
    service.supervisor.wait_for("WATCHDOG=1", 3)
    assert service.supervisor.stop() == 0
    order = [message for _, message in service.supervisor.heard]
    assert order[0].startswith("STATUS=listening")
    log = service.log().splitlines()
    assert log[0].startswith("genre-edge: listening: ")
    assert re.search(r"^genre-edge: \d+ windows in 0 min", log[-2])
    assert log[-1] == "genre-edge: stopped"
    with closing(sqlite3.connect(service.state / "history.db")) as file:
        assert file.execute("SELECT sum(windows) FROM stretches").fetchone()[0] >= 3


@needs_sound
def test_it_serves_the_page_where_the_configuration_says_so(mic, tmp_path: Path) -> None:
    mic.play_samples(noise(30.0, 44100), 44100)
    service = Service(mic, tmp_path, "[web]\nenabled = true\nport = 0\n")
    service.supervisor.wait_for("READY=1")
    found = re.search(r"serving (http://\S+)", service.log())
    assert found, service.log()
    assert requests.get(f"{found[1]}/healthz").json()["status"] == "ok"
    assert re.search(
        r"(?m)^genre_edge_windows_total [1-9]", requests.get(f"{found[1]}/metrics").text
    )
    assert service.supervisor.stop() == 0


@needs_sound
def test_without_a_microphone_it_is_alive_but_not_ready(mic, tmp_path: Path) -> None:
    mic.kill()
    service = Service(mic, tmp_path, "")
    service.supervisor.wait_for("EXTEND_TIMEOUT_USEC", 3)
    assert not service.supervisor.said("READY=1")
    mic.start()
    service.supervisor.wait_for("READY=1")
    mic.kill()
    service.supervisor.wait_for("STATUS=lost")
    fed = len(service.supervisor.said("WATCHDOG=1"))
    service.supervisor.wait_for("WATCHDOG=1", fed + 4)  # honest waiting is life
    assert service.supervisor.restarts == 0
    assert service.supervisor.stop() == 0


@needs_sound
def test_a_frozen_service_is_restarted_and_works_again(mic, tmp_path: Path) -> None:
    mic.play_samples(noise(60.0, 44100), 44100)
    service = Service(mic, tmp_path, "[model]\nhop_seconds = 0.5\n", watchdog=4.0)
    service.supervisor.wait_for("READY=1")
    service.supervisor.wait_for("WATCHDOG=1", 2)
    service.supervisor.process.send_signal(signal.SIGSTOP)
    service.supervisor.wait_for("READY=1", 2)
    service.supervisor.wait_for("WATCHDOG=1", 5)
    assert service.supervisor.restarts == 1
    assert service.supervisor.stop() == 0


@needs_sound
def test_a_reload_costs_no_audio_and_a_faulty_file_changes_nothing(
    mic, broker, tmp_path: Path
) -> None:
    mic.play_samples(noise(90.0, 44100), 44100)
    witness = Subscriber(broker.port)
    mqtt = f'[mqtt]\nurl = "mqtt://127.0.0.1:{broker.port}"\nname = "shelf"\n'
    head = f"[model]\nhop_seconds = 0.5\n{mqtt}"
    out = tmp_path / "changes"
    service = Service(mic, tmp_path, head)
    service.supervisor.wait_for("READY=1")
    witness.wait_for(lambda: len(witness.windows()) >= 3)
    silent = f"[listen]\nsilence_dbfs = 0\n[on_change]\ncommand = 'tee -a {out}'\n"
    silent += "[microphone]\nqueue_seconds = 20\n"
    service.config.write_text(head + silent)
    service.supervisor.reload()
    service.supervisor.wait_for("RELOADING=1")
    service.supervisor.wait_for("READY=1", 2)
    witness.wait_for(lambda: witness.windows()[-1]["label"] == "silence")
    # A window that was judged before may be the new command's first.
    wait_for(lambda: out.exists() and '"label": "silence"' in out.read_text(), "the command")
    service.config.write_text(head + "[listen]\nsmooth = 0\nsmoth = 1\n")
    service.supervisor.reload()
    service.supervisor.wait_for("READY=1", 3)
    seen = len(witness.windows())
    witness.wait_for(lambda: len(witness.windows()) > seen + 3)
    assert witness.windows()[-1]["label"] == "silence"
    assert service.supervisor.stop() == 0
    witness.wait_for(lambda: witness.on("/status")[-1:] == [b"offline"])
    starts = [window["start"] for window in witness.windows()]
    assert starts == [0.5 * k for k in range(len(starts))], "no gap, no repetition"
    assert witness.on("/status") == [b"online", b"offline"], (
        "the unchanged sink kept its connection"
    )
    log = service.log()
    assert "microphone.queue_seconds: takes effect at the next start" in log
    assert f"{service.config}:7: listen.smooth: must be between 1 and 1000" in log
    assert f"{service.config}:8: listen.smoth: unknown; did you mean smooth?" in log
    assert "the configuration stays as it was" in log
    witness.close()


@needs_sound
def test_a_hung_sound_server_does_not_hang_the_service(mic, tmp_path: Path) -> None:
    """The server stops answering in the middle of a stream: given up after
    stall_seconds, or restarted by the watchdog."""
    service = Service(
        mic, tmp_path, "[model]\nhop_seconds = 0.5\n[microphone]\nstall_seconds = 2\n", 6.0
    )
    service.supervisor.wait_for("READY=1")
    assert mic._daemon is not None
    os.kill(mic._daemon.pid, signal.SIGSTOP)
    time.sleep(12)
    os.kill(mic._daemon.pid, signal.SIGCONT)
    windows = len(service.supervisor.said("STATUS=listening"))
    service.supervisor.wait_for("STATUS=listening", windows + 1, 40)
    service.supervisor.stop()
    print(f"{service.supervisor.restarts} restarts")
