"""The curve says how loud an example was over time, and keeps too little for audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genre_edge.cli import main
from genre_edge.model.frontend import Window
from genre_edge.settings.tables import EngineConfig
from genre_edge.teach.level_curve import LevelCurve, LevelMeter, curve_of
from genre_edge.teach.listening import RememberingEngine
from genre_edge.teach.store import Store, default_store

RATE = 8000


def square(seconds: float, amplitude: float) -> np.ndarray:
    """A square wave in two channels: its level is its amplitude."""
    signs = np.where(np.arange(round(seconds * RATE)) % 8 < 4, 1.0, -1.0)
    return np.repeat((amplitude * signs)[:, None], 2, axis=1).astype(np.float32)


@pytest.mark.parametrize("block", [1, 777, 20_000])
def test_levels_are_those_of_quarters_of_a_second_however_the_blocks_come(block: int) -> None:
    samples = np.concatenate([square(0.5, 1.0), square(0.25, 0.1), square(0.6, 0.0)])
    meter = LevelMeter(RATE)
    for at in range(0, len(samples), block):
        meter.push(samples[at : at + block])
    assert meter.curve() == LevelCurve(0.25, (0, 0, -20, -120, -120))


def test_a_long_example_has_no_more_levels_than_a_picture_needs() -> None:
    meter = LevelMeter(RATE)
    meter.push(square(60, 0.1))
    meter.push(square(60, 0.01))
    curve = meter.curve()
    assert curve == LevelCurve(1.0, (-20,) * 60 + (-40,) * 60)
    assert len(curve.packed()) == 120
    assert LevelCurve.unpacked(1.0, curve.packed()) == curve


def test_merged_steps_have_the_level_of_their_mean_power() -> None:
    curve = curve_of([1.0, 0.0] * 100, 0.25)
    assert (curve.seconds, len(curve.levels_dbfs), set(curve.levels_dbfs)) == (0.5, 100, {-3})


@pytest.mark.parametrize(
    ("hop", "windows", "expected"),
    [
        (0.05, 10, LevelCurve(0.25, (-20, -20))),
        (0.9, 2, LevelCurve(0.3, (-20,) * 6)),
        (10.0, 2, LevelCurve(0.25, (-20,) * 24)),
    ],
)
def test_what_is_heard_with_any_hop_has_no_level_of_less_than_a_quarter_of_a_second(
    hop: float, windows: int, expected: LevelCurve
) -> None:
    engine = RememberingEngine(EngineConfig("gtzan-two-block.int8", hop_seconds=hop))
    spec = engine.logmel.spec
    samples = np.resize(np.array([0.1, -0.1], np.float32), spec.window_samples)
    window = Window(0.0, spec.window_seconds, np.zeros(spec.shape, np.float32), samples)
    for _ in range(windows):
        engine.predict(window)
    curve = engine.last(60).curve
    assert curve.seconds == pytest.approx(expected.seconds)
    assert curve.levels_dbfs == expected.levels_dbfs


def test_samples_above_full_scale_are_at_full_scale() -> None:
    assert curve_of([4.0], 0.25).levels_dbfs == (0,)


def test_a_taught_file_has_its_curve(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_audio
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    loud, quiet = (np.random.default_rng(0).uniform(-a, a, 44_100 * 2) for a in (0.5, 0.05))
    song = write_audio("song.wav", np.concatenate([loud, quiet]).astype(np.float32), 44_100)
    assert main(["teach", "add", "noise", str(song), "--model", "gtzan-two-block.int8"]) == 0
    with Store(default_store()) as store:
        (curve,) = store.curves().values()
    assert curve == LevelCurve(0.25, (-11,) * 8 + (-31,) * 8)
