"""A real program and a real broker: good updates and bad ones, while it listens."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genre_edge.update.state import STATE, UpdateState, read_state

from tests.helpers.broker import Subscriber
from tests.helpers.listening import Listening
from tests.helpers.tiny_models import LOUD, RATE, SECONDS, tiny_model
from tests.helpers.updates import OTHER_PRIVATE, PUBLIC
from tests.helpers.waiting import wait_for

CRASH = Path(__file__).parents[2].parent / "shared" / "cases" / "bundle-crash.tflite"
OLD, NEW = ("jazz", "rock"), ("dub", "ska", "soul")
_CONFIG = """\
[model]
model = "{model}"
[[source]]
url = "file:{sound}"
[mqtt]
url = "mqtt://127.0.0.1:{port}"
name = "kitchen"
[update]
url = "mqtt"
trusted_keys = ["{key}"]
install = "{install}"
"""


class Kitchen:
    """A device that hears something loud, without end."""

    def __init__(self, folder: Path, port: int, install: str, write_audio) -> None:
        self._environment = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        self.folder = folder / "state/genre-edge/updates"
        tone = np.tile(np.float32([2 * LOUD, -2 * LOUD]), RATE)
        sound = write_audio("loud.wav", tone, RATE)
        self.config = folder / "kitchen.toml"
        self.model = tiny_model(folder / "old.tflite", OLD)
        values = {"model": self.model, "sound": sound, "port": port}
        self.config.write_text(_CONFIG.format(**values, key=PUBLIC, install=install))
        self.start()

    def start(self) -> None:
        self.program = Listening(self._environment, "--config", self.config)

    def hears_with(self, labels: tuple[str, ...]) -> None:
        """Wait for a window of a model with these labels."""
        self.program.wait_until(
            lambda record: set(record.get("scores", ())) == set(labels), f"a window of {labels}"
        )

    def state(self, condition: Callable[[UpdateState], object]) -> UpdateState:
        """What it remembers, once that is as it should be."""

        def found() -> UpdateState | None:
            state = read_state(self.folder / STATE)
            return state if condition(state) else None

        return wait_for(found, "a state") or UpdateState()

    def update(self, cli, *words: str) -> str:
        done = cli("update", *words, env=self._environment)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)


@pytest.fixture
def kitchen(tmp_path: Path, broker, write_audio):
    made: list[Kitchen] = []

    def make(install: str = "auto") -> Kitchen:
        made.append(Kitchen(tmp_path, broker.port, install, write_audio))
        return made[-1]

    yield make
    for one in made:
        one.program.close()


def test_good_updates_and_bad_ones_behave_as_said(kitchen, broker, publish, tmp_path, cli) -> None:
    to, home = f"mqtt://127.0.0.1:{broker.port}", kitchen()
    home.hears_with(OLD)
    other = tmp_path / "other.pem"
    other.write_bytes(OTHER_PRIVATE)
    good = tiny_model(tmp_path / "new.tflite", NEW)

    # A wrong signature: nothing is fetched, and nothing is remembered of it.
    assert publish("model", good, "--serial", 9, to=to, key=other) == 0

    # One that crashes does so in a child.
    if CRASH.exists():
        publish("model", CRASH, "--serial", 1, to=to)
        refused = home.state(lambda state: state.model_serial == 1).refused
        assert refused is not None and "SIGSEGV" in refused.reason

    # One that passes in the child, and fails on what the room sounds like.
    bad = tiny_model(tmp_path / "bad.tflite", NEW, when_loud="nan")
    publish("model", bad, "--serial", 2, to=to)
    refused = home.state(lambda state: state.model_serial == 2).refused
    assert refused is not None and "not finite" in refused.reason
    wait_for(lambda: not list(home.folder.glob("*.tflite")), "the file is removed")

    # A good one.
    publish("model", good, "--serial", 3, "--note", "more ska", to=to)
    home.hears_with(NEW)
    home.state(lambda state: state.installed is not None)
    witness = Subscriber(broker.port)
    news = shown_by(witness, lambda news: news["installed_version"].startswith("new "))
    assert news["installed_version"] == news["latest_version"]
    assert news["release_summary"] == "more ska"

    # Settings, and their revocation.
    publish("settings", "listen.uncertain_below=1", to=to)
    home.program.wait_for(label="uncertain")
    publish("settings", "--revoke", to=to)
    home.program.wait_until(
        lambda record: record["type"] == "window" and record["label"] != "uncertain", "a label"
    )
    witness.close()

    # It is there after a restart, and is taken back by a command.
    told = home.program.stop()
    assert "update not taken: a statement is signed by ed25519:" in told
    assert_nothing_is_missing(home.program.seen)
    home.program.close()
    home.start()
    home.hears_with(NEW)
    assert "more ska" in home.update(cli, "status")
    assert "is no longer used" in home.update(cli, "rollback")
    home.hears_with(OLD)


def shown_by(witness: Subscriber, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What Home Assistant is told once nothing is in progress, and that is so."""

    def found() -> list[dict[str, Any]]:
        news = [json.loads(data) for data in witness.on("kitchen/update")]
        return [one for one in news if condition(one) and not one["in_progress"]]

    return wait_for(found, "news")[0]


def assert_nothing_is_missing(records: list[dict[str, object]]) -> None:
    """The windows follow each other, whatever model told them."""
    assert not [one for one in records if one["type"] == "gap"]
    starts = [one["start"] for one in records if one["type"] == "window"]
    assert starts == [round(number * SECONDS, 3) for number in range(len(starts))]


def test_home_assistant_has_a_model_installed_when_somebody_wants_it(
    kitchen, broker, publish, tmp_path
) -> None:
    to, home = f"mqtt://127.0.0.1:{broker.port}", kitchen("ask")
    home.hears_with(OLD)
    witness = Subscriber(broker.port)
    witness.wait_for(lambda: b'"update"' in b"".join(witness.on("/config")))
    (config,) = [json.loads(data) for data in witness.on("genre-edge_kitchen/config")]
    entity = config["components"]["update"]
    assert entity["state_topic"] == "genre-edge/kitchen/update"
    good = tiny_model(tmp_path / "new.tflite", NEW)
    publish("model", good, to=to)
    shown = f"new {hashlib.sha256(Path(good).read_bytes()).hexdigest()[:8]}"
    news = shown_by(witness, lambda news: news["latest_version"] == shown)
    assert news["installed_version"] == home.model
    assert not [key for key, value in news.items() if value is None], "it would not be taken"
    assert not list(home.folder.glob("*.tflite"))
    witness.publish(entity["command_topic"], entity["payload_install"].encode())
    home.hears_with(NEW)
    witness.close()
