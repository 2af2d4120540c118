"""Another model in a listener: every sample is heard by the one or the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from genre_edge.audio.source import AudioBlock
from genre_edge.errors import GenreEdgeError
from genre_edge.health import SourceHealth
from genre_edge.live import gate as gate_module
from genre_edge.live.gate import Gate
from genre_edge.live.listener import Listener
from genre_edge.model.engine import Engine
from genre_edge.records import GapRecord, LiveRecord
from genre_edge.settings.tables import EngineConfig, ListenConfig
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests.conftest import noise
from tests.helpers.blocks import BlockSource, cut
from tests.helpers.tiny_models import LOUD, RATE, SECONDS, tiny_model
from tests.helpers.waiting import wait_for

SAMPLES = noise(1.7, RATE)
OLD, NEW = ("jazz", "rock"), ("blues", "metal", "pop")


@dataclass
class Models:
    """Engines by what they are; each file is made once."""

    folder: Path

    def __call__(self, labels: tuple[str, ...], hop: float | None = None, **how) -> Engine:
        name = "-".join(map(str, ("m", *labels, *how.values())))
        path = self.folder / f"{name}.tflite"
        if not path.exists():
            tiny_model(path, labels, **how)
        return Engine(EngineConfig(str(path), hop))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Models:
    return Models(tmp_path_factory.mktemp("models"))


def heard(
    old: Engine, blocks: list[AudioBlock], at: int, new: Engine, judge=None, **config
) -> list:
    """The records of a listener that changes its model before block `at`."""
    records: list = []
    gate = Gate()
    listener = Listener(
        old, ListenConfig(**config), records.append, SourceHealth(), gate=gate, judge=judge
    )

    def source() -> Iterator[AudioBlock]:
        for number, block in enumerate(blocks):
            if number == at:
                with gate.change():
                    listener.change(new)
            yield block

    listener.run(BlockSource(source(), old.sample_rate))
    return records


def windows(records: list) -> list[LiveRecord]:
    assert not [record for record in records if isinstance(record, GapRecord)]
    return [record for record in records if isinstance(record, LiveRecord)]


def alone(engine: Engine, samples: np.ndarray, rate: int = RATE) -> list[dict[str, float]]:
    """The scores of the windows of samples that one model hears."""
    return [engine.predict(one).scores for one in engine.stream(rate).push(samples[:, None])]


@effort(max_examples=40)
@given(
    at=st.integers(1, 100),
    size=st.integers(50, 3000),
    hop=st.sampled_from([None, 0.03, 0.0501, 0.1]),
    lengths=st.sampled_from([(SECONDS, SECONDS), (0.17, SECONDS), (SECONDS, 0.17)]),
)
def test_every_sample_is_heard_wherever_the_change_falls(models, at, size, hop, lengths) -> None:
    blocks = cut(SAMPLES, RATE, size=size)
    old, new = models(OLD, hop, seconds=lengths[0]), models(NEW, hop, seconds=lengths[1])
    found = windows(heard(old, blocks, at % len(blocks), new))
    before = [one for one in found if one.scores.keys() == set(OLD)]
    after = [one for one in found if one.scores.keys() == set(NEW)]
    assert found == before + after
    reach = 0.0
    for one in found:
        assert one.start <= reach + 0.001, "times in records are rounded to 1 ms"
        reach = max(reach, one.end)
    assert reach >= len(SAMPLES) / RATE - max(lengths)
    begin = round(len(before) * old.logmel.hop_seconds * RATE)
    assert [one.scores for one in before] == alone(old, SAMPLES)[: len(before)]
    assert [one.scores for one in after] == alone(new, SAMPLES[begin:])


def test_windows_of_both_models_follow_each_other(models) -> None:
    found = windows(heard(models(OLD), cut(SAMPLES, RATE), 5, models(NEW)))
    assert [one.start for one in found] == [round(k * SECONDS, 3) for k in range(17)]
    assert {tuple(one.scores) for one in found[:6]} == {OLD}, "6 windows end in the first 5 blocks"
    assert {tuple(one.scores) for one in found[6:]} == {NEW}


def test_times_stay_true(models) -> None:
    utc = 1_700_000_000.0
    blocks = cut(SAMPLES, RATE, utc=utc)
    plain, changed = models(OLD), models(NEW)
    expected = [one.time for one in windows(heard(plain, blocks, -1, plain))]
    assert [one.time for one in windows(heard(plain, blocks, 5, changed))] == expected


@pytest.mark.parametrize("rate", [4000, 11025])
def test_a_model_of_another_rate_hears_the_source_resampled(models, rate: int) -> None:
    found = windows(heard(models(OLD), cut(SAMPLES, RATE), 4, models(NEW, rate=rate)))
    assert [one.start for one in found] == [round(k * SECONDS, 3) for k in range(len(found))]
    after = [one.scores for one in found if one.scores.keys() == set(NEW)]
    assert after == alone(models(NEW, rate=rate), SAMPLES[5 * round(SECONDS * RATE) :])


def test_a_change_during_a_pause_counts_from_its_end(models) -> None:
    records: list = []
    listener = Listener(models(OLD), ListenConfig(), records.append, SourceHealth())
    listener.run(BlockSource(cut(SAMPLES[: RATE // 2], RATE), RATE))
    listener.change(models(NEW))
    late = 3 * RATE
    listener.run(BlockSource(cut(SAMPLES, RATE, late), RATE))
    found = windows(records)
    assert [tuple(one.scores) for one in found] == [OLD] * 5 + [NEW] * 17
    assert [one.start for one in found[5:]] == [round(3 + k * SECONDS, 3) for k in range(17)]


def test_smoothing_begins_anew(models) -> None:
    found = windows(heard(models(OLD), cut(SAMPLES, RATE), 4, models(NEW), smooth=50))
    first = found[5]
    assert first.smoothed_confidence == first.confidence
    assert first.smoothed_scores == first.scores


def test_sensors_measure_what_the_new_model_hears(models) -> None:
    blocks = cut(noise(4.0, RATE), RATE)
    found = windows(heard(models(OLD), blocks, 4, models(NEW, rate=4000), loudness=True))
    assert found[-1].sensed["loudness_lufs"] == pytest.approx(-20, abs=4)


# --- a model that fails


class Back:
    """A judge that puts another model in place of one that failed."""

    def __init__(self, change: Callable[[], None]) -> None:
        self.change = change
        self.errors: list[Exception] = []

    def asked(self, engine: Engine) -> None:
        """It is always asked."""

    def answered(self, engine: Engine, seconds: float) -> None:
        assert seconds > 0

    def rescued(self, engine: Engine, error: Exception) -> bool:
        self.errors.append(error)
        self.change()
        return True


@effort(max_examples=20)
@given(size=st.integers(50, 6000))
def test_a_window_that_the_model_fails_on_is_heard_by_the_one_in_its_place(models, size) -> None:
    samples = SAMPLES.copy()
    samples[round(1.02 * RATE) :] *= 2 * LOUD / 0.1
    records: list = []
    bad, good, gate = models(NEW, when_loud="error"), models(OLD), Gate()

    def change() -> None:
        with gate.change():
            listener.change(good)

    judge = Back(change)
    listener = Listener(bad, ListenConfig(), records.append, SourceHealth(), gate=gate, judge=judge)
    listener.run(BlockSource(cut(samples, RATE, size=size), RATE))
    found = windows(records)
    assert [one.start for one in found] == [round(k * SECONDS, 3) for k in range(17)]
    assert [tuple(one.scores) for one in found] == [NEW] * 10 + [OLD] * 7
    assert [one.scores for one in found[10:]] == alone(good, samples)[10:]
    (error,) = judge.errors
    assert "out of bounds" in str(error)


def test_without_another_model_the_failure_ends_the_listener(models) -> None:
    loud = 2 * LOUD / 0.1 * SAMPLES
    listener = Listener(
        models(NEW, when_loud="error"), ListenConfig(), lambda record: None, SourceHealth()
    )
    with pytest.raises(RuntimeError, match="out of bounds"):
        listener.run(BlockSource(cut(loud, RATE), RATE))


# --- the gate


def test_a_change_comes_before_windows_that_never_rest() -> None:
    gate, stop = Gate(), threading.Event()
    inside: list[int] = []

    def restless() -> None:
        while not stop.is_set():
            with gate.window():
                inside.append(1)
                inside.pop()

    threads = [threading.Thread(target=restless) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            with gate.change():
                assert not inside
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_window_that_hangs_is_not_waited_for_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(gate_module, "_PATIENCE_SECONDS", 0.01)
    gate, go_on, entered = Gate(), threading.Event(), threading.Event()

    def hang() -> None:
        with gate.window():
            entered.set()
            go_on.wait(60)

    thread = threading.Thread(target=hang)
    thread.start()
    wait_for(entered.is_set, "the window")
    with pytest.raises(GenreEdgeError, match="hangs"), gate.change():
        raise AssertionError("never reached")
    with gate.window():
        pass  # others go on
    go_on.set()
    thread.join()
    with gate.change():
        pass
