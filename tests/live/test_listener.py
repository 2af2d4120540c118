"""The live pipeline on Sources that are not paced: gaps, silence, clock, and a day of
audio."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from genre_edge.audio.array import ArraySource
from genre_edge.audio.file_source import read_mono
from genre_edge.audio.loudness import ShortTermLoudness
from genre_edge.audio.source import Arrival, AudioBlock
from genre_edge.health import SourceHealth
from genre_edge.live.listener import Listener
from genre_edge.model.engine import Engine
from genre_edge.records import GapRecord, LiveRecord, StateRecord
from genre_edge.settings.tables import EngineConfig, ListenConfig

from tests.conftest import ROOT, noise
from tests.helpers.blocks import BlockSource, cut

MODEL, RATE = "gtzan-two-block.int8", 22050


def stream(samples: np.ndarray, position: int = 0, utc: float | None = None) -> list[AudioBlock]:
    return cut(samples, RATE, position, utc)


def heard(
    blocks: list[AudioBlock], hop: float | None = None, **config: float
) -> tuple[list, SourceHealth]:
    records: list = []
    health = SourceHealth()
    engine = Engine(EngineConfig(MODEL, hop))
    Listener(engine, ListenConfig(**config), records.append, health).run(BlockSource(blocks, RATE))
    return records, health


def windows_in(records: list) -> list[LiveRecord]:
    return [record for record in records if isinstance(record, LiveRecord)]


def test_windows_are_those_of_classify(cli, demo_clip) -> None:
    samples = read_mono(demo_clip, RATE)
    records, _ = heard(stream(samples))
    expected = list(Engine(EngineConfig(MODEL)).classify(ArraySource(samples, RATE)))
    assert [w.scores for w in windows_in(records)] == [w.scores for w in expected[:-1]]


def test_no_window_spans_a_gap_and_the_timeline_stays_true() -> None:
    first, second = noise(7.0), noise(10.0, seed=1)
    late = 7 * RATE + 2 * RATE  # two seconds are lost
    records, health = heard(stream(first) + stream(second, late))
    (gap,) = [r for r in records if isinstance(r, GapRecord)]
    assert (gap.start, gap.end) == (7.0, 9.0)
    assert [w.start for w in windows_in(records)] == [0.0, 3.0, 9.0, 12.0, 15.0]
    assert health.gaps == 1
    alone, _ = heard(stream(second))
    assert [w.scores for w in windows_in(records)[2:]] == [w.scores for w in windows_in(alone)]


def test_the_label_after_a_gap_owes_nothing_to_what_was_before(demo_clip) -> None:
    before, after = read_mono(demo_clip, RATE)[: 6 * RATE], noise(9.0, seed=1)
    records, _ = heard(stream(before) + stream(after, 10 * RATE), smooth=10)
    alone, _ = heard(stream(after), smooth=10)

    def shown(records: list) -> list[tuple]:
        return [(w.label, w.smoothed_genre, w.smoothed_confidence) for w in windows_in(records)]

    assert shown(records)[2:] == shown(alone)


def test_silence_gets_no_genre() -> None:
    samples = np.concatenate([noise(3.0), np.zeros(3 * RATE, np.float32), 1e-3 * noise(3.0)])
    loud, dead, quiet = windows_in(heard(stream(samples), silence_dbfs=-60)[0])
    assert loud.genre is not None
    assert loud.scores
    for window in (dead, quiet):
        assert (window.label, window.genre, window.confidence, window.scores) == (
            "silence",
            None,
            None,
            {},
        )
    assert (dead.state, quiet.state) == ("dead", "listening")
    assert dead.level_dbfs == -120


def test_a_level_at_the_limit_of_silence_is_heard() -> None:
    tone = np.where(np.arange(3 * RATE) % 50 < 25, 0.1, -0.1).astype(np.float32)
    (at_the_limit,) = windows_in(heard(stream(tone), silence_dbfs=-20.0)[0])
    assert (at_the_limit.level_dbfs, at_the_limit.label == "silence") == (-20.0, False)
    (below,) = windows_in(heard(stream(tone), silence_dbfs=-19.9)[0])
    assert below.label == "silence"


def test_after_a_silence_the_label_begins_anew(demo_clip) -> None:
    before, silence = read_mono(demo_clip, RATE)[: 6 * RATE], np.zeros(3 * RATE, np.float32)
    records, _ = heard(stream(np.concatenate([before, silence, noise(3.0)])), smooth=10)
    *_, silent, after = windows_in(records)
    assert silent.label == "silence"
    assert (after.smoothed_genre, after.smoothed_confidence) == (after.genre, after.confidence)


def test_the_models_card_says_what_is_uncertain() -> None:
    def label(uncertain_below: float) -> str:
        engine = Engine(EngineConfig(MODEL))
        info = replace(engine.bundle.info, metrics={"valid": {"uncertain_below": uncertain_below}})
        engine.bundle = replace(engine.bundle, info=info)
        records: list = []
        source = BlockSource(stream(noise(3.0)), RATE)
        Listener(engine, ListenConfig(), records.append, SourceHealth()).run(source)
        return windows_in(records)[0].label

    assert label(1.0) == "uncertain"
    assert label(0.0) != "uncertain"


def test_amplification_is_no_clipping() -> None:
    records: list = []
    engine = Engine(EngineConfig(MODEL))
    source = BlockSource(stream(20 * noise(3.0)), RATE)
    Listener(engine, ListenConfig(), records.append, SourceHealth(), gain=100.0).run(source)
    assert windows_in(records)[0].state == "listening"


def test_latency_counts_from_the_delivery_of_the_last_sample(monkeypatch) -> None:
    clock = SimpleNamespace(monotonic=lambda: 102.5, time=time.time)
    monkeypatch.setattr("genre_edge.live.listener.time", clock)
    block = AudioBlock(noise(3.0, channels=1)[:, None], 0, Arrival(100.0, 1_700_000_000.0))
    assert windows_in(heard([block])[0])[0].latency_ms == 2500


def test_states_of_the_signal_are_reported_once_each() -> None:
    loud = np.clip(20 * noise(6.0), -1, 1).astype(np.float32)
    records, _ = heard(stream(np.concatenate([noise(6.0), loud, noise(6.0)])))
    states = [r.state for r in records if isinstance(r, StateRecord)]
    assert states == ["listening", "clipping", "listening"]


def test_times_come_from_the_audio_clock_and_follow_a_step() -> None:
    before, after = 1_700_000_000.0, 1_790_000_000.0  # NTP answers in the middle
    samples = noise(12.0)
    half = 6 * RATE
    records, _ = heard(stream(samples[:half], 0, before) + stream(samples[half:], half, after))
    assert [w.time for w in windows_in(records)] == [
        "2023-11-14T22:13:20.000Z",
        "2023-11-14T22:13:23.000Z",
        "2026-09-21T14:13:26.000Z",
        "2026-09-21T14:13:29.000Z",
    ]
    steps = [r.reason for r in records if isinstance(r, StateRecord) and "clock" in r.reason]
    assert steps == [f"the system clock stepped by {after - before:+.1f} s"]


@pytest.mark.parametrize(("limit", "count"), [({"windows": 2}, 2), ({"duration": 9.5}, 3)])
def test_limits_end_it(limit: dict, count: int) -> None:
    assert len(windows_in(heard(stream(noise(30.0)), **limit)[0])) == count


def test_what_is_shown_is_smoothed_and_what_was_heard_is_raw() -> None:
    window = windows_in(heard(stream(noise(3.0)), uncertain_below=1.0)[0])[0]
    shown = window.to_json()
    assert shown["label"] == "uncertain"
    assert shown["genre"] == max(window.scores, key=lambda label: window.scores[label])
    of_this_window = {key: shown[key] for key in ("genre", "confidence", "scores")}
    assert shown["smoothed"] == of_this_window, "one window is its own mean"
    assert list(shown) == [
        *("type", "file", "start", "end", "genre", "confidence", "scores"),
        *("time", "source", "level_dbfs", "state", "latency_ms", "label", "smoothed"),
    ]


DAY = """
import re, sys
import numpy as np
from genre_edge.settings.tables import EngineConfig, ListenConfig
from genre_edge.health import SourceHealth
from genre_edge.live.listener import Listener
from genre_edge.model.engine import Engine
from genre_edge.audio.source import Arrival, AudioBlock
from tests.helpers.blocks import BlockSource

