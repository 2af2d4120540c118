"""Updates of a device: what it takes, what it does not, and what it remembers."""

from __future__ import annotations

import errno
import hashlib
import json
import threading
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from genre_edge.errors import GenreEdgeError, UpdateError
from genre_edge.files import write_atomically
from genre_edge.update.state import STATE, read_state
from genre_edge.update.wishes import ROLLBACK, Wishes
from paho.mqtt.enums import CallbackAPIVersion

from tests.helpers.broker import Subscriber, kept_by
from tests.helpers.updates import CONFIGURED, OTHER_PRIVATE, served
from tests.helpers.waiting import wait_for

CRASH = Path(__file__).parents[2].parent / "shared" / "cases" / "bundle-crash.tflite"


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_a_model_comes_from_a_broker_and_is_there_at_the_next_start(
    broker, device, publish, better
) -> None:
    to = f"mqtt://127.0.0.1:{broker.port}"
    assert publish("model", better, "--serial", 5, "--note", "more jazz", to=to) == 0
    kitchen = device(broker.port)
    kitchen.hears("update installed: gtzan-two-block.float32")
    path = kitchen.folder / f"{sha256(better)}.tflite"
    assert kitchen.program.model == str(path)
    assert path.read_bytes() == Path(better).read_bytes()
    assert kitchen.board.news.note == "more jazz"
    kitchen.close()
    again = device(broker.port)
    wait_for(lambda: again.board.news.installed.startswith("gtzan-two-block.float32 "), "news")
    publish("settings", "listen.silence_dbfs=-60", to=to)
    again.hears("update installed: listen.silence_dbfs")
    assert not any("float32" in line for line in again.said), "it is installed once"


def test_a_model_comes_from_a_web_server(address, folder, device, publish, better) -> None:
    kitchen = device(address)
    assert publish("model", better, to=folder) == 0
    kitchen.hears("update installed: gtzan-two-block.float32")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"{sha256(better)}.tflite", "model.signed"]
    )


