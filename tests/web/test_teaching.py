"""The page teaches labels: the API behind it, and the view in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from flask.testing import FlaskClient
from genre_edge.demo import clip_path
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.frontend import LogMel
from genre_edge.model.windows import file_windows
from genre_edge.settings.tables import EngineConfig, WebConfig
from genre_edge.teach.listening import RememberingEngine
from genre_edge.teach.store import Store, default_store
from genre_edge.teach.trunk import trunk_of
from genre_edge.web.app import create_app
from genre_edge.web.teaching import Teaching

from tests.helpers.pages import AXE, serious_faults
from tests.helpers.waiting import BACKSTOP_SECONDS
from tests.helpers.webserver import WebServer
from tests.web.conftest import service_state
from tests.web.test_openapi import assert_valid


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RememberingEngine:
    """What hears; the user's models are in the test's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return RememberingEngine(EngineConfig("gtzan-two-block.int8"))


@pytest.fixture
def client(engine: RememberingEngine, tmp_path: Path) -> FlaskClient:
    return _client(engine, tmp_path, WebConfig())


def _client(engine: RememberingEngine, folder: Path, config: WebConfig) -> FlaskClient:
    teaching = Teaching("gtzan-two-block.int8", engine)
    return create_app(replace(service_state(config, folder), teaching=teaching)).test_client()


@pytest.fixture
def hears(engine: RememberingEngine, demo_clip: Path):
    """Let the engine hear the demo clip."""
    windows = file_windows(demo_clip, LogMel(engine.bundle.info.frontend))

    def hear() -> int:
        for window in windows:
            engine.predict(window)
        return len(windows)

    return hear


def test_what_was_just_heard_is_taught_listed_and_forgotten(client, hears, engine) -> None:
    count = hears()
    answer = client.post("/api/teach", json={"label": " choir ", "seconds": 30})
    assert_valid(answer.json, "Taught")
    (example,) = answer.json["examples"]
    assert (example["label"], example["windows"], example["not"]) == ("choir", count, False)
    curve = example["curve"]
    assert (curve["seconds"], len(curve["levels_dbfs"])) == (0.25, 12 * count)
    assert all(-60 < level < 0 for level in curve["levels_dbfs"])
    answer = client.post("/api/teach", json={"label": "rock", "not": True})
    assert [one["not"] for one in answer.json["examples"]] == [False, True]
    assert client.get("/api/teach").json == answer.json
    answer = client.delete(f"/api/teach?number={example['number']}")
    assert [one["label"] for one in answer.json["examples"]] == ["rock"]


def test_an_example_from_before_there_were_curves_has_none(client, hears, engine) -> None:
    hears()
    with Store(default_store()) as store:
        store.add(trunk_of(engine.bundle), "choir", "/old.wav", engine.last(30).embeddings)
    answer = client.get("/api/teach")
    assert_valid(answer.json, "Taught")
    assert [one["curve"] for one in answer.json["examples"]] == [None]


def test_a_fit_is_a_model_with_a_report(client, hears) -> None:
    hears()
    client.post("/api/teach", json={"label": "choir"})
    answer = client.post("/api/teach/fit")
    assert_valid(answer.json, "Fit")
    assert answer.json["labels"] == ["choir", "none of these"]
    assert "One song only" in "\n".join(answer.json["report"])
    assert read_bundle(find_model("mine")).info.labels == ("choir", "none of these")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"label": "choir", "seconds": 2}, 422),
        ({"label": "choir", "seconds": True}, 422),
        ({"label": "uncertain"}, 422),
        ({"label": 7}, 422),
        ({"label": "choir", "source": 1}, 422),
        ({"label": "choir", "not": "yes"}, 422),
        (["choir"], 422),
    ],
)
def test_a_wrong_request_teaches_nothing(client, hears, body: object, status: int) -> None:
    hears()
    assert client.post("/api/teach", json=body).status_code == status
    assert client.get("/api/teach").json == {"examples": []}


def test_what_cannot_be_done_says_why(client) -> None:
    answer = client.post("/api/teach", json={"label": "choir"})
    assert answer.status_code == 409
    assert "nothing was heard in the last 30 s" in answer.json["detail"]
    assert client.delete("/api/teach?number=7").status_code == 404
    assert client.delete("/api/teach?number=x").status_code == 422
    assert "no label yet" in client.post("/api/teach/fit").json["detail"]


