"""What the API answers, and what it says of bad requests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import requests
from flask.testing import FlaskClient
from genre_edge.audio.file_source import read_mono
from genre_edge.health import Health, SinkHealth, SourceHealth
from genre_edge.settings.tables import WebConfig
from genre_edge.web.app import create_app

from tests.conftest import noise
from tests.helpers.webserver import problem
from tests.web.conftest import client_of, service_state
from tests.web.test_openapi import assert_valid


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> FlaskClient:
    return client_of(WebConfig(), tmp_path_factory.mktemp("app"))


def records_of(cli, path: Path) -> list[dict]:
    printed = cli("classify", path, "--format", "json").stdout
    return [json.loads(line) for line in printed.splitlines()]


def test_an_upload_gets_what_classify_prints(server, demo_clip, cli) -> None:
    expected = [{**record, "file": "my song.flac"} for record in records_of(cli, demo_clip)]
    with demo_clip.open("rb") as file:
        form = requests.post(
            f"{server.url}/api/classify", files={"file": ("../../my song.flac", file)}
        )
    assert [*form.json()["windows"], form.json()["verdict"]] == expected
    streamed = requests.post(
        f"{server.url}/api/classify?stream=1&name=/etc/my song.flac", data=demo_clip.read_bytes()
    )
    assert streamed.headers["Content-Type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in streamed.text.splitlines()] == expected


@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_a_window_of_pcm_gets_what_classify_says_of_it(client, demo_clip, cli, kind: str) -> None:
    samples = read_mono(demo_clip, 22050)[: 3 * 22050]
    data = samples.astype("<f4") if kind == "float32" else np.rint(samples * 32768).astype("<i2")
    found = client.post(f"/api/window?rate=22050&format={kind}", data=data.tobytes()).json
    first = records_of(cli, demo_clip)[0]
    assert found["genre"] == first["genre"]
    for label, score in first["scores"].items():
        assert found["scores"][label] == pytest.approx(score, abs=1 / 256)


def test_a_silent_window_has_no_genre(client) -> None:
    found = client.post("/api/window?rate=22050", data=bytes(4 * 66150)).json
    assert_valid(found, "Window")
    assert (found["genre"], found["confidence"], found["scores"]) == (None, None, {})


def test_a_window_of_another_rate_is_resampled(client) -> None:
    found = client.post("/api/window?rate=48000", data=noise(3.0, 48000).tobytes()).json
    assert sum(found["scores"].values()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "says"),
    [
        ("classify", b"", None, 422, "empty"),
        ("classify?name=notes.txt", b"no audio", None, 422, "notes.txt: cannot be decoded"),
        ("classify", b"{}", "application/json", 415, "application/json: send audio"),
        ("classify?stream=yes", b"x", None, 422, "stream: must be 0 or 1"),
        ("window", b"", None, 422, "rate: must be a whole number from 8000 to 192000"),
        ("window?rate=7", b"", None, 422, "rate: must be"),
        ("window?rate=22050&format=mp3", b"", None, 422, "format: must be int16 or float32"),
        ("window?rate=22050", b"{}", "application/json", 415, "send raw samples"),
        ("window?rate=22050", b"123", None, 422, "3 bytes are not a whole number"),
        ("window?rate=22050", bytes(4 * 22050), None, 422, "1.00 s"),
        ("window?rate=8000", bytes(4 * 8000 * 11), None, 413, "more than 10 s"),
        ("window?rate=22050", np.full(66150, np.nan, "<f4").tobytes(), None, 422, "not finite"),
    ],
)
def test_bad_requests_are_told_what_is_wrong(client, path, body, kind, status, says) -> None:
    answer = client.post(f"/api/{path}", data=body, content_type=kind)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert says in answer.json["detail"]


def test_a_form_without_the_file_is_told_what_is_missing(client) -> None:
    answer = client.post("/api/classify", data={"song": "x"}, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "a part with the name file" in answer.json["detail"]


def test_paths_and_methods_that_are_not_there(server) -> None:
    assert problem(requests.get(f"{server.url}/api/nothing"), 404)
    assert problem(requests.get(f"{server.url}/static/../app.py"), 404)
    assert problem(requests.get(f"{server.url}/static/%2e%2e/app.py"), 404)
    answer = requests.delete(f"{server.url}/api/model")
    assert problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_what_this_service_does_not_do_is_said_with_the_remedy(client) -> None:
    live = client.get("/api/live")
    assert (live.status_code, live.json["detail"]) == (
        409,
        "no microphone here; start the service with --live",
    )
    history = client.get("/api/history")
    assert (history.status_code, history.json["detail"]) == (
        404,
        "this service keeps no history; start it with --history",
    )


@pytest.mark.parametrize(
    ("query", "says"),
    [("by=year", "by: must be genre, hour, day"), ("since=soon", "since: must be a number")],
)
def test_a_bad_question_about_the_history_is_told_what_is_wrong(client, query, says) -> None:
    answer = client.get(f"/api/history?{query}")
    assert (answer.status_code, says in answer.json["detail"]) == (422, True)


def test_the_model_is_described_with_the_limits_of_the_service(client) -> None:
    model = client.get("/api/model").json
    assert model["name"].startswith("gtzan-edge")
    assert len(model["labels"]) == 10
    assert model["service"].pop("started") > 0
    assert model["service"] == {
        "upload_mb": 64.0,
        "upload_minutes": 15.0,
        "live": False,
        "settings": False,
        "first": False,
        "history": False,
        "teach": False,
    }


def test_health_is_ok_where_nothing_is_waited_for(client, tmp_path: Path) -> None:
    assert client.get("/healthz").json == {"status": "ok", "detail": ""}
    listening = client_of(WebConfig(), tmp_path, Health([SourceHealth(state="listening")]))
    assert listening.get("/healthz").status_code == 200


def test_health_tells_of_an_output_that_has_stopped(tmp_path: Path) -> None:
    health = Health([SourceHealth(state="listening")], [SinkHealth("mqtt")])
    client = client_of(WebConfig(), tmp_path, health)
    assert client.get("/healthz").status_code == 200
    health.sinks[0].stopped = "mqtt: stopped by KeyError"
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["detail"]) == (503, "mqtt: stopped by KeyError")


def test_an_error_of_the_program_tells_the_client_nothing_of_it(tmp_path: Path) -> None:
    def broken() -> None:
        raise RuntimeError("secret")

    app = create_app(service_state(WebConfig(), tmp_path))
    app.logger.disabled = True
    app.view_functions["model"] = broken
    answer = app.test_client().get("/api/model")
    assert answer.status_code == 500
    assert answer.json["detail"] == "internal error; the log of the service has the details"