def test_what_no_trusted_key_signed_or_was_changed_is_not_taken(
    address, folder, device, publish, better, tmp_path
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(OTHER_PRIVATE)
    assert publish("model", better, to=folder, key=other) == 0
    kitchen = device(address)
    kitchen.hears("update not taken: a statement is signed by ed25519:")
    kitchen.close()
    publish("model", better, to=folder)
    data = (folder / "model.signed").read_bytes()
    (folder / "model.signed").write_bytes(data.replace(b'"made": 1', b'"made": 2'))
    kitchen = device(address)
    kitchen.hears("update not taken: a statement has a wrong signature")
    assert kitchen.program.model == CONFIGURED and kitchen.bundles == []


def test_an_older_statement_is_not_taken_again(address, folder, device, publish, better) -> None:
    kitchen = device(address)
    publish("settings", "listen.silence_dbfs=-60", "--serial", 7, to=folder)
    old = (folder / "settings.signed").read_bytes()
    kitchen.hears("update installed: listen.silence_dbfs (serial 7)")
    publish("settings", "--revoke", "--serial", 8, to=folder)
    kitchen.hears("signed settings revoked (serial 8)")
    (folder / "settings.signed").write_bytes(old)
    kitchen.hears("(serial 7) is older than what came last (serial 8)")
    assert len(kitchen.program.settings) == 2


def test_a_model_that_crashes_ends_a_child_and_is_not_tried_again(
    address, folder, device, publish, better
) -> None:
    if not CRASH.exists():
        pytest.skip("needs ../shared/cases")
    publish("model", CRASH, "--serial", 3, to=folder)
    kitchen = device(address)
    kitchen.hears("crashed on it (SIGSEGV)")
    assert kitchen.bundles == [] and kitchen.program.model == CONFIGURED
    wait_for(lambda: "was refused" in kitchen.board.news.note, "the reason in the news")
    kitchen.close()
    again = device(address)
    publish("model", better, "--serial", 4, to=folder)
    again.hears("update installed: gtzan-two-block.float32")
    assert not any("SIGSEGV" in line for line in again.said), "it was tried again"


def test_a_model_whose_first_windows_fail_is_refused(
    address, folder, device, publish, better
) -> None:
    kitchen = device(address)
    kitchen.program.fault = UpdateError("3 of its first windows had no answer")
    publish("model", better, to=folder)
    kitchen.hears("3 of its first windows had no answer")
    assert kitchen.program.model == CONFIGURED
    state = read_state(kitchen.folder / STATE)
    assert state.installed is None and state.on_trial is None and kitchen.bundles == []
    assert state.refused is not None and "first windows" in state.refused.reason


def test_a_model_that_ends_the_program_twice_is_refused(
    address, folder, device, publish, better
) -> None:
    publish("model", better, to=folder)
    for _ in range(2):
        kitchen = device(address)
        kitchen.program.fault = RuntimeError("as if it were killed")
        kitchen.hears("as if it were killed")
        kitchen.close()
    kitchen = device(address)
    kitchen.hears("the program has ended 2 times while it was on trial")
    assert kitchen.program.model == CONFIGURED and kitchen.bundles == []


def test_wrong_settings_are_refused_in_one_line(address, folder, device, publish) -> None:
    publish("settings", "listen.smooth=5", to=folder)
    kitchen = device(address)
    kitchen.hears("listen.smooth: must be at most 1000")
    assert kitchen.program.settings == []


def test_an_update_is_for_the_devices_it_names_while_it_is_valid(broker, device, publish) -> None:
    to = f"mqtt://127.0.0.1:{broker.port}"
    smooth = "listen.silence_dbfs=-60"
    publish("settings", smooth, "--devices", "hall", "floor-?", "--serial", 9, to=to)
    publish("settings", smooth, "--devices", "attic", "--valid-for", "0.000001", to=to)
    publish("settings", smooth, "--serial", 5, to=to)
    hall = device(broker.port, name="hall", new=True)
    hall.hears("(serial 9)")
    assert len(hall.program.settings) == 1, "of several the one with the highest serial"
    kitchen = device(broker.port, name="kitchen", new=True)
    kitchen.hears("(serial 5)")
    attic = device(broker.port, name="attic", new=True)
    attic.hears("is out of date")
    attic.hears("(serial 5)")


def test_a_model_waits_until_somebody_wants_it(address, folder, device, publish, better) -> None:
    kitchen = device(address, ask=True)
    publish("model", better, to=folder)
    news = wait_for(
        lambda: (
            kitchen.board.news.latest.startswith("gtzan-two-block.float32") and kitchen.board.news
        ),
        "the offer",
    )
    assert news.installed == CONFIGURED
    assert kitchen.bundles == []
    kitchen.board.install()
    kitchen.hears("update installed")


def test_the_present_and_the_previous_model_are_kept_and_come_back(
    address, folder, device, publish, better
) -> None:
    kitchen = device(address)
    models = (better, "gtzan-edge.int8", "gtzan-tiny.int8")
    for serial, model in enumerate(models, 1):
        publish("model", model, "--serial", serial, to=folder)
        kitchen.hears(f"(serial {serial})")
    state = read_state(kitchen.folder / STATE)
    assert state.installed is not None and state.previous is not None
    assert {one.removesuffix(".tflite") for one in kitchen.bundles} == state.kept
    assert len(kitchen.bundles) == 2
    wishes = Wishes(kitchen.folder)
    wishes.ask(ROLLBACK)
    kitchen.hears("update rolled back: gtzan-tiny.int8")
    assert kitchen.program.model == str(kitchen.folder / f"{state.previous.sha256}.tflite")
    wishes.ask(ROLLBACK)
    wait_for(lambda: kitchen.program.model == CONFIGURED, "the configured model")


def test_a_file_that_is_not_what_was_signed_is_not_used_and_condemns_nothing(
    address, folder, device, publish, better
) -> None:
    publish("model", better, to=folder)
    (folder / f"{sha256(better)}.tflite").write_bytes(b"x" * Path(better).stat().st_size)
    kitchen = device(address)
    kitchen.hears("the model's file is not the one signed; trying again")
    assert kitchen.bundles == []
    assert read_state(kitchen.folder / STATE).refused is None


def test_a_damaged_state_is_told_and_ends_nothing_else(address, device) -> None:
    kitchen = device(address)
    wait_for(lambda: kitchen.board.news.installed, "a beginning")
    kitchen.close()
    (kitchen.folder / STATE).write_text('{"form": 1')
    kitchen = device(address)
    kitchen.hears("is damaged; remove it to begin anew")


def test_a_model_that_cannot_be_used_at_the_next_start_gives_way_to_the_configured_one(
    address, folder, device, publish, better
) -> None:
    publish("model", better, to=folder)
    kitchen = device(address)
    kitchen.hears("update installed")
    kitchen.close()
    kitchen = device(address, starts_with=CONFIGURED)
    wait_for(lambda: "cannot be used any more" in kitchen.board.news.note, "the reason")
    assert kitchen.board.news.installed == CONFIGURED


@pytest.mark.parametrize("content", [None, b"", b"half of it"])
def test_a_file_that_the_disk_has_lost_is_fetched_again(
    address, folder, device, publish, better, content
) -> None:
    publish("model", better, to=folder)
    kitchen = device(address)
    kitchen.hears("update installed")
    kitchen.close()
    path = kitchen.folder / f"{sha256(better)}.tflite"
    path.unlink() if content is None else path.write_bytes(content)
    kitchen = device(address, starts_with=CONFIGURED)
    kitchen.hears("is gone or damaged; it will be fetched again")
    kitchen.hears("update installed")
    assert path.read_bytes() == Path(better).read_bytes()


def test_one_program_looks_after_the_updates_of_a_user(address, device) -> None:
    first = device(address)
    wait_for(lambda: first.board.news.installed, "the first")
    device(address).hears("another program that listens looks after them")


def test_a_broker_that_is_away_is_told_once_and_found_again(broker, device, publish) -> None:
    broker.stop()
    kitchen = device(broker.port)
    kitchen.hears("Connection refused; trying again")
    broker.start()
    publish("settings", "--revoke", to=f"mqtt://127.0.0.1:{broker.port}")
    kitchen.hears("signed settings revoked")
    assert len([line for line in kitchen.said if "trying again" in line]) == 1


def test_a_broker_keeps_no_bundle_that_is_named_no_more(broker, publish, better) -> None:
    to = f"mqtt://127.0.0.1:{broker.port}"
    publish("model", better, "--serial", 1, to=to)
    publish("model", better, "--serial", 1, "--devices", "hall", to=to)
    for serial in (2, 3):
        publish("model", "gtzan-tiny.int8", "--serial", serial, to=to)
    both = {sha256(better), sha256_of("gtzan-tiny.int8")}
    assert {topic.rpartition("/")[2] for topic in kept_by(broker.port)} == {"all", "hall", *both}
    publish("model", "gtzan-tiny.int8", "--serial", 4, "--devices", "hall", to=to)
    assert f"genre-edge-updates/bundle/{sha256(better)}" not in kept_by(broker.port)


def sha256_of(name: str) -> str:
    from genre_edge.model.bundle import find_model

    return sha256(find_model(name))


def test_statements_on_a_broker_can_be_read_by_people(broker, publish) -> None:
    publish("settings", "listen.silence_dbfs=-60", to=f"mqtt://127.0.0.1:{broker.port}")
    witness = Subscriber(broker.port)
    witness.wait_for(lambda: witness.on("/settings/all"))
    first, body = witness.on("/settings/all")[0].split(b"\n")
    assert first.startswith(b"genre-edge-statement-1 ed25519:")
    assert json.loads(body)["settings"] == {"listen.silence_dbfs": -60}
    witness.close()


def test_a_model_comes_although_the_server_does_not_say_that_there_are_no_settings(
    folder, device, publish, better
) -> None:
    with served(folder, answers={"/settings.signed": 403}) as address:
        kitchen = device(address)
        assert publish("model", better, to=folder) == 0
        kitchen.hears("update installed: gtzan-two-block.float32")
        kitchen.hears("settings.signed: the server answers 403; trying again")


def test_a_device_finds_its_own_statement_among_those_of_a_thousand(
    broker, device, publish, better
) -> None:
    to = f"mqtt://127.0.0.1:{broker.port}"
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for number in range(1000):
        sent = client.publish(f"genre-edge-updates/model/a-{number:04}", b"x", 1, True)
    sent.wait_for_publish(30.0)
    client.loop_stop()
    assert publish("settings", "listen.silence_dbfs=-60", "--devices", "kitchen", to=to) == 0
    assert publish("model", better, "--devices", "kitchen", to=to) == 0
    device(broker.port).hears("update installed: gtzan-two-block.float32")


def test_a_disk_that_is_full_condemns_no_model_and_updates_go_on(
    address, folder, device, publish, better, monkeypatch
) -> None:
    is_full = threading.Event()

    def write(path: Path, *content: object, **how: object) -> None:
        if is_full.is_set() and path.name == STATE:
            raise OSError(errno.ENOSPC, "the disk is full")
        write_atomically(path, *content, **how)

    monkeypatch.setattr("genre_edge.update.state.write_atomically", write)
    monkeypatch.setattr("genre_edge.update.updater._Retry.later", lambda _: None)
    kitchen = device(address)
    wait_for(lambda: (kitchen.folder / STATE).exists(), "the first state")
    is_full.set()
    publish("model", better, "--serial", 5, to=folder)
    kitchen.hears("state.json: the disk is full; trying again")
    publish("settings", "listen.smooth=5", to=folder)
    kitchen.hears("update refused: listen.smooth")
    is_full.clear()
    kitchen.hears("update installed: gtzan-two-block.float32")
    wait_for(lambda: read_state(kitchen.folder / STATE).model_serial == 5, "the state")
    assert read_state(kitchen.folder / STATE).settings_serial > 5, "what was refused meanwhile"


@pytest.mark.parametrize("content", [b"", b"5", b"[]", b"null", b'"form"', b"\xff", b'{"form": 1}'])
def test_a_state_that_is_none_is_one_line(tmp_path, content) -> None:
    path = tmp_path / STATE
    path.write_bytes(content)
    with pytest.raises(GenreEdgeError, match="is damaged; remove it to begin anew"):
        read_state(path)


def test_a_key_that_has_no_end_and_a_password_for_everybody_are_one_line(
    publish, better, folder, capsys
) -> None:
    assert publish("model", better, to=folder, key=Path("/dev/zero")) == 2
    assert publish("model", better, "--at", "https://me:secret@host/x", to=folder) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("genre-edge: /dev/zero: ")
    assert second == "genre-edge: --at https://***@host/x: must have no user and no password"
    assert not any(folder.iterdir())
