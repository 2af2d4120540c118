"""Streams from the servers that people have: Icecast, and RTSP cameras."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import icecast, rtsp_camera
from tests.helpers.icecast import Icecast
from tests.helpers.listening import Listening
from tests.helpers.rtsp_camera import Camera

pytestmark = pytest.mark.devices
needs_icecast = pytest.mark.skipif(not icecast.installed(), reason="needs icecast2 and ffmpeg")
needs_camera = pytest.mark.skipif(
    not rtsp_camera.installed(), reason="needs gir1.2-gst-rtsp-server-1.0 and python3-gi"
)
LOSSES = 20


@pytest.fixture
def station(tmp_path_factory, demo_clip: Path) -> Iterator[Icecast]:
    server = Icecast(tmp_path_factory.mktemp("icecast"), demo_clip)
    server.start()
    yield server
    server.kill()


@needs_icecast
@pytest.mark.slow
def test_20_losses_of_icecast_are_20_gaps_and_leave_nothing_behind(station: Icecast) -> None:
    """In turns the server is killed, the station is gone, and the server freezes."""
    losses = (station.kill, station.lose_station, station.freeze)
    listening = Listening(os.environ, "--source", f"{station.url},name=radio,stall-seconds=2")
    early = {}
    try:
        for number in range(LOSSES):
            listening.wait_for(type="state", state="listening")
            if number == 5:
                listening.wait_for(type="window")
                early = listening.status()
            losses[number % len(losses)]()
            listening.wait_for(type="state", state="lost")
            station.kill()
            station.start()
        listening.wait_for(type="state", state="listening")
        window = listening.wait_for(type="window")
        late = listening.status()
        errors = listening.stop()
    finally:
        listening.close()
    assert listening.process.returncode == 0, errors
    assert window["source"] == "radio"
    gaps = [record for record in listening.seen if record["type"] == "gap"]
    assert len(gaps) == LOSSES
    assert late["threads"] <= early["threads"]
    assert late["files"] <= early["files"]
    grown = late["kilobytes"] - early["kilobytes"]
    print(f"{LOSSES} losses: {len(gaps)} gaps, {grown} KB more than after 5")
    assert grown < 5000


@needs_camera
@pytest.mark.parametrize(
    ("camera", "keys"),
    [
        ((), ""),
        ((), ",audio-only=false"),
        ((), ",rtsp-transport=udp"),
        (("--no-video",), ""),
    ],
)
def test_the_microphone_of_a_camera_is_heard(camera: tuple[str, ...], keys: str) -> None:
    server = Camera(*camera)
    source = f"rtsp://127.0.0.1:{server.port}/live,name=door{keys}"
    listening = Listening(os.environ, "--source", source)
    try:
        window = listening.wait_for(type="window")
        assert listening.stop() is not None
    finally:
        listening.close()
        server.kill()
    assert window["source"] == "door"
    assert window["level_dbfs"] == pytest.approx(-23, abs=0.5), "the tone that it plays"


@needs_camera
def test_a_camera_with_a_password_is_waited_for_when_it_restarts(tmp_path: Path) -> None:
    server = Camera("--user", "joe", "--password", "s3cret")
    config = tmp_path / "c.toml"
    url = f"rtsp://joe:s3cret@127.0.0.1:{server.port}/live"
    config.write_text(f'[[source]]\nurl = "{url}"\nname = "door"\nstall_seconds = 3\n')
    listening = Listening(os.environ, "--config", config)
    try:
        listening.wait_for(type="window")
        server.kill()
        listening.wait_for(type="state", state="lost")
        server.start()
        listening.wait_for(type="state", state="listening")
        listening.wait_for(type="gap", source="door")
        listening.wait_for(type="window")
        seen = json.dumps(listening.seen) + listening.stop()
    finally:
        listening.close()
        server.kill()
    assert "s3cret" not in seen
    assert f"rtsp://***@127.0.0.1:{server.port}/live" in seen
