"""Streams as a source: a real ffmpeg hears a real server, a FIFO, a file, a sound
server."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from genre_edge.audio.source import AudioBlock
from genre_edge.errors import DeviceChoiceError, DeviceError
from genre_edge.health import SourceHealth
from genre_edge.live import recovery
from genre_edge.live import stream as live
from genre_edge.live.ffmpeg_input import input_of
from genre_edge.live.stream import StreamSource
from genre_edge.settings.source_table import SourceConfig

from tests.helpers.fakemic import FakeMic
from tests.helpers.listening import Listening
from tests.helpers.radio import Radio, mp3_of
from tests.helpers.waiting import wait_for

pytestmark = [
    pytest.mark.devices,
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg"),
]

RATE = 22050
LOSSES = 20


@pytest.fixture
def radio(demo_clip: Path) -> Iterator[Radio]:
    station = Radio(mp3_of(demo_clip))
    yield station
    station.close()


class Heard:
    """A StreamSource run in the test's thread: its blocks and states."""

    def __init__(self, url: str, **config: object) -> None:
        self.stop, self.health = threading.Event(), SourceHealth()
        self.states: list[tuple[str, str]] = []
        self.blocks: list[AudioBlock] = []
        self.on_state: Callable[[str], None] = lambda state: None
        self._patience = threading.Timer(300, self.stop.set)
        self.source = StreamSource(
            SourceConfig(url, **config), RATE, self.stop, self._state, self.health
        )

    def _state(self, state: str, reason: str) -> None:
        self.health.state = state
        self.states.append((state, reason))
        self.on_state(state)

    def until(self, done: Callable[[], bool]) -> Heard:
        self._patience.start()
        try:
            for block in self.source.blocks():
                self.blocks.append(block)
                if done():
                    self.stop.set()
        finally:
            self._patience.cancel()
        return self

    def seconds(self, count: float) -> Heard:
        return self.until(lambda: sum(len(b.samples) for b in self.blocks) >= count * RATE)

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([block.samples[:, 0] for block in self.blocks])


