"""genre-edge alerts with a real broker, a real HTTP server and both databases."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from genre_edge.cli import main
from genre_edge.fleet.address import parse_address
from genre_edge.fleet.alert import Alert
from genre_edge.fleet.alert_memory import AlertMemory
from genre_edge.fleet.alert_mqtt import MqttTeller, parse_alert_broker
from genre_edge.fleet.alert_webhook import WebhookTeller
from genre_edge.fleet.batch import sort_out
from genre_edge.fleet.months import Believed
from genre_edge.fleet.open_store import store_at
from genre_edge.fleet.writing import write
from genre_edge.sinks.webhook_settings import parse_webhook
from standardwebhooks.webhooks import Webhook

from tests.helpers.broker import Subscriber, free_port
from tests.helpers.endpoint import Endpoint
from tests.helpers.fleet import collecting, health_payload, incoming
from tests.helpers.waiting import wait_for

GOLDEN = Path(__file__).parent.parent / "golden" / "alerts.json"
BASE = "music/fleet/alerts"
QUICK = ("--silent-after", "1m", "--hold", "0m", "--every", "0.1")
DEAD = Alert("cellar", "microphone", "microphone dead", 1_790_000_000.0)


class Fleet:
    """A database, and the devices that are in it."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def says(self, device: str, ago: float = 0.0, online: bytes = b"online", **health: Any) -> None:
        now = time.time()
        messages = [
            incoming(f"{device}/health", health_payload(now - ago, **health), now - ago),
            incoming(f"{device}/status", online, now - ago),
        ]
        write(self._store, sort_out(messages, "music", Believed(), now), now)


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path}/fleet.db"


@pytest.fixture
def fleet(database):
    with made(database) as found:
        yield found


@contextmanager
def made(database: str):
    """A fleet whose database is made now."""
    store = store_at(parse_address(database))
    store.open()
    store.migrate()
    try:
        yield Fleet(store)
    finally:
        store.close()


