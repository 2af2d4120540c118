"""Faults put into the parts that keep records, and what each cost: a table of promises,
tries, survivals and losses that nobody counted. Run it with script/faults."""

from __future__ import annotations

import argparse
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from genre_edge.health import Health, SinkHealth
from genre_edge.sinks.background import BackgroundSink
from genre_edge.sinks.kind import SinkContext
from genre_edge.sinks.mqtt import sink as mqtt
from genre_edge.sinks.mqtt.settings import mqtt_config, parse_mqtt
from genre_edge.sinks.mqtt.spool import Spool

from benchmarks.fault_outcome import Outcome, live
from benchmarks.history_faults import HISTORY_FAULTS
from benchmarks.system_faults import SYSTEM_FAULTS
from tests.helpers.broker import Broker, Subscriber
from tests.helpers.waiting import wait_for

_HISTORY = """
import sys
from pathlib import Path
from benchmarks.fault_outcome import live
from genre_edge.health import SinkHealth
from genre_edge.sinks.history import HistoryConfig, HistorySink
sink = HistorySink(HistoryConfig(Path(sys.argv[1]), commit_seconds=0), SinkHealth("history"))
for number in range(10**9):
    sink.write(live(number, label=f"label {number}"))
    print(number, flush=True)
"""
_SPOOL = """
import sys
from pathlib import Path
from genre_edge.sinks.mqtt.spool import Spool
spool = Spool(Path(sys.argv[1]), 10**9)
spool.park()
for number in range(10**9):
    spool.put("t", b"%d" % number)
    print(number, flush=True)
"""


def _killed(code: str, path: Path, rng: random.Random) -> int:
    """Run a writer and kill it (-9) at any moment; how many records it acknowledged."""
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.1))
        child.kill()
        said = child.stdout.read().splitlines(keepends=True)
    return 1 + sum(line.endswith("\n") for line in said)


