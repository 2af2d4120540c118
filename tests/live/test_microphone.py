"""The real capture path: PyAudio, PortAudio and ALSA hear a microphone that has no
sound card.

These tests run in real time.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.audio.file_source import read_mono
from genre_edge.live.microphone import _hardware
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import DEFAULT_MODEL, EngineConfig

from tests.conftest import ROOT, Cli, noise
from tests.helpers.broker import Broker, Subscriber
from tests.helpers.fakemic import FakeMic, installed
from tests.helpers.listening import PATIENCE, Listening

pytestmark = [
    pytest.mark.skipif(not installed(), reason="needs pulseaudio and pulseaudio-utils"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs ALSA"),
]

_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ


def listen_to(mic: FakeMic, *arguments: object) -> Listening:
    """Start listening to the microphone, which ends it with itself."""
    listening = Listening(mic.environment, *arguments)
    mic.processes.append(listening.process)
    return listening


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_0(mic: FakeMic, number: int) -> None:
    listening = listen_to(mic)
    listening.wait_for(type="state", state="listening")
    errors = listening.stop(number)
    assert listening.process.returncode == 0, errors
    assert "Traceback" not in errors


def test_what_it_hears_is_reported_in_full(mic: FakeMic) -> None:
    tone = 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 440 * np.arange(30 * 44100) / 44100)
    mic.play_samples(tone, 44100)
    before = time.time()
    listening = listen_to(mic, "--device", "fakemic", "--hop", 1, "--windows", 4)
    state = listening.wait_for(type="state")
    assert state["state"] == "listening"
    assert "name:fakemic" in state["reason"]
    windows = [listening.wait_for(type="window") for _ in range(4)]
    assert [w["start"] for w in windows] == [0.0, 1.0, 2.0, 3.0]
    last = windows[-1]
    assert last["source"] == "name:fakemic"
    assert last["level_dbfs"] == pytest.approx(-20, abs=1.5)
    assert last["state"] == "listening"
    assert last["latency_ms"] >= 0
    times = [datetime.fromisoformat(w["time"]).timestamp() for w in windows]
    assert before < times[0] < times[-1] < time.time()
    np.testing.assert_allclose(np.diff(times), 1.0, atol=0.2)
    assert listening.process.wait(timeout=PATIENCE) == 0


def test_what_it_hears_also_goes_to_broker_and_history(mic: FakeMic, tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker")
    broker.start()
    witness = Subscriber(broker.port)
    try:
        mic.play_samples(noise(30.0, 44100), 44100)
        url = f"mqtt://127.0.0.1:{broker.port},name=shelf,spool={tmp_path / 'spool'}"
        sinks = ("--mqtt", url, "--history", tmp_path / "h.db", "--history-windows")
        listening = listen_to(mic, "--device", "fakemic", "--hop", 1, "--windows", 4, *sinks)
        windows = [listening.wait_for(type="window") for _ in range(4)]
        witness.wait_for(lambda: len(witness.windows()) == 4)
        published = [{k: v for k, v in window.items() if k != "id"} for window in witness.windows()]
        assert published == [{k: window[k] for k in published[0]} for window in windows]
        witness.wait_for(lambda: witness.on("/status")[-1:] == [b"offline"])
        assert listening.process.wait(timeout=PATIENCE) == 0
        with closing(sqlite3.connect(tmp_path / "h.db")) as file:
            assert file.execute("SELECT count(*) FROM windows").fetchone() == (4,)
            assert file.execute("SELECT sum(windows) FROM stretches").fetchone() == (4,)
    finally:
        witness.close()
        broker.stop()


def test_the_screen_stays_free_of_alsas_chatter(mic: FakeMic, cli: Cli) -> None:
    quiet = cli("--windows", "1", env=mic.environment)
    assert quiet.returncode == 0
    assert [line.split(":")[0] for line in quiet.stderr.splitlines()] == ["genre-edge"] * 2, (
        quiet.stderr
    )
    devices = cli("devices", "--json", env=mic.environment)
    assert devices.stderr == ""
    (found,) = [d for d in json.loads(devices.stdout) if d["token"] == "name:fakemic"]
    assert 22050 in found["rates"]
    assert found["channels"] >= 2
    chatty = cli("devices", "-v", env=mic.environment)
    assert "ALSA" in chatty.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--device", "nonsense"], 1, "nonsense: not found; there are: name:pulse"),
        (["--device", "a"], 1, "several match"),
        (["--device", "fakemic", "--channel", "99"], 1, "--channel 99"),
        (["--hop", "5"], 2, "--hop 5"),
        (["--smooth", "0"], 2, "--smooth 0"),
    ],
)
def test_impossible_wishes_are_one_line(
    mic: FakeMic, arguments: list[str], status: int, words: str, cli: Cli
) -> None:
    result = cli("listen", *arguments, env=mic.environment)
    assert result.returncode == status, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_device_it_waits_and_starts_when_one_comes(mic: FakeMic) -> None:
    mic.kill()
    listening = listen_to(mic)
    waiting = listening.wait_for(type="state")
    assert waiting["state"] == "waiting"
    assert "no input device" in waiting["reason"]
    mic.start()
    listening.wait_for(type="state", state="listening")
    listening.wait_for(type="window")
    listening.stop()
    assert listening.process.returncode == 0


def test_exit_on_device_loss_leaves_with_1(mic: FakeMic, cli: Cli) -> None:
    listening = listen_to(mic, "--exit-on-device-loss")
    listening.wait_for(type="state", state="listening")
    mic.kill()
    assert listening.process.wait(timeout=PATIENCE) == 1
    absent = cli("--exit-on-device-loss", env=mic.environment)
    assert (absent.returncode, absent.stdout) == (1, "")


def test_duration_ends_it_even_without_a_device(mic: FakeMic, cli: Cli) -> None:
    mic.kill()
    result = cli("--duration", "2", env=mic.environment)
    assert result.returncode == 0


def test_twenty_losses_are_all_recovered_from(mic: FakeMic) -> None:
    listening = listen_to(mic, "--hop", 1)
    listening.wait_for(type="state", state="listening")
    listening.wait_for(type="window")
    early = {}
    for number in range(20):
        mic.kill()
        listening.wait_for(type="state", state="lost")
        mic.start()
        listening.wait_for(type="state", state="listening")
        if number == 4:
            early = listening.status()
    listening.wait_for(type="window")
    late = listening.status()
    errors = listening.stop()
    print(f"after 5 losses {early}, after 20 {late}")
    assert late["threads"] <= early["threads"]
    assert late["files"] <= early["files"]
    assert late["kilobytes"] - early["kilobytes"] < 3000
    assert listening.process.returncode == 0, errors
    states = [line for line in errors.splitlines() if ": lost:" in line or ": listening:" in line]
    assert len(states) >= 41, "one log line a change of state"


def test_a_sound_server_that_comes_back_is_noticed(mic: FakeMic, monkeypatch) -> None:
    """Whoever waits for the device sees it at once, however long the pause is."""
    for name in ("XDG_RUNTIME_DIR", "PULSE_SERVER"):
        monkeypatch.setenv(name, mic.environment[name])
    before = _hardware()
    assert _hardware() == before
    mic.kill()
    mic.start()
    assert _hardware() != before


def test_a_stalled_consumer_loses_counted_audio_only(mic: FakeMic) -> None:
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, _SET_PIPE_SIZE, 4096)
    process = subprocess.Popen(
        [sys.executable, "-m", "genre_edge", "--format", "json", "--hop", "0.25"],
        env={**mic.environment, "GENRE_EDGE_MICROPHONE_QUEUE_SECONDS": "2"},
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
    )
    mic.processes.append(process)
    os.close(write_end)
    with os.fdopen(read_end) as out:
        lines = map(json.loads, out)
        records = [next(lines) for _ in range(4)]
        # Nothing is read while this plays, in real time: the pipe fills, then the
        # queue.
        assert mic.play_samples(noise(25.0, 48000), 48000).wait(timeout=PATIENCE) == 0
        while records[-1].get("start", 0.0) < 25.0:
            records.append(next(lines))
        process.send_signal(signal.SIGTERM)
        records += lines
    errors = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0, errors
    (gap,) = [r for r in records if r["type"] == "gap"]
    (counted,) = [line for line in errors.splitlines() if "dropped" in line]
    lost = gap["end"] - gap["start"]
    print(f"gap of {lost:.1f} s; {counted}")
    assert lost > 5
    assert float(counted.split()[1]) == pytest.approx(lost, abs=0.15)
    windows = [r for r in records if r["type"] == "window"]
    before = [w["start"] for w in windows if w["end"] <= gap["start"] + 1e-3]
    after = [w["start"] for w in windows if w["start"] >= gap["end"] - 1e-3]
    assert len(before) + len(after) == len(windows), "no window spans the gap"
    for starts in (before, after):
        np.testing.assert_allclose(np.diff(starts), 0.25, atol=2e-3)
    assert after


def clips(gtzan: Path, work: Path) -> Path:
    """Nine seconds of one valid track a genre, in turn, as one file."""
    import csv

    chosen: dict[str, Path] = {}
    with (gtzan / "tracks.csv").open() as file:
        for row in csv.DictReader(file):
            if row["split"] == "valid":
                chosen.setdefault(row["genre"], gtzan / row["file"])
    parts = [read_mono(path, 22050)[22050 * 5 : 22050 * 14] for path in chosen.values()]
    assert len(parts) == 10
    path = work / "ten.wav"
    soundfile.write(path, np.concatenate(parts), 22050)
    return path


def test_ten_clips_are_heard_as_classify_reads_them(
    mic: FakeMic, gtzan: Path, tmp_path: Path
) -> None:
    """Through the sink at 48 kHz and back. Where the clip begins on the listener's
    timeline is found by the scores."""
    path, hop = clips(gtzan, tmp_path), 0.25
    listening = listen_to(mic, "--hop", hop)
    listening.wait_for(type="state", state="listening")
    playing = mic.play(path)
    assert playing.wait(timeout=PATIENCE) == 0
    ended = datetime.now(UTC)
    while datetime.fromisoformat(listening.wait_for(type="window")["time"]) < ended:
        pass
    listening.stop()
    heard = {r["start"]: r for r in listening.seen if r["type"] == "window" and r["genre"]}
    samples = read_mono(path, 22050)
    engine = Engine(EngineConfig(DEFAULT_MODEL, hop))

    def agreement(late: float) -> tuple[float, int]:
        """If the listener's windows begin `late` s after a multiple of the hop in the
        clip; for every such multiple."""
        windows = engine.stream(22050).push(samples[round(late * 22050) :, None])
        read = [engine.predict(window).genre for window in windows]
        found = []
        for shift in range(60):
            starts = [round((number + shift) * hop, 3) for number in range(len(read))]
            pairs = [
                (g, heard[s]["genre"]) for g, s in zip(read, starts, strict=True) if s in heard
            ]
            if len(pairs) > 300:
                found.append((float(np.mean([a == b for a, b in pairs])), len(pairs)))
        return max(found)

    best, count = max(agreement(late) for late in np.arange(0, hop, 0.025))
    print(f"{best:.1%} of {count} windows agree")
    assert best >= 0.9


def test_doctor_names_what_is_wrong_and_what_to_do(mic: FakeMic) -> None:
    command = [sys.executable, "-m", "genre_edge", "doctor", "--json", "--device", "fakemic"]

    def statuses() -> tuple[int, dict[str, dict]]:
        result = subprocess.run(
            command, env=mic.environment, capture_output=True, text=True, timeout=60, cwd=ROOT
        )
        return result.returncode, {f["name"]: f for f in json.loads(result.stdout)}

    status, found = statuses()
    assert status == 1
    assert found["level"]["status"] == "fail"
    assert found["level"]["remedy"]
    mic.play_samples(noise(600.0, 48000), 48000)
    for _ in range(5):  # the player takes its time to begin
        status, found = statuses()
        if status == 0:
            break
    assert status == 0, found
    assert (
        found["level"]["status"]
        == found["model"]["status"]
        == found["microphone"]["status"]
        == "ok"
    )
    mic.kill()
    status, found = statuses()
    assert status == 1
    assert "no input device" in found["microphone"]["text"]