def tone(seconds: float, level: float = 0.1, rate: int = RATE) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 441 * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def power(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def test_a_radio_is_heard_never_faster_than_real_time(radio: Radio) -> None:
    heard = Heard(f"http://127.0.0.1:{radio.port}/radio").seconds(4)
    assert [state for state, _ in heard.states] == ["listening"]
    first, last = heard.blocks[0], heard.blocks[-1]
    span = (last.position - first.position) / RATE
    assert first.arrived is not None and last.arrived is not None
    assert last.arrived.monotonic - first.arrived.monotonic >= span / 1.005 - 0.11
    assert power(heard.samples) > 0.01
    ends = [block.position + len(block.samples) for block in heard.blocks]
    assert [block.position for block in heard.blocks[1:]] == ends[:-1]


def test_a_download_that_has_ended_is_a_lost_source_and_leaves_a_gap(
    radio: Radio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_REST_SECONDS", 0.3)
    radio.content, radio.endless = radio.content[:16_000], False
    heard = Heard(f"http://127.0.0.1:{radio.port}/a.mp3")
    heard.until(lambda: len(heard.states) == 3)
    assert [state for state, _ in heard.states] == ["listening", "lost", "listening"]
    assert heard.states[1][1].endswith("/a.mp3: has ended")
    assert heard.health.losses == 1
    ends = [block.position + len(block.samples) for block in heard.blocks]
    jumps = [b.position - e for b, e in zip(heard.blocks[1:], ends[:-1], strict=True)]
    assert [jump > 0 for jump in jumps].count(True) == 1
    assert min(jumps) == 0


@pytest.mark.parametrize("channel", [None, 1])
def test_what_came_before_a_loss_is_heard_to_its_last_sample(radio: Radio, channel) -> None:
    """The mixer holds back what is no whole tenth of a second."""
    sound = tone(1.27)
    wav = io.BytesIO()
    soundfile.write(wav, np.stack([sound, sound], axis=1), RATE, format="WAV")
    radio.content, radio.endless = wav.getvalue(), False
    heard = Heard(f"http://127.0.0.1:{radio.port}/a.wav", channel=channel, exit_on_loss=True)
    with pytest.raises(DeviceError, match="lost"):
        heard.seconds(60)
    assert sum(len(block.samples) for block in heard.blocks) == len(sound)
    ends = [block.position + len(block.samples) for block in heard.blocks]
    assert [block.position for block in heard.blocks] == [0, *ends[:-1]]


@pytest.mark.parametrize("what", ["file", "ffmpeg"])
def test_what_is_gone_for_a_while_is_a_lost_source(tmp_path: Path, monkeypatch, what: str) -> None:
    """An upgrade replaces ffmpeg, and a disk may be unplugged."""
    monkeypatch.setattr(recovery, "_PAUSES", (0.05,))
    monkeypatch.setattr(live, "_REST_SECONDS", 0.05)
    path, away, programs = tmp_path / "a.wav", tmp_path / "away.wav", os.environ["PATH"]
    soundfile.write(path, tone(1), RATE)
    heard = Heard(f"file:{path}")
    tries, taken = list[int](), threading.Event()
    again = heard.source._open

    def open_counted() -> object:
        tries.append(1)
        if len(tries) == 4:  # three attempts have failed by then
            monkeypatch.setenv("PATH", programs)
            if away.exists():
                away.rename(path)
        return again()

    monkeypatch.setattr(heard.source, "_open", open_counted)

    def lose() -> bool:
        if not taken.is_set():
            taken.set()
            if what == "file":
                path.rename(away)
            else:
                monkeypatch.setenv("PATH", "/nowhere")
            (child,) = children_of(os.getpid())
            os.kill(child, signal.SIGKILL)
        return len(tries) >= 4

    heard.until(lose)
    assert [state for state, _ in heard.states] == ["listening", "lost", "listening"]
    assert heard.health.losses == 1


def test_a_server_that_refuses_is_waited_for(radio: Radio, monkeypatch) -> None:
    monkeypatch.setattr(recovery, "_PAUSES", (0.05,))
    radio.refuses = True
    heard = Heard(f"http://127.0.0.1:{radio.port}/radio")

    def on_state(state: str) -> None:
        radio.refuses = False

    heard.on_state = on_state
    heard.seconds(0.2)
    assert [state for state, _ in heard.states] == ["waiting", "listening"]
    assert "5XX" in heard.states[0][1] or "503" in heard.states[0][1]


def test_a_server_that_sends_nothing_is_lost(radio: Radio) -> None:
    heard = Heard(f"http://127.0.0.1:{radio.port}/radio", stall_seconds=1)

    def done() -> bool:
        radio.silent.set()
        return False

    def on_state(state: str) -> None:
        if state == "lost":
            heard.stop.set()

    heard.on_state = on_state
    heard.until(done)
    # On a busy machine ffmpeg may take longer only to start, and is waited for.
    *before, (listening, _), (lost, reason) = heard.states
    assert {state for state, _ in before} <= {"waiting"}
    assert (listening, lost) == ("listening", "lost")
    assert "sends nothing for 1 s" in reason


def test_a_source_that_is_not_waited_for_is_an_error(radio: Radio) -> None:
    radio.refuses = True
    with pytest.raises(DeviceError, match="/radio: "):
        Heard(f"http://127.0.0.1:{radio.port}/radio", exit_on_loss=True).seconds(1)


def test_without_ffmpeg_one_line_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(live, "find_ffmpeg", lambda: None)
    with pytest.raises(
        DeviceChoiceError, match=r"http://localhost/: needs ffmpeg: .*apt install ffmpeg"
    ):
        Heard("http://localhost/", name="x").seconds(1)


@pytest.mark.parametrize("url", ["http://h/", "https://h/", "rtsp://h/", "rtsps://h/"])
def test_the_network_opens_no_file_and_its_address_is_no_argument(url: str) -> None:
    with input_of(SourceConfig(f"{url}private")) as asked:
        at = asked.arguments.index("-protocol_whitelist")
        assert "file" not in asked.arguments[at + 1].split(",")
        assert "private" not in " ".join(asked.arguments)


def test_a_servers_playlist_cannot_name_a_file_of_this_machine(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "private.wav", tone(12), RATE)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:12\n#EXTINF:12,\nfile://{tmp_path}/private.wav\n"
    station = Radio(f"{playlist}#EXT-X-ENDLIST\n".encode(), "application/vnd.apple.mpegurl")
    station.endless = False
    try:
        with pytest.raises(DeviceError):
            Heard(f"http://127.0.0.1:{station.port}/a.m3u8", exit_on_loss=True).seconds(1)
    finally:
        station.close()
    assert station.asked


def test_a_file_is_heard_in_a_loop(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "it's a loop.wav", tone(0.5), RATE)
    heard = Heard(f"file:{tmp_path}/it's a loop.wav").seconds(1.2)
    assert [state for state, _ in heard.states] == ["listening"]
    assert power(heard.samples) == pytest.approx(0.1 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize(
    ("config", "level"),
    [({}, 0.15), ({"channel": 1}, 0.2), ({"channel": 2}, 0.1), ({"gain_db": -20.0}, 0.015)],
)
def test_channels_are_mixed_or_one_is_chosen_and_gain_applied(
    tmp_path: Path, config: dict, level: float
) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(1, 0.2), tone(1, 0.1)], axis=1), RATE)
    heard = Heard(f"file:{tmp_path}/a.wav", **config).seconds(0.5)
    assert power(heard.samples) == pytest.approx(level / np.sqrt(2), rel=0.02)


