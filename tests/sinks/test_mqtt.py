"""MQTT against a real Mosquitto: topics, payloads, passwords, TLS, a broker that comes
and goes."""

from __future__ import annotations

import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from genre_edge.errors import UsageError
from genre_edge.records import StateRecord
from genre_edge.sinks.mqtt import sink as mqtt
from genre_edge.sinks.mqtt.retained import Retained
from genre_edge.sinks.mqtt.settings import PASSWORD_VARIABLE, mqtt_config, parse_mqtt
from genre_edge.sinks.mqtt.spool import Spool

from tests.helpers.broker import Broker, Subscriber, free_port
from tests.helpers.publisher import Publisher
from tests.helpers.waiting import wait_for
from tests.helpers.windows import live

GOLDEN_FOLDER = Path(__file__).parent.parent / "golden"
GOLDEN = json.loads((GOLDEN_FOLDER / "mqtt.json").read_text())


def left_in(path: Path) -> int:
    """Messages in a spool."""
    spool = Spool(path, 10**6)
    count = len(spool)
    spool.close()
    return count


def test_topics_and_payloads_are_as_agreed(broker, publish) -> None:
    witness = Subscriber(broker.port)
    publisher = publish(",discovery=off")
    witness.wait_for(lambda: witness.on("/status") == [b"online"])
    for k, label in enumerate(["jazz", "jazz", "silence"]):
        publisher.sink.write(live(k, label))
    witness.wait_for(lambda: len(witness.windows()) == 3 and len(witness.on("/genre")) == 2)
    publisher.sink.close()
    witness.wait_for(lambda: witness.on("/status")[-1:] == [b"offline"])
    windows, stretches = (  # the first part of an id is drawn for each run
        [{**one, "id": one["id"].partition("-")[2]} for one in map(json.loads, witness.on(end))]
        for end in ("/window", "/stretch")
    )
    health = json.loads(witness.on("/health")[0])
    assert {
        "topics": sorted({topic for topic, _, _ in witness.heard}),
        "windows": windows,
        "stretches": stretches,
        "genre": [json.loads(payload) for payload in witness.on("/genre")],
        "status": [payload.decode() for payload in witness.on("/status")],
        "health keys": sorted(health),
    } == GOLDEN
    witness.close()


def test_a_stretch_is_published_once_it_ends(broker, publish) -> None:
    """A change of label ends it, lost audio, and ten minutes."""
    witness = Subscriber(broker.port)
    publisher = publish(",discovery=off")
    witness.wait_for(lambda: witness.on("/status") == [b"online"])
    for k in (*range(205), 210):
        publisher.sink.write(live(k, "jazz"))
    publisher.sink.write(live(211, "rock"))
    witness.wait_for(lambda: len(witness.on("/stretch")) == 3)
    found = [json.loads(payload) for payload in witness.on("/stretch")]
    assert [one["windows"] for one in found] == [200, 5, 1]
    wait_for(lambda: publisher.entry.written == 207, "every window is counted, and no stretch")
    publisher.sink.close()
    witness.wait_for(lambda: len(witness.on("/stretch")) == 4)
    found = [json.loads(payload) for payload in witness.on("/stretch")]
    assert found[-1]["label"] == "rock"
    assert len({one["id"] for one in found}) == 4
    assert publisher.entry.written == 207
    witness.close()


def test_sources_with_names_have_topics_of_their_own(broker, publish) -> None:
    witness = Subscriber(broker.port)
    publisher = publish(",discovery=off", "bar", "wine cellar")
    witness.wait_for(lambda: witness.on("shelf/status") == [b"online"])
    for k in range(2):
        publisher.sink.write(live(k, "jazz", "bar"))
        publisher.sink.write(live(k, "rock", "wine cellar"))
    publisher.sink.write(StateRecord("2026-03-01T12:00:06.000Z", "lost", "gone", "bar"))
    witness.wait_for(lambda: witness.on("bar/status")[-1:] == [b"offline"])
    windows = ("shelf/bar/window", "shelf/wine_cellar/window")
    witness.wait_for(lambda: [len(witness.on(topic)) for topic in windows] == [2, 2])
    genres = [json.loads(payload)["label"] for payload in witness.on("/genre")]
    assert genres == ["jazz", "rock"], "each changes once, though their windows alternate"
    assert {json.loads(payload)["source"] for payload in witness.on("bar/window")} == {"bar"}
    witness.wait_for(lambda: bool(witness.on("/health")))
    assert sorted(json.loads(witness.on("/health")[-1])["sources"]) == ["bar", "wine cellar"]
    late = Subscriber(broker.port, "late")
    late.wait_for(lambda: late.on("bar/status") == [b"offline"])
    assert [json.loads(payload)["label"] for payload in late.on("/genre")] == ["jazz", "rock"]
    late.close()
    witness.close()


