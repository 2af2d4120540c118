"""The first windows of a new model are judged: it stays, or the one before is back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from genre_edge.errors import GenreEdgeError, ModelError
from genre_edge.health import Health, SinkHealth, SourceHealth
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.engine import Engine
from genre_edge.records import GapRecord
from genre_edge.service import model_watch
from genre_edge.service.model_watch import MOST_OVERFLOWS, SLOW_WINDOWS, WINDOWS, ModelWatch
from genre_edge.settings.tables import EngineConfig

from tests.helpers.steady_program import NEW, OLD, RMS, TWO, Running, Steady
from tests.helpers.tiny_models import LOUD, SECONDS, tiny_model
from tests.helpers.waiting import wait_for

Trial = Callable[..., "Future[BundleInfo]"]


@pytest.fixture
def trial(steady, tmp_path: Path, monkeypatch):
    """Begin the trial of a model that listens by the time this returns."""
    pool = ThreadPoolExecutor(1)

    def begin(program: Running, windows: int = 10**9, **how) -> Future[BundleInfo]:
        monkeypatch.setattr(model_watch, "WINDOWS", windows)
        path = tiny_model(tmp_path / "new.tflite", NEW, **how)
        program.wait_for_windows(*OLD)
        found = pool.submit(program.program.try_model, path)
        program.wait_for_windows(*NEW)
        return found

    yield begin
    pool.shutdown(wait=False)


def gets_loud(monkeypatch) -> None:
    monkeypatch.setattr(Steady, "level", 2 * LOUD / RMS)


def assert_nothing_is_missing(program: Running) -> None:
    """Every source's windows follow each other; which model told them is all one."""
    assert not [one for one in program.records if isinstance(one, GapRecord)]
    for source in ("bar", "hall"):
        told = program.windows(*OLD, source=source) + program.windows(*NEW, source=source)
        starts = sorted(one.start for one in told)
        assert starts == [round(k * SECONDS, 3) for k in range(len(starts))]


def test_a_model_stays_after_its_first_windows(steady, trial) -> None:
    program = steady()
    assert trial(program, WINDOWS).result(60).labels == NEW
    assert program.program.model.endswith("new.tflite")
    program.wait_for_windows(*NEW)
    program.stop()
    assert_nothing_is_missing(program)


def test_in_a_quiet_room_it_stays_after_a_while(steady, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(model_watch, "SECONDS", 0.05)
    monkeypatch.setattr(Steady, "level", 0.0)
    program = steady()
    path = tiny_model(tmp_path / "new.tflite", NEW)
    assert program.program.try_model(path).labels == NEW


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("error", r"new\.tflite: it fails on a window \(gather index out of bounds"),
        ("nan", r"new\.tflite: it answers with numbers that are not finite"),
    ],
)
def test_one_that_fails_later_hands_the_window_back(
    steady,
    trial,
    monkeypatch,
    how: str,
    reason: str,
) -> None:
    program = steady(text=f"[web]\nenabled = true\nport = 0\n{TWO}")
    wait_for(lambda: program.program.port, "the page")
    found = trial(program, when_loud=how)
    gets_loud(monkeypatch)
    with pytest.raises(ModelError, match=reason):
        found.result(60)
    program.wait_for_windows(*OLD)
    assert program.program.model == program.old
    model = requests.get(f"http://127.0.0.1:{program.program.port}/api/model").json()
    assert model["labels"] == list(OLD)
    program.stop()
    assert_nothing_is_missing(program)


def test_one_whose_windows_would_leave_audio_out_is_not_tried(steady, tmp_path) -> None:
    program = steady(more="hop_seconds = 0.15\n")
    with pytest.raises(ModelError, match=r"its windows of 0\.1 s would leave audio out"):
        program.program.try_model(tiny_model(tmp_path / "new.tflite", NEW))


def test_lost_audio_ends_the_trial(steady, trial) -> None:
    program = steady()
    found = trial(program)
    program.program.health.sources[0].dropped_seconds += 1.5
    with pytest.raises(ModelError, match=r"1\.5 s of audio dropped"):
        found.result(60)
    program.wait_for_windows(*OLD)
    program.stop()
    assert_nothing_is_missing(program)


