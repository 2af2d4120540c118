"""A fleet of simulated devices with a real Mosquitto, a real PostgreSQL and real
collectors, of which one is killed, while broker and database are each restarted.

    python -m benchmarks.fleet --devices 1000 --collectors 2     needs both installed

Stretches and their messages are made by the devices' own code, in one process with a
few connections; topics and ids are those of single devices. A window of each device
comes every 3 s, and half of them change the label, which is far more than music does.
What waits for the broker waits in the memory of the connections, not in spools. Ends
with an error unless every stretch is in the database once.

At the end the collectors are stopped, a backlog is published, and the time is taken in
which they write it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from genre_edge.health import Health
from genre_edge.records import LiveRecord, compact_json, iso8601
from genre_edge.settings.source_table import topic_of
from genre_edge.sinks.mqtt.stretch_messages import StretchMessages
from genre_edge.version import __version__
from paho.mqtt.enums import CallbackAPIVersion

from tests.helpers.broker import Broker
from tests.helpers.fleet import Collecting, subscribed
from tests.helpers.postgres import Postgres
from tests.helpers.processes import processor_seconds
from tests.helpers.waiting import wait_for

HOP, HEALTH_SECONDS = 3.0, 30.0
CONNECTIONS = 8
LABELS = ("blues", "jazz", "pop", "rock", "silence")


class Device:
    """One device: its stretches and its health."""

    def __init__(self, number: int) -> None:
        self.base = f"genre-edge/{topic_of(f'pi-{number:05}')}"
        self._messages = StretchMessages(f"{random.getrandbits(48):012x}", lambda _: self.base)
        self._label, self._health = LABELS[0], Health()
        self.next_window = time.time() + random.uniform(0, HOP)
        self.next_health = time.time() + random.uniform(0, HEALTH_SECONDS)

    def messages(self, now: float) -> list[tuple[str, bytes]]:
        """What it publishes at a time."""
        found: list[tuple[str, bytes]] = []
        if now >= self.next_window:
            found += self._messages.after(self._window(self.next_window - HOP))
            self.next_window += HOP
        if now >= self.next_health:
            self.next_health += HEALTH_SECONDS
            more = {"model": "none", "waiting": 0, "version": __version__, "time": iso8601(now)}
            values = self._health.to_json() | more
            found.append((f"{self.base}/health", compact_json(values).encode()))
        return found

    def last_messages(self) -> list[tuple[str, bytes]]:
        """What it publishes when it ends."""
        return list(self._messages.finish())

    def _window(self, start: float) -> LiveRecord:
        if random.random() < 0.5:
            self._label = random.choice([label for label in LABELS if label != self._label])
        genre, sure = (None, None) if self._label == "silence" else (self._label, 0.8)
        more = (iso8601(start), "usb:1", -20.0, "listening", 5.0, self._label, genre, sure)
        return LiveRecord(0.0, HOP, genre, sure, {}, *more)


class Network:
    """A few connections for all devices; counts what is not acknowledged."""

    def __init__(self, port: int) -> None:
        self.sent: set[tuple[str, str]] = set()
        """(device, id) of each stretch."""
        self._waiting: list[set[int]] = [set() for _ in range(CONNECTIONS)]
        self._clients = [self._made(k, port) for k in range(CONNECTIONS)]

    def _made(self, number: int, port: int) -> Any:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"devices-{number}")
        client.max_inflight_messages_set(100)
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(1, 2)
        waiting = self._waiting[number]
        client.on_publish = lambda _c, _d, mid, *_: waiting.discard(mid)
        client.connect("127.0.0.1", port)
        client.loop_start()
        return client

    def publish(self, device: int, topic: str, payload: bytes) -> None:
        """Publish; the broker may be away."""
        number = device % CONNECTIONS
        is_health = topic.endswith("/health")
        told = self._clients[number].publish(topic, payload, qos=1, retain=is_health)
        self._waiting[number].add(told.mid)
        if told.rc == 0 and told.is_published():  # before its number was noted
            self._waiting[number].discard(told.mid)
        if not is_health:
            found = payload.rpartition(b'"id":"')[2].rstrip(b'"}').decode()
            self.sent.add((topic.split("/")[1], found))

    @property
    def waiting(self) -> int:
        """Messages that the broker has not acknowledged."""
        return sum(map(len, self._waiting))

    def close(self) -> None:
        """Disconnect all."""
        for client in self._clients:
            client.disconnect()
            client.loop_stop()


class Fleet:
    """Everything that takes part."""

    def __init__(self, options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
        self.options, self.folder, self._stack = options, folder, stack
        self.broker = Broker(folder)
        self.broker.start()
        stack.callback(self.broker.stop)
        self.postgres = Postgres()
        stack.callback(self.postgres.close)
        self.postgres.start()
        self.collectors = [self._collect(part) for part in range(1, options.collectors + 1)]
        for part in range(1, options.collectors + 1):
            wait_for(partial(subscribed, folder, self._session(part)), "a subscription")
        self.devices = [Device(number) for number in range(options.devices)]
        self.network = Network(self.broker.port)
        stack.callback(self.network.close)

    def _session(self, part: int) -> str:
        parts = self.options.collectors
        if self.options.shared:
            return f"p{part}"
        return f"collect-{part}of{parts}" if parts > 1 else "collect"

    def _collect(self, part: int) -> Collecting:
        share = (
            ["--shared"] if self.options.shared else ["--part", f"{part}/{self.options.collectors}"]
        )
        name = f"p{part}" if self.options.shared else "collect"
        broker = f"mqtt://127.0.0.1:{self.broker.port},name={name}"
        made = Collecting(broker, self.postgres.url(), "--status-seconds", "5", *share)
        self._stack.callback(made.process.kill)
        return made

    def live(self, seconds: float) -> None:
        """All devices hear something for a while."""
        end = time.time() + seconds
        while (now := time.time()) < end:
            for number, device in enumerate(self.devices):
                for topic, payload in device.messages(now):
                    self.network.publish(number, topic, payload)
            time.sleep(0.02)

    def rows(self) -> list[tuple[str, str]]:
        """(device, id) of each stretch in the database."""
        import psycopg

        with psycopg.connect(self.postgres.url()) as link:
            return link.execute("SELECT device, id FROM stretches").fetchall()

    def settle(self, what: str) -> float:
        """Wait until all that was sent is in the database; returns how long that took,
        s."""
        began = time.monotonic()
        wait_for(lambda: not self.network.waiting, "the broker's acknowledgements")
        last, since = -1, time.monotonic()
        while (count := len(self.rows())) < len(self.network.sent):
            if count != last:
                last, since = count, time.monotonic()
            if time.monotonic() - since > 30:
                print(f"{what}: nothing more comes", flush=True)
                break
            time.sleep(0.2)
        return time.monotonic() - began

    def check(self, what: str) -> bool:
        """Whether every stretch is there once, and no other."""
        rows = self.rows()
        missing, more = self.network.sent - set(rows), set(rows) - self.network.sent
        print(
            f"{what}: {len(self.network.sent)} stretches sent, {len(rows)} rows, {len(missing)} "
            f"missing, {len(rows) - len(set(rows))} twice, {len(more)} unknown",
            flush=True,
        )
        return not missing and not more and len(rows) == len(set(rows))


def faults(fleet: Fleet, step: float) -> None:
    """A collector is killed and comes back, then the database, then the broker."""
    fleet.live(2 * step)
    print("a collector is killed", flush=True)
    fleet.collectors[0].kill()
    fleet.live(step)
    fleet.collectors.append(fleet._collect(1))
    fleet.live(step)
    print("the database is stopped", flush=True)
    fleet.postgres.stop()
    fleet.live(step)
    fleet.postgres.start()
    fleet.live(step)
    print("the broker is stopped", flush=True)
    fleet.broker.stop()
    fleet.live(3.0)
    fleet.broker.start()
    fleet.live(2 * step)


def backlog(fleet: Fleet, count: int) -> None:
    """Have the collectors write what has waited at the broker."""
    parts = fleet.options.collectors
    for collector in fleet.collectors[1:]:
        collector.end()
    for k in range(count):
        at = time.time() - 60
        device = k % fleet.options.devices
        base, number = fleet.devices[device].base, f"backlog-s{k}"
        stretch = {"source": "usb:1", "label": "jazz", "start": iso8601(at), "end": iso8601(at + 9)}
        more = {"type": "stretch", "windows": 3, "confidence": 0.8, "id": number}
        fleet.network.publish(device, f"{base}/stretch", compact_json(stretch | more).encode())
    wait_for(lambda: not fleet.network.waiting, "the broker's acknowledgements")
    collectors = [fleet._collect(part) for part in range(1, parts + 1)]
    before = len(fleet.rows())
    wait_for(lambda: len(fleet.rows()) > before, "the first row")
    seconds = fleet.settle("backlog")
    used = processor_seconds([one.process.pid for one in collectors])
    print(
        f"a backlog of {count} stretches: {count / seconds:.0f} rows/s by {parts} collectors, "
        f"{used / count * 1e6:.0f} us of a core a row"
    )
    for one in collectors:
        one.end()


def told(fleet: Fleet) -> None:
    """What the collectors said, and what a row takes on disk."""
    import psycopg

    lines = [line for one in fleet.collectors for line in one.said if "rows/s" in line]
    lags = [float(line.split("lag ")[1].split(" s")[0]) for line in lines if "lag " in line]
    rates = [float(line.split(" rows/s")[0]) for line in lines]
    lags.sort()
    if lags:
        print(
            f"lag by status line (5 s, one collector): median {lags[len(lags) // 2]:.1f} s, most "
            f"{lags[-1]:.1f} s; rows/s: median {sorted(rates)[len(rates) // 2]:.0f}, most "
            f"{max(rates):.0f}"
        )
    with psycopg.connect(fleet.postgres.url()) as link:
        found = link.execute(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits "
            "WHERE inhparent = 'stretches'::regclass"
        ).fetchone()
        letters = link.execute("SELECT coalesce(sum(times), 0) FROM dead_letters").fetchone()
        devices = link.execute("SELECT count(*) FROM devices WHERE version IS NOT NULL").fetchone()
    assert found and letters and devices
    print(
        f"{float(found[0]) / len(fleet.rows()):.0f} bytes a row with its indexes; "
        f"{devices[0]} devices; {letters[0]} dead letters"
    )


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--collectors", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=120.0, help="of hearing, about")
    parser.add_argument("--backlog", type=int, default=50_000, help="stretches of the last part")
    parser.add_argument("--shared", action="store_true", help="shared subscriptions")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = Fleet(options, folder, stack)
        faults(fleet, options.seconds / 9)
        for number, device in enumerate(fleet.devices):
            for topic, payload in device.last_messages():
                fleet.network.publish(number, topic, payload)
        print(f"settled after {fleet.settle('faults'):.1f} s")
        is_right = fleet.check("faults")
        told(fleet)
        if options.backlog:
            backlog(fleet, options.backlog)
            is_right &= fleet.check("backlog")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