def test_health_tells_what_is_heard_where_it_changed_last_until_nothing_is() -> None:
    kept = Retained("music/shelf", ["bar", "hall"], 20.0)
    assert kept.label is None
    for k, label, source in [(0, "jazz", "bar"), (0, "rock", "hall"), (1, "jazz", "bar")]:
        kept.changed_by(live(k, label, source))
    assert kept.label == "rock"
    kept.changed_by(live(2, "blues", "bar"))
    assert kept.label == "blues"
    for source, left in [("bar", "rock"), ("hall", None)]:
        kept.changed_by(StateRecord("2026-03-01T12:00:06.000Z", "lost", "gone", source))
        assert kept.label == left


def test_a_lost_microphone_makes_the_genre_unavailable(broker, publish) -> None:
    """Else Home Assistant shows "jazz" for ever."""
    witness = Subscriber(broker.port)
    publisher = publish()
    witness.wait_for(lambda: witness.on("/hearing") == [b"offline"])
    publisher.sink.write(live(0))
    for state in ("clipping", "lost", "waiting", "listening"):
        publisher.sink.write(StateRecord("2026-03-01T12:00:00.000Z", state, "why"))
    witness.wait_for(lambda: len(witness.on("/hearing")) == 4)
    assert witness.on("/hearing") == [b"offline", b"online", b"offline", b"online"]
    publisher.sink.write(StateRecord("2026-03-01T12:00:00.000Z", "lost", "pulled"))
    witness.wait_for(lambda: len(witness.on("/hearing")) == 5)
    late = Subscriber(broker.port, "late")
    late.wait_for(lambda: late.on("/hearing"))
    assert late.on("/hearing") == [b"offline"], "whoever comes later knows it too"
    for client in (witness, late):
        client.close()


def test_whoever_comes_late_knows_label_and_status(broker, publish) -> None:
    witness = Subscriber(broker.port)
    publisher = publish()
    publisher.sink.write(live(0, "rock"))
    witness.wait_for(lambda: witness.windows() and witness.on("/genre") and witness.on("/status"))
    witness.close()
    late = Subscriber(broker.port, "late")
    late.wait_for(lambda: late.on("/genre") and late.on("/status"))
    assert json.loads(late.on("/genre")[0])["label"] == "rock"
    assert late.on("/status") == [b"online"]
    assert not late.windows(), "windows are not retained"
    late.close()


def test_whoever_comes_after_the_end_knows_that_it_ended(broker, publish) -> None:
    witness = Subscriber(broker.port)
    publisher = publish()
    witness.wait_for(lambda: witness.on("/status")[-1:] == [b"online"])
    publisher.sink.close()
    witness.wait_for(lambda: witness.on("/status")[-1:] == [b"offline"])
    witness.close()
    late = Subscriber(broker.port, "late")
    late.wait_for(lambda: late.on("/status"))
    assert late.on("/status") == [b"offline"]
    late.close()


