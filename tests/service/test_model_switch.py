"""Another model in a program that listens: refused with its reason, or in force
everywhere at once."""

from __future__ import annotations

import gc
import json
import re
import weakref

import pytest
import requests
from genre_edge.errors import GenreEdgeError
from genre_edge.records import GapRecord

from tests.conftest import noise
from tests.helpers.broker import Subscriber
from tests.helpers.steady_program import NEW, OLD, TWO
from tests.helpers.tiny_models import RATE, tiny_model
from tests.helpers.waiting import wait_for


def test_every_source_goes_on_with_the_new_model_and_misses_nothing(steady, tmp_path) -> None:
    program = steady()
    program.wait_for_windows(*OLD)
    path = tiny_model(tmp_path / "new.tflite", NEW)
    assert program.program.switch_model(path).labels == NEW
    assert program.program.model == path
    program.wait_for_windows(*NEW)
    program.stop()
    assert not [one for one in program.records if isinstance(one, GapRecord)]
    for source in ("bar", "hall"):
        old, new = program.windows(*OLD, source=source), program.windows(*NEW, source=source)
        starts = [one.start for one in old + new]
        assert starts == [round(k * 0.1, 3) for k in range(len(starts))]


def test_a_file_that_is_no_model_is_refused_and_nothing_changes(steady, tmp_path) -> None:
    program = steady()
    path = tmp_path / "new.tflite"
    path.write_bytes(b"no model")
    with pytest.raises(GenreEdgeError, match="is not a TFLite model"):
        program.program.switch_model(str(path))
    assert program.program.model == program.old
    program.wait_for_windows(*OLD)


def test_a_model_of_a_higher_rate_says_what_it_misses(steady, tmp_path) -> None:
    program = steady()
    program.program.switch_model(tiny_model(tmp_path / "new.tflite", NEW, rate=2 * RATE))
    program.wait_for_windows(*NEW)
    limits = "new hears at 16000 Hz, and the sources are open at 8000 Hz: it misses what is higher"
    assert f"{limits} until the next start" in program.said
    program.program.switch_model(program.old)
    program.wait_for_windows(*OLD)
    assert len(program.said) == 1


def test_sinks_that_tell_of_labels_are_made_anew_and_others_are_not(steady, tmp_path) -> None:
    program = steady(
        text=f"[history]\nenabled = true\npath = '{tmp_path}/h.db'\n"
        f"[mqtt]\nurl = 'mqtt://127.0.0.1:1/g'\nspool = '{tmp_path}/spool.db'\n{TWO}"
    )
    before = {entry.name: entry for entry in program.program.health.sinks}
    program.program.switch_model(tiny_model(tmp_path / "new.tflite", NEW))
    after = {entry.name: entry for entry in program.program.health.sinks}
    assert after["history"] is before["history"]
    assert after["mqtt"] is not before["mqtt"]


def test_a_sink_that_cannot_be_made_for_the_new_model_keeps_the_old(
    steady, tmp_path, monkeypatch
) -> None:
    program = steady()

    def refuse(*_: object) -> None:
        raise GenreEdgeError("no room")

    monkeypatch.setattr(program.program._outputs, "prepare", refuse)
    with pytest.raises(GenreEdgeError, match="no room"):
        program.program.switch_model(tiny_model(tmp_path / "new.tflite", NEW))
    program.wait_for_windows(*OLD)


def test_the_page_and_its_answers_have_the_new_labels(steady, tmp_path) -> None:
    program = steady(text=f"[web]\nenabled = true\nport = 0\n{TWO}")
    wait_for(lambda: program.program.port, "the page")
    url = f"http://127.0.0.1:{program.program.port}/api"
    samples = noise(0.1, RATE).tobytes()
    window = {"Content-Type": "application/octet-stream"}

    def labels_of_a_window() -> set[str]:
        answer = requests.post(f"{url}/window?rate={RATE}", samples, headers=window)
        return set(json.loads(answer.text)["scores"])

    assert requests.get(f"{url}/model").json()["labels"] == list(OLD)
    assert labels_of_a_window() == set(OLD)
    program.program.switch_model(tiny_model(tmp_path / "new.tflite", NEW))
    assert requests.get(f"{url}/model").json()["labels"] == list(NEW)
    assert labels_of_a_window() == set(NEW)


def test_a_broker_gets_every_window_and_home_assistant_the_new_labels(
    steady, tmp_path, broker
) -> None:
    witness = Subscriber(broker.port)
    program = steady(
        text=f"[mqtt]\nurl = 'mqtt://127.0.0.1:{broker.port}/g'\nname = 'shelf'\n"
        f"spool = '{tmp_path}/spool.db'\n{TWO}"
    )

    def options() -> list[str]:
        """What the entity of a genre may be, as it was announced last."""
        found = [payload for payload in witness.on("/config") if b'"options"' in payload]
        return re.findall(rb'"options":\["(\w+)","(\w+)"', found[-1])[:1] if found else []

    witness.wait_for(lambda: options() == [(b"jazz", b"rock")])
    program.program.switch_model(tiny_model(tmp_path / "new.tflite", NEW))
    witness.wait_for(lambda: options() == [(b"blues", b"metal")])
    program.wait_for_windows(*NEW)
    program.stop()
    told = program.windows(*OLD) + program.windows(*NEW)
    here = "g/shelf/bar/window"
    witness.wait_for(lambda: len([1 for topic, *_ in witness.heard if topic == here]) >= len(told))
    starts = [json.loads(payload)["start"] for topic, payload, _ in witness.heard if topic == here]
    assert starts == [one.start for one in told]
    assert json.loads(witness.on("g/shelf/health")[-1])["model"] == "new"
    witness.close()


def test_labels_can_be_taught_where_the_model_that_hears_can_be(steady, tmp_path) -> None:
    program = steady(text=f"[web]\nenabled = true\nport = 0\n{TWO}").program
    url = f"http://127.0.0.1:{wait_for(lambda: program.port, 'the page')}/api"
    without_head = tiny_model(tmp_path / "new.tflite", NEW, when_loud="nan")
    for model, can_be in ((without_head, False), (program.model, True)):
        program.switch_model(model)
        assert requests.get(f"{url}/model").json()["service"]["teach"] is can_be
        assert requests.get(f"{url}/teach").ok is can_be


def test_the_model_before_takes_no_memory_any_more(steady, tmp_path) -> None:
    program = steady(text=f"[web]\nenabled = true\nport = 0\n{TWO}")
    wait_for(lambda: program.program.port, "the page")
    before = weakref.ref(program.program._models.engine)
    program.program.switch_model(tiny_model(tmp_path / "new.tflite", NEW))
    program.wait_for_windows(*NEW)
    gc.collect()
    assert before() is None
