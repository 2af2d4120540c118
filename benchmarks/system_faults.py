"""Faults of the system around the program: its clock, memory, descriptors and sound
server, and a second program at work on the same file."""

from __future__ import annotations

import os
import random
import resource
import socket
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import requests
from genre_edge.demo import clip_path
from genre_edge.health import Health, SinkHealth
from genre_edge.sinks.kind import SinkContext
from genre_edge.sinks.mqtt import sink as mqtt
from genre_edge.sinks.mqtt.settings import mqtt_config, parse_mqtt

from benchmarks.fault_outcome import Outcome, few_files, live, windows_in
from tests.helpers.broker import Broker, Subscriber
from tests.helpers.fakemic import FakeMic
from tests.helpers.listening import Listening
from tests.helpers.waiting import wait_for
from tests.helpers.webserver import WebServer

_WRITER = """
import sys, time
from pathlib import Path
from benchmarks.fault_outcome import live
from genre_edge.health import SinkHealth
from genre_edge.sinks.history import HistoryConfig, HistorySink
entry = SinkHealth("history")
sink = HistorySink(HistoryConfig(Path(sys.argv[1]), commit_seconds=0), entry)
for number, _ in enumerate(sys.stdin):
    try:
        sink.write(live(number, time.time(), f"label {number}"))
    except Exception as error:
        print(error, file=sys.stderr)
sink.close()
print(entry.dropped, time.time())
"""
"""Writes a window for each line that it reads, by the system's clocks. Says how many it
has lost, and what time it has."""