def test_a_fifo_of_raw_samples_survives_its_writer(tmp_path: Path) -> None:
    """A player that closes the FIFO between two songs is no lost source."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    song = (tone(1, 0.1, 48000) * 32767).astype("<i2").tobytes()

    is_heard = threading.Event()

    def play() -> None:
        for _ in range(2):
            with suppress(BrokenPipeError), fifo.open("wb") as pipe:
                pipe.write(song)
            is_heard.wait(60)

    heard = Heard(f"fifo:{fifo}", rate=48000, channels=1)

    def done() -> bool:
        if len(heard.samples) > 0.8 * RATE:  # of the first song, which was read whole
            is_heard.set()
        return len(heard.samples) > 1.5 * RATE

    threading.Thread(target=play, daemon=True).start()
    heard.until(done)
    assert [state for state, _ in heard.states] == ["listening"]
    assert power(heard.samples) == pytest.approx(0.1 / np.sqrt(2), rel=0.02)


def test_a_fifo_of_wav_names_its_own_rate(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    soundfile.write(tmp_path / "a.wav", tone(4, 0.1, 16000), 16000)
    content = (tmp_path / "a.wav").read_bytes()

    def play() -> None:
        with suppress(BrokenPipeError):
            fifo.write_bytes(content)

    threading.Thread(target=play, daemon=True).start()
    heard = Heard(f"fifo:{fifo}").seconds(2)
    spectrum = np.abs(np.fft.rfft(heard.samples[RATE : 2 * RATE]))
    assert int(np.argmax(spectrum)) == 441


def test_what_is_no_fifo_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"")
    for name, says in ((path, "is not a FIFO"), (tmp_path / "none", "No such file")):
        with pytest.raises(DeviceError, match=says):
            Heard(f"fifo:{name}", exit_on_loss=True).seconds(1)


@pytest.mark.parametrize("name", ["pulse:fake.monitor", "alsa:fakemic"])
def test_a_sound_servers_device_is_heard(mic: FakeMic, monkeypatch, name: str) -> None:
    for key, value in mic.environment.items():
        monkeypatch.setenv(key, value)
    mic.play_samples(tone(30, 0.1, 48000), 48000)
    heard = Heard(name)
    heard.until(lambda: power(heard.blocks[-1].samples) > 0.05)
    assert heard.states[0][0] == "listening"


def family(pid: int) -> str:
    """What every user of the machine can read of a process and its children."""
    shown = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    return shown + "".join(family(child) for child in children_of(pid))


def children_of(pid: int) -> list[int]:
    """The processes that any thread of a process has started."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for text in lists for child in text.read_text().split()]