_PUBLISHER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.helpers.publisher import Publisher
publisher = Publisher(sys.argv[2], Path(sys.argv[3]))
time.sleep(600)
"""


def test_the_last_will_says_offline_and_is_retained(broker, tmp_path) -> None:
    witness = Subscriber(broker.port)
    url = f"mqtt://127.0.0.1:{broker.port},name=shelf"
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", _PUBLISHER, root, url, str(tmp_path)]
    with subprocess.Popen(command) as child:
        witness.wait_for(lambda: witness.on("/status") == [b"online"])
        child.kill()
    witness.wait_for(lambda: witness.on("/status") == [b"online", b"offline"])
    witness.close()
    late = Subscriber(broker.port, "late")
    late.wait_for(lambda: late.on("/status"))
    assert late.on("/status") == [b"offline"], "whoever comes later knows it too"
    late.close()


@pytest.mark.devices
def test_a_password_comes_from_a_file_or_the_environment(tmp_path, monkeypatch) -> None:
    server = Broker(tmp_path / "broker", password="s3cret")
    server.start()
    try:
        (tmp_path / "pw").write_text("s3cret\n")
        url = f"mqtt://edge@127.0.0.1:{server.port},name=shelf"
        by_file = Publisher(f"{url},password-file={tmp_path / 'pw'}", tmp_path / "a")
        by_file.sink.write(live(0))
        wait_for(lambda: by_file.entry.written, "a window that is delivered")
        by_file.sink.close()
        assert by_file.entry.written == 1
        monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
        wrong = Publisher(url, tmp_path / "b")
        wait_for(lambda: wrong.said, "the refusal")
        wrong.sink.close()
        assert "refused (Not authorized)" in wrong.said[0]
        monkeypatch.delenv(PASSWORD_VARIABLE)
        for given, lacks in ((url, "password"), (url.replace("edge@", ""), "user")):
            without = Publisher(given, tmp_path / lacks)
            wait_for(lambda one=without: one.said, "the refusal")
            without.sink.close()
            assert f"refused (Not authorized; no {lacks} was given)" in without.said[0]
        assert not any(
            "s3cret" in s or "wrong" in s
            for s in (*wrong.said, repr(wrong.config), repr(by_file.config))
        )
    finally:
        server.stop()


@pytest.mark.devices
@pytest.mark.filterwarnings(
    "ignore"
)  # paho leaves the socket of a failed handshake to the garbage collector
@pytest.mark.devices
def test_tls_with_a_certificate_on_both_sides(tmp_path) -> None:
    server = Broker(tmp_path / "broker", tls=True)
    server.start()
    try:
        pki = tmp_path / "broker"
        url = f"mqtts://127.0.0.1:{server.port},name=shelf"
        keys = f",ca={pki / 'ca.pem'},cert={pki / 'client.pem'},key={pki / 'client.key'}"
        good = Publisher(url + keys, tmp_path / "a")
        good.sink.write(live(0))
        wait_for(lambda: good.entry.written or good.said, "a window that is delivered")
        good.sink.close()
        assert (good.entry.written, good.said) == (1, [])
        unknown = Publisher(url, tmp_path / "b")  # the system's CAs do not know ours
        wait_for(lambda: unknown.said, "the refusal")
        unknown.sink.close()
        assert "TLS failed" in unknown.said[0]
    finally:
        server.stop()


def test_windows_wait_on_disk_through_a_restart(broker, publish, tmp_path) -> None:
    broker.stop()
    first = publish()
    for k in range(50):
        first.sink.write(live(k))
    first.sink.close(within=1.0)
    assert any("windows wait in" in line for line in first.said)
    broker.start()
    witness = Subscriber(broker.port)
    second = publish()
    second.sink.write(live(50))
    witness.wait_for(lambda: len(witness.windows()) == 51)
    assert [w["start"] for w in witness.windows()] == [3.0 * k for k in range(51)], "in order"
    second.sink.close()
    assert left_in(tmp_path / "spool") == 0
    witness.close()


def test_the_spool_keeps_its_limit_and_counts_what_it_lost(tmp_path) -> None:
    spool = Spool(tmp_path / "spool", 10_000)
    spool.park()
    dropped, counts = 0, []
    for _ in range(300):
        dropped += spool.put("t", b"x" * 100)
        counts.append(len(spool))
    kept = spool.after(0, 1000)
    assert len(kept) + dropped == 300
    assert counts[:100] == [*range(1, 101)], "as many as fit"
    assert (min(counts[100:]), max(counts[100:])) == (90, 100), "a tenth is made free at once"
    assert kept[-1].seq == 300, "the newest stay"
    assert [m.seq for m in kept] == list(range(kept[0].seq, 301))
    spool.close()


def test_what_waits_through_a_restart_stays_first(tmp_path) -> None:
    for payload in (b"1", b"2", b"3"):
        spool = Spool(tmp_path / "spool", 10**6)
        spool.put("t", payload)
        spool.close()
    spool = Spool(tmp_path / "spool", 10**6)
    assert [m.payload for m in spool.after(0, 10)] == [b"1", b"2", b"3"]
    spool.close()


def damaged_spool(folder: Path, count: int = 2000) -> Path:
    """A spool whose middle was overwritten."""
    spool = Spool(folder / "spool", 10**7)
    spool.park()
    for k in range(count):
        spool.put("t", f"{k:050d}".encode())
    spool.close()
    with (folder / "spool").open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xff" * 3 * 4096)
    return folder / "spool"


def test_a_damaged_spool_is_set_aside_told_and_counted(tmp_path) -> None:
    path = damaged_spool(tmp_path)
    spool = Spool(path, 10**7)
    kept = spool.after(0, 5000)
    assert len(kept) + spool.lost == 2000, "each is kept or counted"
    assert 0 < spool.lost < 400
    assert [m.seq for m in kept] == sorted({m.seq for m in kept})
    assert f"{len(kept)} waiting windows were kept, {spool.lost} are lost" in spool.damage
    (aside,) = tmp_path.glob("spool.corrupt-*")
    assert aside.name in spool.damage
    spool.put("t", b"later")
    assert spool.after(kept[-1].seq, 9)[0].payload == b"later"
    spool.close()


def test_a_spool_damaged_while_in_use_is_noticed(tmp_path) -> None:
    spool = Spool(tmp_path / "spool", 10**7)
    spool.park()
    for k in range(2000):
        spool.put("t", f"{k:050d}".encode())
    spool._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spool._file.execute("PRAGMA cache_size=1")
    with (tmp_path / "spool").open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xff" * 3 * 4096)
    seen = spool.after(0, 5000)
    left = spool.after(0, 5000)
    assert not seen
    assert 1000 < len(left) < 2000
    assert len(left) + spool.lost == 2000
    assert "damaged" in spool.damage
    spool.close()


def test_classify_tells_of_a_damaged_spool(demo_clip, tmp_path, cli) -> None:
    path = damaged_spool(tmp_path)
    done = cli("classify", demo_clip, "--mqtt", f"mqtt://127.0.0.1:{free_port()},spool={path}")
    assert done.returncode == 1
    assert "was damaged" in done.stderr
    assert "records dropped" in done.stderr
    assert left_in(path) > 1000 + 4 - 1


def test_a_record_that_cannot_be_sent_does_not_stop_those_behind_it(broker, publish) -> None:
    witness = Subscriber(broker.port)
    publisher = publish()
    broken = live(1)
    object.__setattr__(broken, "scores", {"jazz": object()})
    for record in (live(0), broken, live(2)):
        publisher.sink.write(record)
    witness.wait_for(lambda: len(witness.windows()) == 2)
    assert [w["start"] for w in witness.windows()] == [0.0, 6.0]
    wait_for(lambda: publisher.entry.written == 2, "both acknowledgements")
    assert (publisher.entry.dropped, publisher.entry.failures) == (1, 1)
    witness.close()


def test_what_a_broker_says_ends_no_thread(tmp_path, monkeypatch) -> None:
    """A broker accepts, then sends a message whose topic is no UTF-8, or noise."""
    monkeypatch.setattr(mqtt, "_FIRST_PAUSE", 0.1)
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(60)
    publisher = Publisher(f"mqtt://127.0.0.1:{server.getsockname()[1]},name=shelf", tmp_path)
    strange = [
        b"\x30\x05\x00\x02\xff\xfe1",
        b"\xf0\xff\xff\xff\xff\xff\x7f",
        b"\x90\x00",
        b"\x40\x00",
    ]
    accepted = []
    for noise in strange:
        wire = server.accept()[0]
        wire.settimeout(60)
        wire.recv(4096)
        wire.sendall(b"\x20\x02\x00\x00" + noise)
        accepted.append(wire)
        wire.shutdown(socket.SHUT_WR)
    server.accept()[0].close()  # it tried again after each
    publisher.sink.write(live(0))
    publisher.sink.close(within=1.0)
    for wire in (*accepted, server):
        wire.close()
    assert not publisher.entry.stopped
    assert not any("started again" in line for line in publisher.said)
    assert left_in(tmp_path / "spool") == 2, "the window, and the stretch that ends with it"


def test_files_that_are_faster_than_the_broker_lose_nothing(tmp_path) -> None:
    """What is not acknowledged waits in memory, and the queue waits for room there."""
    spool = Spool(tmp_path / "spool", 10**7)
    count = 0
    while spool.has_room:
        assert spool.put("t", b"x") == 0
        count += 1
    assert sum(spool.put("t", b"x") for _ in range(1000)) == 0, "a full queue still fits"
    assert count == 1000
    spool.close()


def changed_spool(folder: Path, change: str) -> Path:
    """A spool with ten windows, in which a statement changed something."""
    spool = Spool(folder / "spool", 10**7)
    spool.park()
    for k in range(10):
        spool.put("music/shelf/window", b'{"start": %d}' % k)
    spool.close()
    with closing(sqlite3.connect(folder / "spool")) as file:
        file.execute(change)
        file.commit()
    return folder / "spool"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE messages SET topic = CAST(x'ff' AS TEXT) WHERE seq = 4",
        "UPDATE messages SET payload = CAST(x'ff' AS TEXT) WHERE seq = 4",
        "UPDATE messages SET seq = 9223372036854775807 WHERE seq = 4",
        "UPDATE messages SET seq = -4 WHERE seq = 4",
        "UPDATE messages SET topic = 'music/' || char(0) || '/window' WHERE seq = 4",
        "UPDATE messages SET topic = '$usic/shelf/window' WHERE seq = 4",
    ],
)
def test_a_row_that_is_no_message_is_counted_and_holds_nobody_up(tmp_path, change: str) -> None:
    spool = Spool(changed_spool(tmp_path, change), 10**7)
    spool.park()
    spool.put("t", b"new")
    payloads = [message.payload for message in spool.after(0, 20)]
    assert payloads == [*(b'{"start": %d}' % k for k in range(10) if k != 3), b"new"]
    assert (spool.lost, "are lost" in spool.damage, len(spool)) == (1, True, 10)
    spool.close()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"topic TEXT", b"topik TEXT"),
        (b"seq INTEGER", b"sep INTEGER"),
        (b"PRIMARY KEY", b"PRIMARX KEY"),
        (b"BLOB NOT NULL", b"BLOB         "),
    ],
)
def test_a_table_that_is_another_is_set_aside_and_its_rows_are_kept(
    tmp_path, old: bytes, new: bytes
) -> None:
    path = changed_spool(tmp_path, "UPDATE messages SET topic = '+' WHERE seq = 4")
    path.write_bytes(path.read_bytes().replace(old, new))
    spool = Spool(path, 10**7)
    spool.park()
    spool.put("t", b"new")
    payloads = [message.payload for message in spool.after(0, 20)]
    assert payloads == [*(b'{"start": %d}' % k for k in range(10) if k != 3), b"new"]
    assert "9 waiting windows were kept, 1 are lost" in spool.damage
    assert (spool.lost, len(list(tmp_path.glob("spool.corrupt-*")))) == (1, 1)
    spool.close()


def test_an_end_that_cannot_be_read_is_counted_as_one_at_least(tmp_path) -> None:
    path = tmp_path / "spool"
    spool = Spool(path, 10**7)
    for k in range(2000):
        spool.put("t", f"{k:050d}".encode())
    spool.close()
    content = bytearray(path.read_bytes())
    last = content.rfind(f"{1999:050d}".encode()) // 4096 * 4096
    content[last : last + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    spool = Spool(path, 10**7)
    assert 1900 < len(spool) < 2000
    assert "at least 1 are lost" in spool.damage
    assert spool.lost == 1
    spool.close()


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ("'music/+/window'", "are lost"),
        ("'music/' || char(0)", "are lost"),
        ("'music/' || hex(zeroblob(40000))", "a waiting window cannot be sent"),
    ],
)
def test_a_topic_that_no_broker_takes_is_counted_and_ends_no_thread(
    broker, publish, tmp_path, topic: str, says: str
) -> None:
    changed_spool(tmp_path, f"UPDATE messages SET topic = {topic} WHERE seq = 4")
    witness = Subscriber(broker.port)
    publisher = publish()
    witness.wait_for(lambda: len(witness.windows()) == 9)
    wait_for(lambda: publisher.entry.written == 9, "all acknowledgements")
    assert (publisher.entry.dropped, publisher.entry.stopped) == (1, "")
    assert any(says in line for line in publisher.said)
    witness.close()


def test_a_disk_that_is_free_again_is_used_again(tmp_path) -> None:
    first, second = Spool(tmp_path / "spool", 10**6), Spool(tmp_path / "spool", 10**6)
    first.put("t", b"1")
    first.close()
    second.put("t", b"2")
    assert second.park() == 0
    assert [m.payload for m in second.after(0, 10)] == [b"1", b"2"], "what was there goes first"
    assert not second.trouble
    second.close()
    assert left_in(tmp_path / "spool") == 2


def test_what_a_locked_file_left_in_memory_follows_to_the_disk(tmp_path) -> None:
    spool = Spool(tmp_path / "spool", 10**6)
    spool.park()
    spool._file.execute("PRAGMA busy_timeout=10")
    with closing(sqlite3.connect(tmp_path / "spool", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        spool.put("t", b"1")
        assert "cannot be written" in spool.trouble
        other.execute("COMMIT")
        spool.put("t", b"2")
        assert not spool.trouble
        assert other.execute("SELECT count(*) FROM messages").fetchone() == (2,)
    spool.close()


def test_a_window_is_dropped_or_delivered_and_not_both(tmp_path) -> None:
    spool = Spool(tmp_path / "spool", 1000)
    spool.park()
    dropped = sum(spool.put("t", b"x" * 100) for _ in range(9))
    in_flight = [message.seq for message in spool.after(0, 10)]
    dropped += sum(spool.put("t", b"x" * 100) for _ in range(9))
    assert spool.remove(in_flight) + dropped + len(spool) == 18
    spool.close()


def test_trouble_of_broker_and_disk_is_told_once_each(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(mqtt, "_LONGEST_PAUSE", 0.01)
    (tmp_path / "spool").mkdir()
    publisher = Publisher(f"mqtt://127.0.0.1:{free_port()},name=shelf", tmp_path)
    wait_for(lambda: publisher.entry.failures > 10, "it has tried often")
    publisher.sink.close(within=1.0)
    assert len(publisher.said) == 2, publisher.said


def test_a_spool_is_for_its_owner_and_its_lock_follows_no_link(tmp_path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    (tmp_path / "spool.lock").symlink_to(precious)
    spool = Spool(tmp_path / "spool", 10**6)
    assert precious.read_text() == "keep me"
    assert "kept in memory" in spool.trouble
    assert spool.close() == 0
    (tmp_path / "spool.lock").unlink()
    (tmp_path / "spool.lock").write_text("not emptied")
    spool = Spool(tmp_path / "spool", 10**6)
    spool.put("t", b"1")
    spool.park()
    for name in ("spool", "spool-wal", "spool-shm"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, name
    assert (tmp_path / "spool.lock").read_text() == "not emptied"
    spool.close()


def test_a_spool_without_a_disk_keeps_the_newest_two_thousand(tmp_path) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    spool = Spool(tmp_path / "file" / "spool", 10**6)
    assert "kept in memory" in spool.trouble
    dropped = sum(spool.put("t", b"x") for _ in range(2500))
    assert (dropped, len(spool)) == (500, 2000)
    assert spool.after(0, 1)[0].seq == 501
    spool.close()


def test_a_spool_in_use_or_on_a_bad_disk_falls_back_to_memory(tmp_path) -> None:
    first, second = Spool(tmp_path / "spool", 10**6), Spool(tmp_path / "spool", 10**6)
    assert not first.trouble
    assert "in use by another" in second.trouble
    second.park()
    second.put("t", b"1")
    second.put("t", b"2")
    assert [m.payload for m in second.after(0, 10)] == [b"1", b"2"]
    first.close()
    second.close()
    (tmp_path / "bad").write_bytes(b"no database" * 200)
    third = Spool(tmp_path / "bad", 10**6)
    assert not third.trouble
    (aside,) = tmp_path.glob("bad.corrupt-*")
    assert aside.read_bytes().startswith(b"no database")
    third.close()


@pytest.mark.devices
def test_while_a_broker_refuses_there_are_no_storms(tmp_path, monkeypatch) -> None:
    """A port accepts and hangs up. Pauses between attempts are 0.2, 0.4, 0.8, 1.6 and
    3.2 s, each times 0.5 to 1.5; without growth five of them take 1.5 s at most."""
    monkeypatch.setattr(mqtt, "_FIRST_PAUSE", 0.2)
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(60)
    publisher = Publisher(f"mqtt://127.0.0.1:{server.getsockname()[1]},name=shelf", tmp_path)
    accepted = []
    for _ in range(6):
        server.accept()[0].close()
        accepted.append(time.monotonic())
    publisher.sink.close()
    server.close()
    assert accepted[-1] - accepted[0] > 2.5
    assert len(publisher.said) == 1, "trouble that goes on is reported once"


def test_ten_outages_lose_nothing_and_double_nothing(broker, publish, capsys, monkeypatch) -> None:
    """The broker is stopped ten times; every window arrives exactly once by its id, and
    in order."""
    monkeypatch.setattr(mqtt, "_LONGEST_PAUSE", 1.0)
    spells = float(os.environ.get("OUTAGE_SECONDS", "2"))
    rng = random.Random(7)
    witness = Subscriber(broker.port)
    publisher = publish(",discovery=off")
    written, stop = 0, threading.Event()

    def loop() -> None:
        nonlocal written
        while not stop.is_set():
            publisher.sink.write(live(written))
            written += 1
            time.sleep(0.02)

    thread = threading.Thread(target=loop)
    thread.start()
    for _ in range(10):
        time.sleep(rng.uniform(0.3, 1.0))
        broker.stop()
        time.sleep(rng.uniform(0.1, 1.0) * spells)
        broker.start()
    stop.set()
    thread.join()

    def ids() -> set[str]:
        return {w["id"] for w in witness.windows()}

    witness.wait_for(lambda: len(ids()) + publisher.entry.dropped >= written)
    publisher.sink.close()
    seen: dict[str, float] = {}
    for window in witness.windows():
        seen.setdefault(window["id"], window["start"])
    starts = list(seen.values())
    repeated = len(witness.windows()) - len(seen)
    with capsys.disabled():
        print(
            f"\n{written} windows, {len(seen)} arrived, {publisher.entry.dropped} dropped, "
            f"{repeated} delivered twice"
        )
    assert publisher.entry.dropped == 0
    assert starts == [3.0 * k for k in range(written)]
    witness.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("http://h", "must be mqtt://HOST"),
        ("mqtt://", "must be mqtt://HOST"),
        ("mqtt://u:pw@h", "seen by every user"),
        ("mqtt://h:99999", "port must be a number"),
        ("mqtt://h,ca=/etc/hostname", "go with mqtts"),
        ("mqtts://h,cert=/etc/hostname", "go together"),
        ("mqtt://h,name=a/b", "may have letters, digits"),
        ("mqtt://h,discovery=maybe", "must be true or false"),
        ("mqtt://h,spool-mb=-1", "must be "),
        ("mqtt://h,password-file=/nowhere", "No such file"),
        ("mqtt://h,colour=red", "is none of name="),
    ],
)
def test_wrong_options_are_one_clear_error(tmp_path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        mqtt_config(parse_mqtt(text), tmp_path)
    assert "pw" not in str(error.value).replace("password", "")


def test_classify_publishes_the_windows_it_prints(broker, demo_clip, tmp_path, cli) -> None:
    witness = Subscriber(broker.port)
    url = f"mqtt://127.0.0.1:{broker.port},name=shelf,spool={tmp_path / 's'}"
    done = cli("classify", demo_clip, "--format", "json", "--mqtt", url)
    assert done.returncode == 0, done.stderr
    printed = [r for r in map(json.loads, done.stdout.splitlines()) if r["type"] == "window"]
    witness.wait_for(lambda: len(witness.windows()) == len(printed))
    assert [{k: v for k, v in w.items() if k != "id"} for w in witness.windows()] == printed
    witness.close()


def test_classify_without_a_broker_ends_and_keeps_the_windows(demo_clip, tmp_path, cli) -> None:
    url = f"mqtt://127.0.0.1:{free_port()},name=shelf,spool={tmp_path / 's'}"
    done = cli("classify", demo_clip, "--mqtt", url)
    assert done.returncode == 1
    assert "windows wait in" in done.stderr
    assert left_in(tmp_path / "s") == 4