def history_killed(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """the history keeps what it committed | kill -9 while it writes"""
    found = Outcome()
    for number in range(tries):
        path = folder / f"{number}.db"
        handed = _killed(_HISTORY, path, rng)
        with closing(sqlite3.connect(path)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (kept,) = file.execute("SELECT count(*) FROM stretches").fetchone()
        found.add(handed, kept, 0)
    return found


def spool_killed(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """what waits on disk for the broker stays | kill -9 while it writes"""
    found = Outcome()
    for number in range(tries):
        path = folder / f"{number}.spool"
        handed = _killed(_SPOOL, path, rng)
        spool = Spool(path, 10**9)
        found.add(handed, len(spool), spool.lost)
        spool.close()
    return found


def spool_damaged(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """a damaged spool is told, what is lost is counted | pages overwritten"""
    found = Outcome()
    for number in range(tries):
        path, handed = folder / f"{number}.spool", 1000
        spool = Spool(path, 10**9)
        spool.park()
        for k in range(handed):
            spool.put("t", b"%050d" % k)
        spool.close()
        pages = path.stat().st_size // 4096
        with path.open("r+b") as out:
            out.seek(4096 * rng.randrange(3, pages - 3))
            out.write(rng.randbytes(4096 * rng.choice([1, 2])))
        spool = Spool(path, 10**9)
        found.add(handed, len(spool.after(0, handed)), spool.lost)
        spool.close()
    return found


def _publisher(port: int, folder: Path) -> tuple[mqtt.MqttSink, SinkHealth]:
    config = mqtt_config(parse_mqtt(f"mqtt://127.0.0.1:{port},name=faults"), folder)
    entry = SinkHealth("mqtt")
    context = SinkContext(entry, Health(), ("jazz",), "m", lambda line: None, wait=False)
    sink = mqtt.MqttSink(config, context)
    sink.start()
    return sink, entry


def _have_arrived(witness: Subscriber, count: int) -> bool:
    return len({window["id"] for window in witness.windows()}) >= count


def broker_stopped(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """at least once by MQTT, in order | the broker is stopped and started"""
    mqtt._LONGEST_PAUSE = 1.0
    found, broker = Outcome(), Broker(folder / "broker")
    broker.start()
    witness = Subscriber(broker.port)
    sink, entry = _publisher(broker.port, folder)
    number = 0
    for _ in range(tries):
        first, before = number, entry.dropped
        for step in range(60):
            sink.write(live(number))
            number += 1
            if step == 20:
                broker.stop()
            if step == 40:
                broker.start()
            time.sleep(rng.uniform(0.0, 0.02))
        due = number - entry.dropped
        wait_for(partial(_have_arrived, witness, due), "windows")
        starts = list(dict.fromkeys(w["start"] for w in witness.windows()))
        assert starts == sorted(starts), "in order"
        kept = sum(start >= 3.0 * first for start in starts)
        found.add(number - first, kept, entry.dropped - before)
    sink.close()
    witness.close()
    broker.stop()
    return found


def strange_broker(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """no byte of a broker ends the thread | noise after the connection is accepted"""
    mqtt._FIRST_PAUSE = 0.05
    found, server = Outcome(), socket.create_server(("127.0.0.1", 0))
    sink, entry = _publisher(server.getsockname()[1], folder)
    for number in range(tries):
        wire = server.accept()[0]
        wire.recv(4096)
        wire.sendall(b"\x20\x02\x00\x00" + rng.randbytes(rng.randrange(1, 40)))
        wire.close()
        sink.write(live(number))
        assert not entry.stopped
    sink.close(within=0.1)
    server.close()
    waits = Spool(mqtt_config(parse_mqtt("mqtt://127.0.0.1,name=faults"), folder).spool, 10**9)
    found = Outcome(tries, tries if len(waits) + entry.dropped >= tries else 0, tries)
    found.counted, found.lost = entry.dropped, max(0, tries - len(waits) - entry.dropped)
    waits.close()
    return found


def two_on_one_spool(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """two programs never mix their messages | a second one opens the spool"""
    found = Outcome()
    for number in range(tries):
        path = folder / f"{number}.spool"
        first, second = Spool(path, 10**9), Spool(path, 10**9)
        for spool in (first, second):
            spool.park()
            for _ in range(50):
                spool.put("t", b"x")
        dropped = second.close()  # it had no disk, and says so
        first.close()
        left = Spool(path, 10**9)
        found.add(100, len(left), dropped)
        left.close()
    return found


def no_memory(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """one record that fails does not stop those behind it | MemoryError in a sink"""

    class Forgetful:
        kept = 0

        def write(self, record: object) -> int:
            if rng.random() < 0.1:
                raise MemoryError
            self.kept += 1
            return 1

        def close(self) -> None:
            pass

    found = Outcome()
    for _ in range(tries):
        inner, entry = Forgetful(), SinkHealth("forgetful")
        sink = BackgroundSink(inner, entry)
        sink.start()
        for k in range(200):
            sink.write(live(k))
        sink.close(within=60)
        found.add(200, inner.kept, entry.dropped)
    return found


FAULTS: tuple[Callable[[Path, int, random.Random], Outcome], ...] = (
    *(history_killed, spool_killed, spool_damaged, broker_stopped, strange_broker),
    *(two_on_one_spool, *HISTORY_FAULTS, no_memory),
    *SYSTEM_FAULTS,
)


def main() -> int:
    """Print the table; the exit status is 1 if anything was lost without a word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=10, help="of each fault (default: 10)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    lost = 0
    print("| promise | fault | tries | survived | records | lost, counted | lost, not counted |")
    print("|---|---|---|---|---|---|---|")
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            found = fault(Path(folder), args.tries, random.Random(args.seed))
        promise, _, what = (fault.__doc__ or "").partition(" | ")
        numbers = (found.tries, found.survived, found.records, found.counted, found.lost)
        print(f"| {promise} | {what} | " + " | ".join(map(str, numbers)) + " |", flush=True)
        lost += found.lost
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