def test_one_trial_at_a_time_and_it_ends_with_the_program(steady, trial) -> None:
    program = steady()
    found = trial(program)
    with pytest.raises(GenreEdgeError, match="put in place or tried"):
        program.program.switch_model(program.old)
    program.stop()
    with pytest.raises(GenreEdgeError, match="the program ends") as raised:
        found.result(60)
    assert not isinstance(raised.value, ModelError), "the model is not at fault"


def test_after_its_trial_a_model_that_fails_ends_the_program(steady, trial, monkeypatch) -> None:
    """As the first one would: nothing is there in its place, and systemd starts it."""
    program = steady()
    trial(program, 1, when_loud="error").result(60)
    gets_loud(monkeypatch)
    program.join_with_error("out of bounds")


# --- what is judged


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Engine:
    path = tiny_model(tmp_path_factory.mktemp("watched") / "m.tflite", NEW)
    return Engine(EngineConfig(path))


def verdict(watch: ModelWatch) -> str:
    return watch.wait(threading.Event())


def test_a_slow_window_is_an_accident_and_several_are_not(engine) -> None:
    watch = ModelWatch(engine, Health())
    for number in range(WINDOWS):
        watch.answered(1.1 * SECONDS if number < SLOW_WINDOWS - 1 else 0.5 * SECONDS)
    assert verdict(watch) == ""
    watch.answered(1.1 * SECONDS)
    assert verdict(watch) == (
        f"it is slower than real time: {SLOW_WINDOWS} of {WINDOWS + 1} windows took more than "
        f"{SECONDS} s"
    )


def test_a_window_without_an_answer_is_waited_for_and_not_for_ever(engine, monkeypatch) -> None:
    watch, asked, go_on = ModelWatch(engine, Health()), threading.Event(), threading.Event()

    def hang() -> None:
        watch.asked()
        asked.set()
        go_on.wait(60)

    thread = threading.Thread(target=hang)
    thread.start()
    assert asked.wait(60)
    for _ in range(WINDOWS):  # of another source
        watch.asked()
        watch.answered(0.0)
    monkeypatch.setattr(model_watch, "HANG_SECONDS", 2 * SECONDS)
    assert verdict(watch) == "it has not answered a window for 0.2 s"
    go_on.set()
    thread.join()


def changed(health: Health, **values: object) -> Health:
    for name, value in values.items():
        setattr(health.sinks[0], name, value)
    return health


@pytest.mark.parametrize(
    ("before", "values", "reason"),
    [
        ({}, {"dropped": 2}, "webhook h: 2 records lost"),
        ({}, {"dropped": 7, "trouble": "HTTP 422"}, "webhook h: 7 records lost (HTTP 422)"),
        ({}, {"failures": 9}, ""),
        ({"dropped": 5}, {"dropped": 7}, ""),
        ({}, {"stopped": "webhook h: stopped by KeyError"}, "webhook h: stopped by KeyError"),
    ],
)
def test_an_output_counts_that_has_begun_to_fail(
    engine, before: dict, values: dict, reason: str
) -> None:
    health = Health(sinks=[SinkHealth("webhook h", **before)])
    watch = ModelWatch(engine, health)
    changed(health, **values)
    for _ in range(WINDOWS):
        watch.answered(0.0)
    assert verdict(watch) == reason


@pytest.mark.parametrize("overflows", [MOST_OVERFLOWS - 1, MOST_OVERFLOWS])
def test_a_driver_that_loses_audio_again_and_again_counts(engine, overflows: int) -> None:
    health = Health([SourceHealth(dropped_seconds=3.0, overflows=9)])
    watch = ModelWatch(engine, health)
    health.sources[0].overflows += overflows
    for _ in range(WINDOWS):
        watch.answered(0.0)
    told = f"0.0 s of audio dropped, {overflows} overflows of the driver"
    assert verdict(watch) == (told if overflows >= MOST_OVERFLOWS else "")


def test_sinks_that_are_made_for_the_model_begin_at_nothing(engine) -> None:
    health = Health(sinks=[SinkHealth("mqtt")])
    watch = ModelWatch(engine, health)
    health.sinks = [SinkHealth("mqtt", dropped=1)]
    assert verdict(watch) == "mqtt: 1 records lost"