def test_a_password_is_seen_by_the_server_alone(radio: Radio, tmp_path: Path) -> None:
    url = f"http://joe:s3cret@127.0.0.1:{radio.port}/radio?token=t0ken"
    config = tmp_path / "config.toml"
    config.write_text(f'[[source]]\nurl = "{url}"\n')
    radio.refuses = radio.asks_for_password = True
    listening = Listening(os.environ, "--config", config)
    try:
        seen = json.dumps(listening.wait_for(type="state", state="waiting"))
        radio.refuses = False
        listening.wait_for(type="state", state="listening")
        processes = family(listening.process.pid)
        assert "ffmpeg" in processes
        record = listening.wait_for(type="window")
        radio.drop()
        listening.wait_for(type="state", state="lost")
        seen += listening.stop()
    finally:
        listening.close()
    assert record["source"] == f"http://***@127.0.0.1:{radio.port}/radio?***"
    assert radio.asked[-1]["Authorization"].startswith("Basic ")
    for secret in ("s3cret", "t0ken"):
        assert secret not in processes
        assert secret not in seen + json.dumps(listening.seen)


def test_a_stream_survives_20_losses(radio: Radio) -> None:
    """Each loss is a gap; nothing is left behind."""
    listening = Listening(os.environ, "--source", f"http://127.0.0.1:{radio.port}/radio,name=r")
    try:
        early = {}
        for number in range(LOSSES):
            listening.wait_for(type="state", state="listening")
            radio.drop()
            listening.wait_for(type="state", state="lost")
            if number == 4:
                early = listening.status()
        listening.wait_for(type="state", state="listening")
        listening.wait_for(type="window", source="r")
        late = listening.status()
        processes = family(listening.process.pid)
        errors = listening.stop()
    finally:
        listening.close()
    assert listening.process.returncode == 0, errors
    gaps = [record for record in listening.seen if record["type"] == "gap"]
    assert len(gaps) == LOSSES
    assert all(gap["start"] < gap["end"] for gap in gaps)
    assert late["threads"] <= early["threads"]
    assert late["files"] <= early["files"] + 2, "the pipes of one ffmpeg, which had ended before"
    assert late["kilobytes"] - early["kilobytes"] < 5000
    assert processes.count("pcm_f32le") == 1, "one ffmpeg"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_terminal_that_is_closed_ends_it_as_ctrl_c_does(
    demo_clip, tmp_path, cli, number: signal.Signals
) -> None:
    history = tmp_path / "history.sqlite"
    source = f"file:{demo_clip}"
    listening = Listening(os.environ, "--source", source, "--history", history)
    try:
        listening.wait_for(type="window")
        errors = listening.stop(number)
    finally:
        listening.close()
    assert listening.process.returncode == 0, errors
    assert "seconds" in cli("history", history, "--format", "json").stdout


def test_nothing_outlives_the_program(radio: Radio) -> None:
    listening = Listening(os.environ, "--source", f"http://127.0.0.1:{radio.port}/radio")
    try:
        listening.wait_for(type="state", state="listening")
        pid = listening.process.pid
        (child,) = children_of(pid)
        listening.process.kill()
        listening.process.wait()
        wait_for(lambda: not Path(f"/proc/{child}/exe").exists(), "ffmpeg ends")
    finally:
        listening.close()


def test_flags_of_the_microphone_do_not_go_with_a_source(cli) -> None:
    answer = cli("listen", "--source", "http://localhost/", "--gain", 3)
    assert answer.returncode == 2
    assert "--gain is for the microphone, not for --source" in answer.stderr


def test_a_password_on_the_command_line_is_warned_of(cli) -> None:
    source = "http://joe:s3cret@127.0.0.1:1/,exit-on-loss=true"
    answer = cli("listen", "--source", source)
    assert answer.returncode == 1
    assert "configuration file" in answer.stderr
    assert "s3cret" not in answer.stderr


def test_a_playlist_is_no_source(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u"
    path.write_text("#EXTM3U\na.wav\n")
    with (
        pytest.raises(DeviceChoiceError, match=r"list\.m3u: is a playlist"),
        input_of(SourceConfig(f"file:{path}")),
    ):
        pass
