"""Home Assistant's discovery: what it is told, in which form, and what its templates
show of every message."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
from genre_edge.errors import UsageError
from genre_edge.health import Health, SourceHealth
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.records import Record, StateRecord, WindowRecord
from genre_edge.settings.source_table import topic_of
from genre_edge.settings.tables import SENSORS, CaptureConfig
from genre_edge.sinks.mqtt import announcement
from genre_edge.sinks.mqtt.announcement import page_address
from genre_edge.sinks.mqtt.home_assistant import Described, discovery
from genre_edge.sinks.mqtt.retained import Retained
from genre_edge.sinks.mqtt.settings import mqtt_config, parse_mqtt
from genre_edge.states import STATES
from genre_edge.version import __version__

from tests.helpers.broker import Subscriber, kept_by
from tests.helpers.publisher import LABELS, Publisher
from tests.helpers.windows import live

GOLDEN_FOLDER = Path(__file__).parent.parent / "golden"
SHIPPED = read_bundle(find_model("gtzan-edge.int8")).info.labels
DEVICE = "homeassistant/device/music_shelf/config"


@pytest.fixture(autouse=True)
def _announces_soon(monkeypatch) -> None:
    monkeypatch.setattr(announcement, "_SETTLE_SECONDS", 0.2)


def told(*sources: str, keys: str = "", **more: Any) -> dict[str, dict[str, Any]]:
    """What Home Assistant is told."""
    config = mqtt_config(parse_mqtt(f"mqtt://h/music,name=shelf{keys}"), Path())
    return discovery(config, Described(LABELS, "gtzan-edge.int8", sources, **more))


def entities(*sources: str, **more: Any) -> dict[str, dict[str, Any]]:
    """{unique id: description} of every entity, by either form."""
    found = {}
    for described in told(*sources, **more).values():
        for entity in described.get("components", {"": described}).values():
            if "unique_id" in entity:
                found[entity["unique_id"]] = entity
    return found


def golden(name: str) -> dict[str, dict[str, Any]]:
    return json.loads((GOLDEN_FOLDER / name).read_text().replace("VERSION", __version__))


def announced(witness: Subscriber) -> dict[str, dict[str, Any]]:
    """{topic: configuration} of what the broker keeps for Home Assistant."""
    last = {topic: payload for topic, payload, _ in witness.heard if topic.endswith("/config")}
    return {topic: json.loads(payload) for topic, payload in last.items() if payload}


def test_one_message_describes_the_device_and_is_sent_again_after_a_birth(broker, publish) -> None:
    witness = Subscriber(broker.port)
    publish()
    witness.wait_for(lambda: len(witness.on("/config")) == 1)
    assert announced(witness) == golden("home_assistant.json") == told()
    witness.publish("homeassistant/status", b"online")
    witness.wait_for(lambda: len(witness.on("/config")) == 2)
    assert announced(witness) == told()
    witness.close()


def test_the_older_form_has_one_message_for_each_entity() -> None:
    found = told(keys=",discovery-form=entities")
    assert found == golden("home_assistant_entities.json")
    of_device = told()[DEVICE]
    for topic, described in found.items():
        _, component, node, key, _ = topic.split("/")
        entity = dict(of_device["components"][key])
        assert (node, entity.pop("platform")) == ("music_shelf", component)
        common = {key: of_device[key] for key in ("device", "origin")}
        assert described == entity | common, "both forms say the same"


@pytest.mark.parametrize("forms", [("entities", "device"), ("device", "entities")])
def test_a_change_of_form_takes_back_what_the_other_form_announced(
    broker, publish, forms: tuple[str, str]
) -> None:
    """First Home Assistant is asked to remember what its user changed, then the
    retained message is emptied, then comes the new form."""
    witness = Subscriber(broker.port)
    before, after = (told(keys=f",discovery-form={form}") for form in forms)
    publish(f",discovery-form={forms[0]}").sink.close()
    for topic, described in before.items():
        witness.publish(topic, json.dumps(described).encode(), retain=True)
    witness.wait_for(lambda: announced(witness) == before)
    seen = len(witness.heard)
    publish(f",discovery-form={forms[1]}")
    witness.wait_for(lambda: announced(witness) == after)
    said = [(topic, payload) for topic, payload, _ in witness.heard[seen:] if "/config" in topic]
    for topic in before:
        payloads = [payload for where, payload in said if where == topic]
        assert payloads == [b'{"migrate_discovery":true}', b""]
    assert {topic for topic, _ in said[-len(after) :]} == after.keys(), "new ones come last"
    late = Subscriber(broker.port, "late")
    late.wait_for(lambda: announced(late) == after)
    late.close()
    witness.close()


def test_sources_are_devices_of_their_own_behind_the_program() -> None:
    found = told("bar", "Wein-Küche")
    assert found == golden("home_assistant_sources.json")
    gone = {key for key, entity in found[DEVICE]["components"].items() if "unique_id" not in entity}
    assert gone == told()[DEVICE]["components"].keys() - {"dropped"}, "taken back"
    assert gone > set(SENSORS), "those of sensors too"
    for topic in told("bar", keys=",discovery-form=entities"):
        assert re.fullmatch(r"homeassistant/\w+/[a-zA-Z0-9_-]+/\w+/config", topic)


def test_sensors_that_are_on_are_entities_and_others_are_taken_back() -> None:
    (described,) = told(sensors=SENSORS).values()
    assert {key: described["components"][key] for key in SENSORS} == golden(
        "home_assistant_sensors.json"
    )
    (off,) = told().values()
    assert {key: off["components"][key] for key in SENSORS} == {
        key: {"platform": "sensor"} for key in SENSORS
    }
    (of_source,) = (d for t, d in told("bar", sensors=SENSORS).items() if "shelf_bar" in t)
    assert all("unique_id" in of_source["components"][key] for key in SENSORS)


def test_a_sensor_shows_what_it_says_and_nothing_of_windows_from_before_it_was_on() -> None:
    for key, said, text in (
        ("loudness", {"loudness_lufs": -23.4}, "-23.4"),
        ("loudness", {"loudness_lufs": None}, "None"),
        ("music_score", {"music_score": 0.25}, "25.0"),
        ("music_score", {"music_score": None}, "None"),
        ("tempo", {"bpm": 120.4, "bpm_confidence": 0.7}, "120.4"),
        ("tempo", {"bpm": None, "bpm_confidence": 0.3}, "None"),
    ):
        window = dataclasses.replace(live(0), sensed=said)
        assert shown(window, key=key, sensors=SENSORS) == text
    sure = shown(window, key="tempo", named="attributes", sensors=SENSORS)
    assert json.loads(sure) == {"confidence": 0.3}
    for key in SENSORS:
        assert shown(live(0), key=key, sensors=SENSORS) == "None"


@pytest.mark.parametrize("name", ["küche", "pi.local", "shelf-1", "厨房", "Bar"])
def test_topics_and_ids_have_letters_that_home_assistant_allows(tmp_path, name: str) -> None:
    config = mqtt_config(parse_mqtt(f"mqtt://h/mü.sik,name={name}"), tmp_path)
    (topic,), (described,) = zip(*discovery(config, Described(LABELS, "m")).items(), strict=True)
    assert re.fullmatch(r"homeassistant/device/[A-Za-z0-9_-]+/config", topic)
    assert described["device"]["name"] == name, "people see it as it was given"
    there = [one for one in described["components"].values() if "unique_id" in one]
    for component in there:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", component["unique_id"])
        assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", component["default_entity_id"])
        assert re.fullmatch(r"[A-Za-z0-9_/-]+", component["state_topic"])
    other = mqtt_config(parse_mqtt(f"mqtt://h/mü.sik,name={name}x"), tmp_path)
    assert other.base != config.base


def test_numbers_are_no_longer_shown_when_windows_stay_away() -> None:
    for seconds, expire in ((3.0, 30), (60.0, 240)):
        found = entities(window_seconds=seconds)
        for key in ("confidence", "level"):
            assert found[f"music_shelf_{key}"]["expire_after"] == expire > seconds


@pytest.mark.parametrize(
    ("page", "own", "url"),
    [
        ("http://0.0.0.0:8080", "192.0.2.7", "http://192.0.2.7:8080"),
        ("http://[::]:8080", "2001:db8::7", "http://[2001:db8::7]:8080"),
        ("http://192.0.2.9:80", "192.0.2.7", "http://192.0.2.9:80"),
        ("http://pi.lan:8080", "192.0.2.7", "http://pi.lan:8080"),
        ("http://0.0.0.0:8080", "127.0.0.1", None),
        ("http://0.0.0.0:8080", "", None),
        ("http://127.0.0.1:8080", "192.0.2.7", None),
        ("http://localhost:8080", "192.0.2.7", None),
        ("", "192.0.2.7", None),
    ],
)
def test_the_link_to_the_page_is_one_that_other_machines_can_follow(
    page: str, own: str, url: str | None
) -> None:
    assert page_address(page, own) == url
    device = told(page=url)[DEVICE]["device"]
    assert device.get("configuration_url") == url


def test_the_link_to_the_page_may_be_given(broker, publish) -> None:
    witness = Subscriber(broker.port)
    publish(",page=https://music.example/kitchen")
    witness.wait_for(lambda: announced(witness))
    url = announced(witness)[DEVICE]["device"]["configuration_url"]
    assert url == "https://music.example/kitchen"
    witness.close()
    with pytest.raises(UsageError, match="page ftp://x: must be http://HOST"):
        mqtt_config(parse_mqtt("mqtt://h,page=ftp://x"), Path())


def shown(*records: Record, key: str, named: str = "state", **more: Any) -> str | None:
    """What Home Assistant shows of an entity after records; None if it has no message
    for it."""
    entity = entities(**more)[f"music_shelf_{key}"]
    kept = Retained("music/shelf", [], 20.0)
    windows = []
    for record in records:
        kept.changed_by(record)
        if not isinstance(record, StateRecord):
            windows.append(json.dumps(record.to_json()).encode())
    health = Health([SourceHealth(dropped_seconds=1.5)]).to_json()
    messages = {
        **kept.messages,
        "music/shelf/health": json.dumps(health).encode(),
        **({"music/shelf/window": windows[-1]} if windows else {}),
    }
    names = {
        "state": ("state_topic", "value_template"),
        "attributes": ("json_attributes_topic", "json_attributes_template"),
    }
    topic, template = names[named]
    payload = messages.get(entity[topic])
    if payload is None:
        return None
    text = payload.decode()
    if template not in entity:
        return text
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.policies["json.dumps_kwargs"] = {}
    return environment.from_string(entity[template]).render(value_json=json.loads(text), value=text)


def is_available(*records: Record, key: str) -> bool:
    """Whether an entity is there after records, while the program is connected."""
    kept = Retained("music/shelf", [], 20.0)
    for record in records:
        kept.changed_by(record)
    messages = {**kept.messages, "music/shelf/status": b"online"}
    conditions = entities()[f"music_shelf_{key}"]["availability"]
    return all(messages[condition["topic"]] == b"online" for condition in conditions)


def state(name: str) -> StateRecord:
    return StateRecord("2026-03-01T12:00:00.000Z", name, "why")


KEYS = ("genre", "confidence", "level", "music", "problem", "dropped")


def test_every_entity_is_looked_at_here() -> None:
    assert entities().keys() == {f"music_shelf_{key}" for key in KEYS}


@pytest.mark.parametrize("label", [*SHIPPED, "uncertain", "silence", "speech", "Noise"])
def test_every_template_shows_the_truth_of_every_label(label: str) -> None:
    window = live(0, label)
    is_music = label in SHIPPED
    assert shown(window, key="genre") == label
    assert shown(window, key="music") == ("ON" if is_music else "OFF")
    assert shown(window, key="confidence") == ("None" if label == "silence" else "80.0")
    assert shown(window, key="level") == "-20.5"
    attributes = json.loads(shown(window, key="genre", named="attributes"))
    assert attributes == {"scores": window.smoothed_scores, "since": window.time}


@pytest.mark.parametrize("name", STATES)
def test_every_template_shows_the_truth_of_every_state(name: str) -> None:
    """A lost microphone makes what is heard unavailable; that it is lost stays."""
    is_deaf = name in ("starting", "waiting", "lost", "paused")
    for key in ("genre", "confidence", "level", "music"):
        assert is_available(live(0), state(name), key=key) is not is_deaf
    for key in ("problem", "dropped"):
        assert is_available(live(0), state(name), key=key)
    problem = {"starting": "None", "listening": "OFF", "paused": "OFF"}.get(name, "ON")
    assert shown(live(0), state(name), key="problem") == problem
    assert shown(live(0), state(name), key="music") == ("OFF" if is_deaf else "ON")
    attributes = json.loads(shown(state(name), key="problem", named="attributes"))
    assert attributes == {"state": name, "reason": "why", "time": "2026-03-01T12:00:00.000Z"}
    assert shown(state(name), key="dropped") == "1.5"


def test_a_microphone_that_sends_nothing_is_unavailable_within_ten_seconds() -> None:
    """It is lost by then, and what is published of that waits for nothing."""
    assert CaptureConfig().stall_seconds <= 5.0
    kept = Retained("music/shelf", [], 20.0)
    kept.changed_by(live(0))
    assert kept.changed_by(state("lost"))["music/shelf/hearing"] == b"offline"


def test_nothing_is_claimed_before_the_first_window() -> None:
    assert shown(key="problem") == "None"
    assert shown(key="genre") is shown(key="music") is None
    assert not is_available(key="genre")


def test_a_state_from_before_the_sink_began_is_known_by_the_first_window() -> None:
    assert shown(live(0), key="problem") == "OFF"
    windows = (dataclasses.replace(live(k), state="clipping") for k in range(2))
    assert shown(state("clipping"), *windows, key="problem") == "ON"
    kept = Retained("music/shelf", [], 20.0)
    kept.changed_by(state("clipping"))
    assert "music/shelf/state" not in kept.changed_by(
        dataclasses.replace(live(0), state="clipping")
    )


def test_a_file_has_no_level_and_its_own_confidence() -> None:
    of_file = WindowRecord("a.mp3", 0.0, 3.0, "jazz", 0.9, {"jazz": 0.9})
    assert shown(of_file, key="confidence") == "90.0"
    assert shown(of_file, key="level") == "None"
    attributes = json.loads(shown(of_file, key="genre", named="attributes"))
    assert attributes == {"scores": {"jazz": 0.9}, "since": None}


def music_after(*records: Record, hold: float = 20.0) -> list[bytes]:
    """What is said of the music, each time that it changes."""
    kept = Retained("music/shelf", [], hold)
    changes = [kept.changed_by(record) for record in records]
    return [changed["music/shelf/music"] for changed in changes if "music/shelf/music" in changed]


def test_a_pause_between_songs_is_no_end_of_the_music() -> None:
    pause = [live(0), *(live(k, "uncertain") for k in range(1, 6)), live(6, "rock")]
    assert music_after(*pause) == [b"ON"]
    assert music_after(*pause, hold=10.0) == [b"ON", b"OFF", b"ON"]
    assert music_after(*pause, hold=0.0) == [b"ON", b"OFF", b"ON"]


def test_silence_and_talk_end_the_music_after_the_hold_time() -> None:
    for label in ("silence", "speech", "uncertain"):
        assert music_after(live(0), *(live(k, label) for k in range(1, 9))) == [b"ON", b"OFF"]


def test_a_lost_microphone_ends_the_music_at_once() -> None:
    assert music_after(live(0), state("lost"), live(1, "silence")) == [b"ON", b"OFF"]


def test_each_source_has_its_own_music() -> None:
    kept = Retained("music/shelf", ["bar", "hall"], 20.0)
    kept.changed_by(live(0, "jazz", "bar"))
    kept.changed_by(live(0, "silence", "hall"))
    assert kept.messages["music/shelf/bar/music"] == b"ON"
    assert kept.messages["music/shelf/hall/music"] == b"OFF"


def of_source(name: str) -> set[str]:
    """What is kept of a source that was heard."""
    ends = ("genre", "music", "state", "status")
    return {f"music/shelf/{name}/{end}" for end in ends}


@pytest.mark.parametrize("form", ["device", "entities"])
def test_sources_that_are_no_more_are_taken_back(broker, publish, form: str) -> None:
    """Also when they went while the program was down, as for a renamed one."""
    keys = f",discovery-form={form}"
    witness = Subscriber(broker.port)
    before = publish(keys, "bar", "Küche")
    gone = topic_of("Küche")
    for name in ("bar", "Küche"):
        before.sink.write(live(0, "jazz", name))
    both = told("bar", "Küche", keys=keys)
    witness.wait_for(lambda: announced(witness) == both)
    before.sink.close()
    assert of_source("bar") | of_source(gone) < kept_by(broker.port)
    after = publish(keys, "bar", "kitchen")
    wanted = told("bar", "kitchen", keys=keys)
    witness.wait_for(lambda: announced(witness) == wanted)
    witness.wait_for(lambda: not kept_by(broker.port) & of_source(gone))
    after.sink.close()
    kept = kept_by(broker.port)
    assert of_source("bar") < kept, "what is there stays"
    assert {topic for topic in kept if topic.startswith("homeassistant/")} == wanted.keys()
    asked = [payload for topic, payload, _ in witness.heard if gone in topic and "/config" in topic]
    assert b'{"migrate_discovery":true}' not in asked, "nothing comes again under that name"
    witness.close()


@pytest.mark.parametrize("names", [((), ("bar",)), (("bar",), ())])
def test_a_source_that_gets_a_name_leaves_nothing_under_the_old_one(broker, publish, names) -> None:
    witness = Subscriber(broker.port)
    before = publish("", *names[0])
    before.sink.write(live(0, "jazz", *names[0]))
    witness.wait_for(lambda: announced(witness) == told(*names[0]))
    before.sink.close()
    old = {topic for topic in kept_by(broker.port) if topic.endswith(("/genre", "/music"))}
    assert len(old) == 2
    publish("", *names[1])
    witness.wait_for(lambda: announced(witness) == told(*names[1]))
    witness.wait_for(lambda: not old & kept_by(broker.port))
    left = kept_by(broker.port)
    assert ("music/shelf/hearing" in left) is not bool(names[1])
    assert ("music/shelf/bar/state" in left) is bool(names[1])
    witness.close()


def test_another_device_below_this_ones_topics_is_left_alone(broker, publish, tmp_path) -> None:
    """One whose prefix is this one's whole base looks like a source of it."""
    other = Publisher(f"mqtt://127.0.0.1:{broker.port}/music/shelf,name=x", tmp_path / "other")
    witness = Subscriber(broker.port)
    witness.wait_for(lambda: announced(witness) and witness.on("shelf/x/health"))
    publish("", "bar").sink.close()
    publish()
    witness.wait_for(
        lambda: witness.on("shelf/hearing") and not kept_by(broker.port) & of_source("bar")
    )
    kept = kept_by(broker.port)
    assert {"music/shelf/x/state", "homeassistant/device/music_shelf_x/config"} <= kept
    other.sink.close()
    witness.close()


def test_a_program_that_hears_files_takes_nothing_back(broker, publish, tmp_path) -> None:
    """It has the name of the machine, as the service that listens may have."""
    publish(",discovery=off", "bar").sink.close()
    files = Publisher(f"mqtt://127.0.0.1:{broker.port}/music,name=shelf", tmp_path, wait=True)
    witness = Subscriber(broker.port)
    witness.wait_for(lambda: announced(witness))
    assert "music/shelf/bar/state" in kept_by(broker.port)
    files.sink.close()
    witness.close()