def test_teaching_needs_the_token(engine, hears, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a long secret")
    client = _client(engine, tmp_path, WebConfig(token_file=token))
    hears()
    for call in (client.get, client.post, client.delete):
        assert call("/api/teach").status_code == 401
    assert client.post("/api/teach/fit").status_code == 401
    bearer = {"Authorization": "Bearer a long secret"}
    assert client.post("/api/teach", json={"label": "x"}, headers=bearer).status_code == 200


def test_a_service_that_hears_nothing_teaches_nothing(tmp_path: Path) -> None:
    client = create_app(service_state(WebConfig(), tmp_path)).test_client()
    assert client.get("/api/model").json["service"]["teach"] is False
    assert client.get("/api/teach").status_code == 409


def test_sources_are_taught_apart(engine, demo_clip: Path) -> None:
    import threading

    window = file_windows(demo_clip, LogMel(engine.bundle.info.frontend))[0]
    for name in ("source kitchen", "source radio", "source radio"):
        thread = threading.Thread(target=engine.predict, args=(window,), name=name)
        thread.start()
        thread.join()
    assert [len(engine.last(30, name).embeddings) for name in ("kitchen", "radio", "")] == [1, 2, 3]


@contextmanager
def live_page(mic, browser, folder: Path, *arguments: object) -> Iterator:
    """The page of a service that hears the microphone, which plays the demo clip again
    and again: what is shown is no longer silence. The page must not complain."""
    from playwright.sync_api import expect

    expect.set_options(timeout=BACKSTOP_SECONDS * 1000)
    running = WebServer(folder, "--live", *arguments, environment=mic.environment)
    context = browser.new_context(
        viewport={"width": 900, "height": 1600}, reduced_motion="reduce", bypass_csp=True
    )
    context.set_default_timeout(BACKSTOP_SECONDS * 1000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        page.goto(running.url)
        expect(page.locator("#teach")).to_be_visible()
        samples, rate = soundfile.read(clip_path())
        player = mic.play_samples(np.tile(samples, 40), rate)
        expect(page.locator("#live-label")).not_to_have_text(re.compile("–|Quiet"))
        yield page
        player.kill()
    finally:
        context.close()
        assert running.stop() == 0, "\n".join(running.said[-60:])
    assert complaints == []


def test_a_label_is_taught_in_the_page_and_shown_by_the_next_start(
    mic, browser, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    with live_page(mic, browser, tmp_path) as page:
        expect(page.locator("#teach-fit")).to_be_disabled()
        page.fill("#teach-label", "our band")
        page.click("#teach-new button:has-text('This is it')")
        expect(page.locator("#teach-state")).to_contain_text("our band:")
        picture = page.locator("#teach-examples li").get_by_role("img", name="Level of heard 20")
        expect(picture).to_be_visible()
        expect(picture).to_have_accessible_name(re.compile(r": -\d+ to -\d+ dBFS in \d+ s$"))
        bars = "picture => [picture.querySelector('path').getBBox().height, picture.clientWidth]"
        assert min(picture.evaluate(bars)) > 2, "the bars have a height, the picture a width"
        page.click("button:has-text('This is our band')")
        expect(page.locator("#teach-examples li")).to_have_count(2)
        page.locator("#teach-examples button").first.click()
        expect(page.locator("#teach-examples li")).to_have_count(1)
        page.click("#teach-wrong")
        expect(page.locator("#teach-examples li")).to_have_count(2)
        page.click("#teach-fit")
        expect(page.locator("#teach-state")).to_contain_text("Start the service with --model mine")
        expect(page.locator("#teach-report")).to_contain_text("One song only")
    models = tmp_path / "state" / "genre-edge" / "models"
    assert (models / "mine.int8.tflite").is_file()
    assert not list(models.glob("*.wav")), "no audio is kept"
    with live_page(mic, browser, tmp_path, "--model", "mine") as page:
        named = re.compile("our band|none of these")
        expect(page.locator("#live-card")).to_contain_text(named)  # it may be uncertain of it
        expect(page.locator("#teach-examples li")).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_where_labels_are_taught(
    mic, browser, tmp_path: Path, scheme: str
) -> None:
    from playwright.sync_api import expect

    if not AXE.is_file():
        pytest.skip("needs axe-core (script/setup fetches it with npm)")
    with live_page(mic, browser, tmp_path) as page:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.fill("#teach-label", "our band")
        page.click("#teach-new button:has-text('This is it')")
        expect(page.locator("#teach-examples li")).to_have_count(1)
        page.click("#teach-fit")
        expect(page.locator("#teach-report")).to_contain_text("One song only")
        assert serious_faults(page) == []


def test_the_store_is_beside_the_models(engine) -> None:
    assert default_store().name == "taught.db"
    with Store(default_store()):
        assert default_store().parent.name == "models"
