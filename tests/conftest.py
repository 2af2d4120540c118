"""Fixtures that several test files share."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from genre_edge.demo import clip_path
from genre_edge.service import pipeline
from hypothesis import settings

from tests.helpers.broker import Broker
from tests.helpers.endpoint import Endpoint
from tests.helpers.fakemic import FakeMic, installed
from tests.helpers.steady_program import Running, Steady

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs so, and the programs under test would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # nohup starts programs so. A handler is not inherited, and the tests live on.
    signal.signal(signal.SIGHUP, lambda *_: None)

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent
GTZAN = ROOT.parent / "shared" / "data" / "gtzan"

DEVICES = {"broker", "browser", "mic", "page", "server", "site", "small"}
"""Fixtures that are real parts: whoever uses one is marked `devices`."""

Cli = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and DEVICES & set(item.fixturenames):
            item.add_marker("devices")


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What programs remember (models that were tried, a history) is not this user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def gtzan() -> Path:
    """The real recordings."""
    if not (GTZAN / "tracks.csv").is_file():
        pytest.skip("needs the recordings in ../shared/data/gtzan")
    return GTZAN


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    """12 s at 22 050 Hz, mono."""
    return clip_path()


@pytest.fixture
def write_audio(tmp_path: Path) -> Callable[..., Path]:
    """Write float samples to a file in the test's folder."""

    def write(name: str, samples: np.ndarray, rate: int = 22050, **options: str) -> Path:
        path = tmp_path / name
        soundfile.write(path, samples, rate, **options)
        return path

    return write


@pytest.fixture(scope="session")
def cli() -> Cli:
    """Run genre-edge as a user does, in a process of its own."""

    def run(*args: object, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "genre_edge", *map(str, args)]
        text = "input" not in options or isinstance(options["input"], str)
        return subprocess.run(command, capture_output=True, text=text, timeout=300, **options)

    return run


def noise(seconds: float, rate: int = 22050, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Quiet white noise, float32 [n] or [n, channels]."""
    rng = np.random.default_rng(seed)
    samples = (0.1 * rng.standard_normal((round(seconds * rate), channels))).astype(np.float32)
    return samples[:, 0] if channels == 1 else samples


def with_chunk(wav: bytes, kind: bytes, body: bytes) -> bytes:
    """A WAV with another chunk before its samples, and a pad byte if that is odd."""
    at = wav.index(b"data")
    chunk = kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    content = wav[:at] + chunk + wav[at:]
    return content[:4] + struct.pack("<I", len(content) - 8) + content[8:]


@pytest.fixture
def mic(tmp_path: Path) -> Iterator[FakeMic]:
    """A microphone that needs no sound card, plugged in."""
    if not installed():
        pytest.skip("needs pulseaudio and pulseaudio-utils")
    microphone = FakeMic(tmp_path)
    microphone.start()
    yield microphone
    microphone.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real MQTT broker that is this test's own."""
    server = Broker(tmp_path / "broker")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def steady(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    """Start a ListeningProgram on a thread; its sources are Steady."""
    monkeypatch.setattr(pipeline, "StreamSource", Steady)
    running: list[Running] = []

    def start(**options: Any) -> Running:
        running.append(Running(tmp_path, **options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An HTTP server that webhooks POST to."""
    server = Endpoint()
    yield server
    server.close()