def on_topics(subscriber: Subscriber) -> dict[str, list[dict[str, Any]]]:
    """What was published for each topic below that of the alerts, in order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for topic, payload, _ in subscriber.heard:
        if topic.startswith(f"{BASE}/") and payload.startswith(b"{"):
            found.setdefault(topic.removeprefix(f"{BASE}/"), []).append(json.loads(payload))
    return found


def test_all_are_told_once_when_it_begins_and_once_when_it_is_over(
    database, fleet, broker, endpoint, tmp_path
) -> None:
    fleet.says("bar")
    fleet.says("cellar", state="dead")
    fleet.says("shop", ago=4000, online=b"offline")
    witness = Subscriber(broker.port)
    command = (database, "--mqtt", f"mqtt://127.0.0.1:{broker.port}/music", "--webhook")
    command = (*command, endpoint.url, "--state", tmp_path / "state" / "alerts.json", *QUICK)
    with collecting(*command, command="alerts") as program:
        wait_for(lambda: len(endpoint.requests) == 2, "two alerts")
        wait_for(lambda: {"cellar/microphone", "shop/silent"} <= {*on_topics(witness)}, "topics")
        assert program.end() == 0
        assert program.said[0] == "genre-edge: watching 3 devices\n"
        assert [line.split("  ")[1:3] for line in program.said[1:]] == [
            ["cellar", "microphone"],
            ["shop", "silent"],
        ]
    witness.wait_for(lambda: witness.on(f"{BASE}/status")[-1:] == [b"offline"])
    fleet.says("cellar")
    with collecting(*command, command="alerts") as program:
        wait_for(lambda: len(endpoint.requests) == 3, "its end, and nothing of before")
        wait_for(lambda: len(on_topics(witness)["cellar/microphone"]) == 2, "likewise")
        wait_for(lambda: on_topics(witness)["state"][-1]["count"] == 1, "all that is wrong")
        assert program.end() == 0
    told = on_topics(witness)
    assert [one["is_over"] for one in told["cellar/microphone"]] == [False, True]
    assert len(told["shop/silent"]) == 1
    by_webhook = endpoint.bodies()
    assert by_webhook == [
        told["cellar/microphone"][0],
        told["shop/silent"][0],
        told["cellar/microphone"][1],
    ]
    assert [headers["Webhook-Id"] for headers, _ in endpoint.requests] == [
        one["id"] for one in by_webhook
    ]
    assert told["state"][-1]["alerts"] == [told["shop/silent"][0]]
    (topic,) = {t for t, *_ in witness.heard if t.startswith("homeassistant/")}
    described = json.loads(witness.on(topic)[-1])
    assert topic == "homeassistant/device/music_fleet_alerts/config"
    assert described["components"]["problem"]["state_topic"] == f"{BASE}/state"
    witness.close()


def test_what_could_not_be_told_is_told_later_whoever_dies(
    database, fleet, broker, tmp_path
) -> None:
    """Neither is there at first, and the program is killed meanwhile."""
    broker.stop()
    port = free_port()
    fleet.says("cellar", state="dead")
    state = tmp_path / "alerts.json"
    command = (database, "--mqtt", f"mqtt://127.0.0.1:{broker.port}/music", "--state", state)
    command = (*command, "--webhook", f"http://127.0.0.1:{port}/hook,retries=0", *QUICK)
    with collecting(*command, command="alerts") as program:
        program.wait_to_say("webhook 127.0.0.1: [Errno 111] Connection refused; trying again")
        program.wait_to_say("mqtt 127.0.0.1: Connection refused; trying again")
        program.kill()
    fleet.says("cellar")
    broker.start()
    endpoint, witness = Endpoint(port), Subscriber(broker.port)
    with collecting(*command, command="alerts") as program:
        wait_for(lambda: len(endpoint.requests) == 2, "both")
        wait_for(lambda: len(on_topics(witness).get("cellar/microphone", [])) == 2, "both")
        assert program.end() == 0
    assert [one["is_over"] for one in endpoint.bodies()] == [False, True]
    assert [one["is_over"] for one in on_topics(witness)["cellar/microphone"]] == [False, True]
    endpoint.close()
    witness.close()


def test_what_a_broker_has_kept_is_mended(database, fleet, broker, tmp_path) -> None:
    """It has forgotten an alert that is on, and has one that is over."""
    fleet.says("cellar", state="dead")
    fleet.says("bar", state="lost")
    witness = Subscriber(broker.port)
    command = (database, "--mqtt", f"mqtt://127.0.0.1:{broker.port}/music", *QUICK)
    with collecting(*command, "--state", tmp_path / "alerts.json", command="alerts") as program:
        lost, kept = f"{BASE}/cellar/microphone", f"{BASE}/bar/microphone"
        witness.wait_for(lambda: len(witness.on(lost)) == len(witness.on(kept)) == 1)
        stale = witness.on(kept)[0].replace(b"bar", b"old")
        witness.publish(f"{BASE}/old/microphone", stale, retain=True)
        witness.publish(lost, b"", retain=True)
        witness.wait_for(lambda: witness.on("old/microphone"))
        broker.stop()
        broker.start()
        witness.wait_for(lambda: witness.on(lost)[1:] and witness.on(lost)[-1] != b"")
        witness.wait_for(lambda: witness.on("old/microphone")[-1] == b"")
        assert program.end() == 0
    assert json.loads(witness.on(lost)[-1]) == json.loads(witness.on(lost)[0])
    assert {*witness.on(kept)} == {witness.on(kept)[0]}
    witness.close()


def test_a_broker_that_this_user_may_not_write_to_has_not_taken_an_alert(broker, tmp_path) -> None:
    broker.stop()
    (tmp_path / "broker" / "rights").write_text("topic read #\n")
    with (tmp_path / "broker" / "mosquitto.conf").open("a") as file:
        file.write(f"acl_file {tmp_path}/broker/rights\n")
    broker.start()
    said: list[str] = []
    teller = MqttTeller(parse_alert_broker(f"mqtt://127.0.0.1:{broker.port}/music"), said.append)
    memory = AlertMemory(tmp_path / "alerts.json", [teller.name], said.append)
    memory.keep([DEAD])
    teller.start(memory)
    wait_for(lambda: said, "why")
    teller.stop()
    assert memory.waiting(teller.name) == [DEAD]
    memory.close()
    assert said[0].endswith(f" (may this user write and read {BASE}/#?); trying again")


def test_a_database_that_is_not_there_yet_is_waited_for(database, endpoint, tmp_path) -> None:
    command = (database, "--webhook", endpoint.url, "--state", tmp_path / "alerts.json", *QUICK)
    with collecting(*command, command="alerts") as program:
        program.wait_to_say("no such file (genre-edge collect makes it); trying again")
        with made(database) as fleet:
            fleet.says("cellar", state="dead")
            wait_for(lambda: len(endpoint.requests) == 3, "alerts")
        assert program.end() == 0
        assert not any("Traceback" in line for line in program.said)
    told = [(one["kind"], one["is_over"]) for one in endpoint.bodies()]
    assert told == [("database", False), ("database", True), ("microphone", False)]


def test_the_contract_is_kept() -> None:
    over = Alert(
        "cellar",
        "microphone",
        "the microphone works again, after 5 min",
        DEAD.since,
        1_790_000_300.0,
    )
    alerts = [DEAD, over, Alert(None, "collector", "nothing has come", 1_790_000_000.0)]
    golden = json.loads(GOLDEN.read_text())
    assert [one.to_json() for one in alerts] == golden
    assert [list(one.to_json()) for one in alerts] == [list(one) for one in golden]
    assert [
        one.topic
        for one in (*alerts, *(Alert(name, "clock", "", 0.0) for name in ("küche/ \n", "a#b")))
    ] == [
        "cellar/microphone",
        "cellar/microphone",
        "collector",
        "kuche____4659e4ff/clock",
        "a_b_ab410f10/clock",
    ]
    assert "\n" not in Alert("a\nb", "clock", "\x1b", 0.0).line


def test_one_look_tells_scripts_by_its_exit_status(database, fleet, capsys) -> None:
    fleet.says("bar")
    assert main(["alerts", database, "--once"]) == 0
    assert capsys.readouterr().out == ""
    fleet.says("\x1b[2J", state="dead", online=b"offline")
    fleet.says("shop", ago=700)
    assert main(["alerts", database, "--once"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("  shop  silent  not heard of for 10 min")
    fleet.says("roof", state="lost", sinks=[{"stopped": "mqtt: stopped by KeyError"}])
    assert main(["alerts", database, "--once", "--format", "json", "--ignore", "sh*"]) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["device"], one["kind"], one["text"]) for one in told] == [
        ("roof", "microphone", "microphone lost"),
        ("roof", "trouble", "mqtt: stopped by KeyError"),
    ]
    assert main(["alerts", database + "x", "--once"]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_the_viewer_of_postgresql_may_do_all_of_it(
    owned, url_as, endpoint, tmp_path, capsys
) -> None:
    Fleet(owned).says("cellar", state="dead")
    assert main(["alerts", url_as("viewer"), "--once"]) == 1
    assert "cellar  microphone  microphone dead" in capsys.readouterr().out
    command = (url_as("viewer"), "--webhook", endpoint.url, "--state", tmp_path / "s", *QUICK)
    with collecting(*command, command="alerts") as program:
        wait_for(lambda: len(endpoint.requests) == 1, "an alert")
        assert program.end() == 0
    assert endpoint.bodies()[0]["device"] == "cellar"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--silent-after", "10s"], "--silent-after 10s: must be a number and m, h, d or w"),
        (["--silent-after", "0.5m"], "--silent-after 0.5m: must be between 1m and 30d"),
        (["--hold", "9w"], "--hold 9w: must be between 0m and 1d"),
        (["--clock-off", "nan"], "--clock-off nan: must be between 1 and 86400"),
        (["--every", "0"], "--every 0: must be between 0.1 and 60"),
        (["--parts", "0"], "--parts 0: must be between 1 and 999"),
        (["--once", "--state", "a"], "--once tells nobody else"),
        (["--mqtt", "mqtt://me:hunter2@h"], "--mqtt: a password in the address is seen"),
        (["--mqtt", "http://h"], "--mqtt: url http://h: must be mqtt://HOST or mqtts://HOST"),
        (["--webhook", "h/hunter2"], "must begin with http:// or https://"),
        (["--webhook", "http://h,every=window"], "--webhook: every= is for windows"),
        (["--webhook", "http://h,template={label}"], "an alert has {type}, {id}, {device}"),
        (["--webhook", "http://h,template={until:.9}"], "no such field, or a wrong format"),
        (["--webhook", "http://h/a", "--webhook", "http://h/a"], "is given twice"),
        (["--state", "/dev/null/a"], "--state /dev/null/a: file exists"),
        (["--state", "."], "--state .: Is a directory"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["alerts", "sqlite:///fleet.db", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert "hunter2" not in said


def test_what_is_remembered_is_whole_and_one_program_s_own(tmp_path) -> None:
    said: list[str] = []
    path = tmp_path / "alerts.json"
    memory = AlertMemory(path, ["a"], said.append)
    memory.known.on[DEAD.key] = DEAD
    memory.keep([DEAD])
    with pytest.raises(Exception, match="another genre-edge alerts uses it"):
        AlertMemory(path, ["a"], said.append)
    memory.close()
    assert path.stat().st_mode & 0o777 == 0o600
    again = AlertMemory(path, ["a", "b"], said.append)
    assert (again.waiting("a"), again.waiting("b")) == ([DEAD], [DEAD]), "a new one is told too"
    assert again.known.on == {DEAD.key: DEAD}
    again.told("a", DEAD)
    again.close()
    others = AlertMemory(path, ["a"], said.append)
    assert others.waiting("a") == []
    others.close()
    assert said == ["b: is told no longer; 1 alerts are lost"]
    path.write_text(path.read_text()[:-9])
    damaged = AlertMemory(path, ["a"], said.append)
    assert (damaged.waiting("a"), damaged.known.on) == ([], {})
    damaged.close()
    assert said[1:] == [f"{path}: is damaged: what is wrong is told again"]
    path.write_text(
        '{"version": 1, "quiet_from": {}, "waiting": {}, "on": [{"device": null, "kind": "x", '
        '"text": "", "since": 1e400, "until": null}]}'
    )
    AlertMemory(path, [], said.append).close()
    assert said[1] == said[2], "no calendar has that time"


def test_a_full_disk_stops_no_alert(tmp_path) -> None:
    said: list[str] = []
    memory = AlertMemory(tmp_path / "alerts.json", ["a"], said.append)
    (tmp_path / "alerts.json").unlink()
    (tmp_path / "alerts.json").mkdir()
    memory.keep([DEAD])
    memory.keep([])
    assert memory.waiting("a") == [DEAD]
    (tmp_path / "alerts.json").rmdir()
    memory.keep([])
    memory.close()
    assert [line.rpartition(": ")[2] for line in said] == [
        "cannot be written (is a directory)",
        "can be written again",
    ]
    assert AlertMemory(tmp_path / "alerts.json", ["a"], said.append).waiting("a") == [DEAD]


def test_an_alert_that_a_server_refuses_holds_no_other_up(endpoint, tmp_path) -> None:
    (tmp_path / "secret").write_text("whsec_" + "QUJD" * 8)
    text = f"{endpoint.url},secret-file={tmp_path / 'secret'}"
    said: list[str] = []
    teller = WebhookTeller(parse_webhook(text), said.append)
    memory = AlertMemory(tmp_path / "alerts.json", [teller.name], said.append)
    over = Alert(DEAD.device, DEAD.kind, "again", DEAD.since, 1_790_000_900.0)
    clock = Alert("bar", "clock", "clock 61 s ahead", 1_790_000_000.0)
    endpoint.answers = [400]
    memory.keep([DEAD, over, clock])
    teller.start(memory)
    wait_for(lambda: memory.waiting(teller.name) == [DEAD, over], "the third alone")
    wait_for(lambda: said, "why")
    teller.stop()
    memory.close()
    assert said == ["webhook 127.0.0.1: HTTP 400; trying again"]
    headers, body = endpoint.requests[1]
    assert Webhook("whsec_" + "QUJD" * 8).verify(body, headers)["device"] == "bar"
