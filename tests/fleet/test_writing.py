"""Batches in a database, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from genre_edge.fleet import collector as collector_module
from genre_edge.fleet import writing
from genre_edge.fleet.address import parse_address
from genre_edge.fleet.batch import sort_out
from genre_edge.fleet.collector import Collector
from genre_edge.fleet.device_rows import read_devices
from genre_edge.fleet.months import Believed, month_of, months_before, start_of
from genre_edge.fleet.open_store import check_version, store_at
from genre_edge.fleet.schema import MIGRATIONS
from genre_edge.fleet.store import Away, Refused, WrongSchema
from genre_edge.fleet.writing import forget_old, write

from tests.helpers.fleet import health_payload, incoming, stretch_payload

NOW = time.time()


ALL = Believed()


def put(store, *messages, believed=ALL, now=NOW):
    return write(store, sort_out(messages, "music", believed, now), now)


def stretches_of(device: str, numbers, at: float = NOW - 100):
    return [incoming(f"{device}/stretch", stretch_payload(k, at), NOW) for k in numbers]


def rows(store, sql):
    return store.run(sql)


def test_a_row_is_there_once_however_often_it_comes(store) -> None:
    first = put(store, *stretches_of("a", range(5)))
    again = put(store, *stretches_of("a", range(3, 8)))
    assert (first.stretches, first.duplicates) == (5, 0)
    assert (again.stretches, again.duplicates) == (3, 2)
    other = put(store, *stretches_of("b", range(5)))
    assert other.stretches == 5, "an id is a device's own"
    assert rows(store, "SELECT count(*), count(DISTINCT id) FROM stretches") == [(13, 8)]
    twice = put(store, *stretches_of("c", [1, 1]))
    assert (twice.stretches, twice.duplicates) == (1, 1), "in one batch too"


def test_times_and_texts_come_back_as_they_were(store) -> None:
    at = start_of(months_before(month_of(NOW), 1)) - 15.0
    put(store, incoming("a/stretch", stretch_payload(1, at, label="Küche ✓", confidence=None), NOW))
    ((label, started, ended, confidence),) = rows(
        store, "SELECT label, started, ended, confidence FROM stretches"
    )
    assert (label, confidence) == ("Küche ✓", None)
    assert (store.seconds(started), store.seconds(ended)) == (at, at + 30), "across a month's end"


def test_a_stretch_that_the_broker_had_kept_is_one_like_others(store) -> None:
    (kept,) = stretches_of("a", [1])
    done = put(store, replace(kept, retained=True), incoming("b/status", b"online", NOW))
    assert done.stretches == 1
    assert read_devices(store)["a"].label == "jazz"
    assert read_devices(store)["a"].last_seen is None


def test_a_wild_clock_costs_nothing_but_its_rows_place(store) -> None:
    wild = [incoming("a/stretch", stretch_payload(k, 86_400 * 400.0 * k), NOW) for k in range(40)]
    done = put(store, *wild, *wild, *stretches_of("b", [1]))
    assert (done.stretches, done.quarantined) == (1, 80)
    assert rows(store, "SELECT count(*) FROM quarantine") == [(40,)]
    assert rows(store, "SELECT value FROM counters WHERE name = 'quarantined'") == [(80,)]


def test_bad_messages_are_kept_counted_and_bounded(store, monkeypatch) -> None:
    monkeypatch.setattr(writing, "MOST_LETTERS", 5)
    bad = [incoming("a/stretch", b"\xff\0 %d" % k, NOW + k) for k in range(9)]
    done = put(store, *bad, bad[8], *stretches_of("b", [1]))
    assert (done.stretches, done.letters) == (1, 10)
    kept = rows(store, "SELECT payload, reason, times FROM dead_letters ORDER BY last_seen")
    assert [times for _, _, times in kept] == [1, 1, 1, 1, 2]
    assert kept[-1][:2] == ("\\xff\\0 8", "is no JSON")
    assert rows(store, "SELECT value FROM counters WHERE name = 'dead_letters'") == [(10,)]


class Acknowledged:
    """A receiver that remembers what was acknowledged."""

    is_ready = True

    def __init__(self) -> None:
        self.found: list = []
        self.acknowledge = self.found.extend


def test_a_row_that_the_database_refuses_stops_no_other(store, monkeypatch) -> None:
    def write_some(store, batch, now):
        if any(row.id == "abc-s13" for row in batch.stretches):
            raise Refused("no luck")
        return write(store, batch, now)

    monkeypatch.setattr(collector_module, "write", write_some)
    receiver = Acknowledged()
    collector = Collector(receiver, store, "music", Believed(), print)
    messages = stretches_of("a", range(20))
    collector._pending = list(messages)
    collector._write(messages)
    assert collector.tally.written.stretches == 19
    assert rows(store, "SELECT reason FROM dead_letters") == [("no luck",)]
    assert receiver.found == messages, "each once, in order"
    assert not collector._pending


def test_what_changes_of_a_device_is_noted_once(store) -> None:
    put(store, incoming("a/status", b"online", NOW), incoming("a/health", health_payload(NOW), NOW))
    put(store, incoming("a/health", health_payload(NOW + 30), NOW + 30))
    put(store, incoming("a/health", health_payload(NOW + 69.5, state="dead"), NOW + 60))
    put(store, incoming("a/status", b"offline", NOW + 90))
    put(store, *stretches_of("a", [1, 2]))
    row = read_devices(store)["a"]
    assert (row.online, row.state, row.trouble) == (False, "dead", "microphone dead")
    assert (row.version, row.model, row.label) == ("0.2.0", "gtzan-edge.int8", "jazz")
    assert row.last_seen == pytest.approx(NOW + 90)
    assert row.clock_ahead == pytest.approx(9.5, abs=0.01)
    found = rows(store, "SELECT what, value FROM changes ORDER BY noticed")
    assert len(found) == 8
    assert found[-3:] == [("state", "dead"), ("trouble", "microphone dead"), ("online", "no")]


def test_what_a_device_hears_now_does_not_wait_for_the_end_of_it(store) -> None:
    put(store, *stretches_of("a", [1]))
    put(store, incoming("a/health", health_payload(NOW + 9e8, label="rock"), NOW + 60))
    put(store, incoming("a/health", health_payload(NOW + 90, label="blues"), NOW + 90))
    put(store, incoming("a/health", health_payload(NOW + 120, label=None), NOW + 120))
    row = read_devices(store)["a"]
    assert row.label == "blues", "and its clock has been set meanwhile"
    assert row.heard_until == pytest.approx(NOW + 90, abs=0.01)


def test_what_the_broker_had_kept_tells_when_the_device_was_seen(store) -> None:
    """Else a device that died last week would be there again with each start."""
    old = incoming("a/health", health_payload(NOW - 9000), NOW, retained=True)
    put(store, old, incoming("a/status", b"offline", NOW, retained=True))
    assert read_devices(store)["a"].last_seen == pytest.approx(NOW - 9000, abs=0.01)


def test_old_months_are_deleted_and_stay_so(store) -> None:
    month = month_of(NOW)
    for age in range(6):
        at = start_of(months_before(month, age)) + 60
        put(store, *stretches_of("a", [age], at), now=max(NOW, at))
    believed = Believed(keep_months=3)
    assert forget_old(store, believed, NOW) > 0
    ((oldest,),) = rows(store, "SELECT min(started) FROM stretches")
    assert store.seconds(oldest) == start_of(months_before(month, 3)) + 60
    late = put(store, *stretches_of("a", [9], start_of(months_before(month, 5))), believed=believed)
    assert (late.stretches, late.quarantined) == (0, 1), "no partition is made for it again"
    assert put(store, *stretches_of("a", [10]), believed=believed).stretches == 1


def test_tables_are_made_once_by_whoever_comes_first(url) -> None:
    stores = [store_at(parse_address(url)) for _ in range(4)]
    for one in stores:
        one.open()
    done: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda one=one: done.append(one.migrate())) for one in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in stores:
        check_version(one)
        one.close()
    assert sorted(map(len, done)) == [0, 0, 0, len(MIGRATIONS)]


def test_tables_of_a_newer_version_are_left_alone(store, monkeypatch) -> None:
    monkeypatch.setattr("genre_edge.fleet.sqlite_store.MIGRATIONS", ())
    monkeypatch.setattr("genre_edge.fleet.postgres_store.MIGRATIONS", ())
    monkeypatch.setattr("genre_edge.fleet.open_store.MIGRATIONS", ())
    for look in (store.migrate, lambda: check_version(store)):
        with pytest.raises(WrongSchema, match=r"by a newer genre-edge \(schema 1\)"):
            look()


def test_roles_have_no_more_rights_than_they_need(url_as) -> None:
    collector, viewer = (store_at(parse_address(url_as(role))) for role in ("collector", "viewer"))
    collector.open()
    assert collector.migrate() == [], "there is nothing to do"
    bad = incoming("a/stretch", b"?", NOW)
    wild = incoming("a/stretch", stretch_payload(9, 0.0), NOW)
    old = stretches_of("b", [1], start_of(months_before(month_of(NOW), 4)))
    assert put(collector, *stretches_of("a", [1]), *old, bad, wild).stretches == 2
    put(collector, incoming("a/health", health_payload(NOW), NOW))
    for statement in (
        "SELECT * FROM stretches",
        "DELETE FROM stretches",
        "UPDATE stretches SET label = ''",
        "SELECT genre_edge_drop_before(now()::date)",
        "DROP TABLE devices",
        "CREATE TABLE mine (x integer)",
        "SELECT genre_edge_make_month('1970-01-01')",
        "SELECT genre_edge_make_month('2999-01-01')",
    ):
        with pytest.raises(Away):
            collector.run(statement)
    viewer.open()
    check_version(viewer)
    assert viewer.run("SELECT count(*) FROM stretches") == [(2,)]
    for statement in ("INSERT INTO counters VALUES ('x', 1)", "DELETE FROM stretches"):
        with pytest.raises(Away, match="permission denied"):
            viewer.run(statement)
    for one in (collector, viewer):
        one.close()


def test_a_partition_that_somebody_dropped_is_made_again(make_url, server) -> None:
    store = store_at(parse_address(make_url("postgresql")))
    store.open()
    store.migrate()
    put(store, *stretches_of("a", [1]))
    year, month = month_of(NOW - 100)
    store.run(f"DROP TABLE stretches_{year}_{month:02}")
    with pytest.raises(Away):
        put(store, *stretches_of("a", [2]))
    assert put(store, *stretches_of("a", [2])).stretches == 1
    store.close()


def test_a_database_that_cannot_hold_every_text_is_refused(server) -> None:
    import psycopg

    with psycopg.connect(server.url(), autocommit=True) as link:
        link.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(WrongSchema, match="its encoding is LATIN1, and must be UTF8"):
        store_at(parse_address(server.url("latin"))).open()


def test_a_reader_that_takes_its_time_stops_no_new_month(make_url) -> None:
    url = make_url("postgresql")
    store, reader = (store_at(parse_address(url)) for _ in range(2))
    store.open()
    store.migrate()
    reader.open()
    with reader.transaction():
        reader.run("SELECT * FROM stretches")
        assert put(store, *stretches_of("a", [1])).stretches == 1
    for one in (store, reader):
        one.close()


def test_a_collector_that_cannot_delete_goes_on(owned, url_as) -> None:
    store, said = store_at(parse_address(url_as("collector"))), list[str]()
    store.open()
    collector = Collector(Acknowledged(), store, "music", Believed(3), said.append)
    collector._tend()
    assert len(said) == 1
    assert "genre_edge_drop_before; what is too old stays for now" in said[0]
    assert put(store, *stretches_of("a", [1])).stretches == 1
    store.close()


def test_a_table_of_somebody_else_is_not_deleted_whatever_its_name(owned) -> None:
    owned.run("CREATE TABLE stretches_2020_01 (mine text)")
    for year in (2018, 2019):
        owned.run(
            f"CREATE TABLE stretches_{year}_01 PARTITION OF stretches "
            f"FOR VALUES FROM ('{year}-01-01 00:00:00+00') TO ('{year}-02-01 00:00:00+00')"
        )
    owned.run("ALTER TABLE stretches DETACH PARTITION stretches_2019_01")
    assert forget_old(owned, Believed(keep_months=3), NOW) == 1
    left = rows(owned, "SELECT tablename FROM pg_tables WHERE tablename ~ '_20(18|19|20)_'")
    assert sorted(left) == [("stretches_2019_01",), ("stretches_2020_01",)]


def test_a_file_that_somebody_moves_away_costs_no_row(make_url, tmp_path) -> None:
    store, said = store_at(parse_address(make_url("sqlite"))), list[str]()
    store.open()
    store.migrate()
    receiver = Acknowledged()
    receiver.take = lambda most, wait: []
    collector = Collector(receiver, store, "music", Believed(), said.append)
    for number in (1, 2):
        collector._pending = stretches_of("a", [number])
        collector._next_attempt = 0.0
        collector._step(0.0)
        if number == 1:
            (tmp_path / "fleet.db").rename(tmp_path / "old.db")
    assert len(receiver.found) == 1, "the second is not yet anywhere"
    collector._next_attempt = 0.0
    collector._step(0.0)
    assert len(receiver.found) == 2
    assert rows(store, "SELECT id FROM stretches") == [("abc-s2",)]
    assert [line.partition(": ")[2] for line in said] == [
        "was moved or removed; trying again",
        "works again",
    ]
    store.close()


def test_rows_wait_until_this_machines_clock_is_set(store, monkeypatch) -> None:
    """A collector without a battery starts days behind its devices."""
    is_set = [False]
    monkeypatch.setattr(collector_module, "is_clock_synchronised", lambda: is_set[0])
    collector = Collector(Acknowledged(), store, "music", Believed(), print)
    collector._pending = messages = stretches_of("a", [1], time.time() + 7 * 86_400)
    with pytest.raises(Away, match="this machine's clock is not set by NTP yet"):
        collector._write(messages)
    assert collector._pending == messages
    is_set[0] = True
    collector._write(list(messages))
    assert collector.tally.written.quarantined == 1


def test_each_kind_of_trouble_is_told_once(make_url) -> None:
    said = list[str]()
    store = store_at(parse_address(make_url("sqlite")))
    collector = Collector(Acknowledged(), store, "music", Believed(), said.append)
    for trouble in ("no room in file 17", "no room in file 18", "permission denied"):
        collector._lost(trouble)
    assert said == ["no room in file 17; trying again", "permission denied; trying again"]


@pytest.mark.parametrize("comes", [False, True])
def test_a_broker_that_sends_nothing_at_all_is_told_of_once(store, monkeypatch, comes) -> None:
    """Mosquitto does not say what a user may not read."""
    monkeypatch.setattr(collector_module, "_HUSH_SECONDS", 0.0)
    said, receiver = list[str](), Acknowledged()
    coming = [[incoming("a/status", b"online", NOW)] if comes else [], [], []]
    receiver.take = lambda most, wait: coming.pop(0)
    collector = Collector(receiver, store, "music", Believed(), said.append)
    while coming:
        collector._step(0.0)
    told = [] if comes else ["nothing has come from music/# yet"]
    assert [line.partition(":")[0] for line in said] == told