minute = (0.1 * np.random.default_rng(0).standard_normal((60 * 22050, 1))).astype(np.float32)

def memory():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])

def day():
    for number in range(24 * 60):
        if number in (60, 24 * 60 - 1):
            print(number, memory(), flush=True)
        at = number * len(minute)
        end = (at + len(minute)) / 22050
        yield AudioBlock(minute, at, Arrival(end, 1.7e9 + end))

health = SourceHealth()
engine = Engine(EngineConfig("gtzan-two-block.int8"))
Listener(engine, ListenConfig(), lambda record: None, health).run(BlockSource(day(), 22050))
print(health.windows)
"""


@pytest.mark.slow
def test_a_day_of_audio_takes_no_more_memory_than_an_hour() -> None:
    result = subprocess.run(
        [sys.executable, "-c", DAY], capture_output=True, text=True, timeout=900, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
    hour, day, windows = (int(line.split()[-1]) for line in result.stdout.splitlines())
    print(f"after 1 h {hour} KB, after 24 h {day} KB")
    assert windows == 24 * 60 * 20
    assert day - hour < 5 * 1024


def test_loudness_is_of_the_last_3_s_and_of_no_sound_before_a_gap(demo_clip) -> None:
    samples = read_mono(demo_clip, RATE)
    after = 20 * RATE
    records, _ = heard(stream(samples) + stream(samples, after), hop=1.0, loudness=True)
    windows = windows_in(records)
    assert len(windows) == 20
    for window in windows:
        end = round(window.end * RATE) % after
        meter = ShortTermLoudness(RATE)
        meter.push(samples[:end])
        assert window.to_json()["loudness_lufs"] == pytest.approx(meter.value(), abs=0.051)


def test_windows_that_leave_sound_out_are_each_measured_alone(demo_clip) -> None:
    samples = read_mono(demo_clip, RATE)
    for window in windows_in(heard(stream(samples), hop=4.0, loudness=True)[0]):
        meter = ShortTermLoudness(RATE)
        meter.push(samples[round(window.start * RATE) : round(window.end * RATE)])
        assert window.sensed["loudness_lufs"] == pytest.approx(meter.value(), abs=0.051)


def test_sensors_that_are_off_add_nothing() -> None:
    (window,) = windows_in(heard(stream(noise(3.0)))[0])
    assert not window.sensed
    assert [*window.to_json()][-1] == "smoothed"