def _writer(path: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def _write(child: subprocess.Popen[str], count: int) -> None:
    assert child.stdin is not None
    child.stdin.write("\n" * count)
    child.stdin.flush()


def _end(child: subprocess.Popen[str]) -> tuple[int, float]:
    """How many windows it has lost, and the time that it has."""
    said, _ = child.communicate(timeout=300)
    assert child.returncode == 0
    dropped, now = said.split()
    return int(dropped), float(now)


def faked_clock(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """the history trusts no clock | libfaketime sets it by up to 400 days, ten times"""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    found, offset = Outcome(), folder / "offset"
    for number in range(tries):
        offset.write_text("+0d")
        path, days = folder / f"{number}.db", 0.0
        child = _writer(
            path,
            LD_PRELOAD=str(library),
            FAKETIME_TIMESTAMP_FILE=str(offset),
            FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )
        for _ in range(10):
            _write(child, 10)
            time.sleep(0.1)
            days = rng.uniform(-400, 400)
            offset.write_text(f"{days:+.2f}d")
        dropped, now = _end(child)
        assert abs(now - time.time() - 86_400 * days) < 86_400, "its clock was set"
        found.add(100, windows_in(path), dropped)
    return found


def two_on_one_history(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """two programs may write one history | both commit every window"""
    found = Outcome()
    for number in range(tries):
        path = folder / f"{number}.db"
        children = [_writer(path) for _ in range(2)]
        for child in children:
            _write(child, 100)
        dropped = sum(_end(child)[0] for child in children)
        found.add(200, windows_in(path), dropped)
    return found


_SHORT_OF_MEMORY = """
import resource, sys, time
from pathlib import Path
from benchmarks.fault_outcome import live
from genre_edge.health import SinkHealth
from genre_edge.sinks.history import HistoryConfig, HistorySink
from genre_edge.sinks.background import BackgroundSink
entry, now = SinkHealth("history"), [0.0]
config = HistoryConfig(Path(sys.argv[1]), commit_seconds=0)
history = HistorySink(config, entry, monotonic=lambda: now[0], is_clock_right=lambda: False)
records = [live(k, label=f"{k} " * (200_000 if 50 <= k < 60 else 1)) for k in range(100)]
sink = BackgroundSink(history, entry)
sink.start()
def settle():
    while len(sink._worker):
        time.sleep(0.01)
    time.sleep(0.05)
for k, record in enumerate(records):
    if k == 50:
        settle()
        used = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used + 100_000, -1))
    if k == 70:
        settle()
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        now[0] += 60  # the pause after a failure
    now[0] += 3
    sink.write(record)
sink.close(within=60)
print(entry.dropped, entry.failures)
"""


def short_of_memory(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """what there is no memory for is counted | RLIMIT_AS holds for 20 windows"""
    found = Outcome()
    for number in range(tries):
        path = folder / f"{number}.db"
        command = [sys.executable, "-c", _SHORT_OF_MEMORY, str(path)]
        # Large blocks come from the system, so that the limit counts.
        malloc = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **malloc})
        assert done.returncode == 0, done.stderr
        dropped, failures = map(int, done.stdout.split())
        assert failures, "the limit is felt"
        found.add(100, windows_in(path), dropped)
    return found


def _is_accounted(entry: SinkHealth, count: int) -> bool:
    return entry.written + entry.dropped >= count


def _has(witness: Subscriber, topic: str, count: int) -> bool:
    return len(witness.on(topic)) >= count


def mqtt_without_descriptors(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """windows for the broker wait | EMFILE: no socket for the broker, no spool"""
    mqtt._FIRST_PAUSE, mqtt._LONGEST_PAUSE = 0.05, 0.2
    found, broker = Outcome(), Broker(folder / "broker")
    broker.start()
    witness = Subscriber(broker.port)
    for number in range(tries):
        text = f"mqtt://127.0.0.1:{broker.port},name=n{number},spool={folder}/{number}.spool"
        entry = SinkHealth("mqtt")
        context = SinkContext(entry, Health(), ("jazz",), "m", lambda line: None, wait=False)
        sink = mqtt.MqttSink(mqtt_config(parse_mqtt(text), folder), context)
        with few_files():
            sink.start()
            for k in range(50):
                sink.write(live(k))
            wait_for(partial(getattr, entry, "failures"), "a failure")
        for k in range(50, 100):
            sink.write(live(k))
        wait_for(partial(_is_accounted, entry, 100), "deliveries")
        sink.close()
        wait_for(partial(_has, witness, f"n{number}/window", entry.written), "windows")
        found.add(100, len(set(witness.on(f"n{number}/window"))), entry.dropped)
    witness.close()
    broker.stop()
    return found


def web_without_descriptors(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """the web answers again, and says so in a line | EMFILE by 100 connections"""
    found, server = Outcome(), WebServer(folder)
    port = int(server.url.rsplit(":", 1)[1].strip("/"))
    used = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + 20, used + 20))
    for _ in range(tries):
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        time.sleep(0.3)
        for wire in crowd:
            wire.close()
        answer = requests.get(f"{server.url.rstrip('/')}/healthz", timeout=60)
        found.add(1, int(answer.status_code == 200), 0)
    assert server.stop() == 0
    assert len(server.said) < 10 + tries, server.said[-5:]
    return found


def microphone_lost(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """what a lost microphone costs is one gap | PulseAudio is killed and started"""
    mic = FakeMic(folder)
    mic.start()
    listening = Listening(mic.environment)
    try:
        for _ in range(tries):
            player = mic.play(clip_path())
            listening.wait_for(type="window")
            mic.kill()
            player.wait()
            listening.wait_for(type="state", state="lost")
            mic.start()
            listening.wait_for(type="state", state="listening")
        listening.wait_for(type="window")
        listening.stop()
    finally:
        listening.close()
        mic.close()
    assert listening.process.returncode == 0
    parts = [one for one in listening.seen if one["type"] in ("window", "gap")]
    gaps = sum(one["type"] == "gap" for one in parts)
    found = Outcome(tries, min(gaps, tries), len(parts), gaps)
    # Audio that is in no window: that of a gap, and before it less than a window.
    for one, following in pairwise(parts):
        room = 3.0 if following["type"] == "gap" else 0.01
        found.lost += not -0.01 <= following["start"] - one["end"] < room
    return found


SYSTEM_FAULTS = (
    *(faked_clock, two_on_one_history, short_of_memory),
    *(mqtt_without_descriptors, web_without_descriptors, microphone_lost),
)
