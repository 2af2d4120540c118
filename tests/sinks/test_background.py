"""A sink behind a queue cannot stop anybody: not by being slow, nor by failing."""

from __future__ import annotations

import threading
import time

from genre_edge.health import Health, SinkHealth
from genre_edge.sinks import background
from genre_edge.sinks.background import BackgroundSink, Fanout
from genre_edge.sinks.sink import StillWaiting
from genre_edge.sinks.worker import Worker

from tests.helpers.waiting import wait_for
from tests.helpers.windows import window


class Kept:
    """A sink that keeps what it gets; each record takes `seconds`."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.got = seconds, []

    def write(self, record) -> None:
        time.sleep(self.seconds)
        self.got.append(record)

    def close(self) -> None:
        pass


class Stuck:
    """A sink that hangs until it is let go."""

    def __init__(self) -> None:
        self.is_stuck, self.free, self.got = threading.Event(), threading.Event(), []

    def write(self, record) -> None:
        self.is_stuck.set()
        assert self.free.wait(60)
        self.got.append(record)

    def close(self) -> None:
        pass


def test_one_slow_sink_delays_nobody() -> None:
    stuck, quick, health = Stuck(), Kept(), [SinkHealth("stuck"), SinkHealth("quick")]
    sinks = [BackgroundSink(stuck, health[0], most=5), BackgroundSink(quick, health[1])]
    for sink in sinks:
        sink.start()
    fanout = Fanout(sinks)
    fanout.write(window(0))
    assert stuck.is_stuck.wait(60)
    for k in range(1, 20):
        fanout.write(window(k))
    wait_for(lambda: health[1].written == 20, "all windows")
    assert quick.got == [window(k) for k in range(20)]
    assert not stuck.got, "all that happened while it was stuck"
    assert health[0].dropped == 14, "one is being written, five wait"
    stuck.free.set()
    fanout.close()
    assert [r.start for r in stuck.got] == [0.0, 45.0, 48.0, 51.0, 54.0, 57.0], "the newest stay"


def test_a_sink_that_does_not_finish_in_time_is_left_and_what_it_has_is_counted() -> None:
    stuck, health, said = Stuck(), SinkHealth("stuck"), []
    sink = BackgroundSink(stuck, health, said.append)
    sink.start()
    sink.write(window(0))
    assert stuck.is_stuck.wait(60)
    sink.write(window(1))
    sink.write(window(2))
    sink.close(within=0.01)
    assert not stuck.got
    assert health.dropped == 3, "two wait, one is being written"
    assert said == [health.trouble] == ["stuck: did not finish within 0.01 s"]
    sink.close(within=0.01)
    assert (health.dropped, health.failures) == (3, 1), "once"
    stuck.free.set()


class StuckAtTheEnd(Stuck):
    """A sink that keeps all it gets until it is closed, and hangs then."""

    held = 0

    def write(self, record) -> int:
        self.held += 1
        return 0

    def tend(self) -> int:
        return 0

    def close(self) -> None:
        super().write(None)


def test_what_a_sink_keeps_for_later_is_counted_if_it_does_not_finish() -> None:
    stuck, health = StuckAtTheEnd(), SinkHealth("stuck")
    sink = BackgroundSink(stuck, health)
    sink.start()
    for k in range(5):
        sink.write(window(k))
    closing = threading.Thread(target=sink.close, args=(5.0,))
    closing.start()
    assert stuck.is_stuck.wait(60)
    closing.join()
    assert (health.dropped, health.written) == (5, 0)
    stuck.free.set()


def test_files_wait_for_a_slow_sink_and_lose_nothing() -> None:
    slow, health = Kept(seconds=0.01), SinkHealth("slow")
    sink = BackgroundSink(slow, health, wait=True, most=3)
    sink.start()
    for k in range(40):
        sink.write(window(k))
    sink.close(within=60)
    assert slow.got == [window(k) for k in range(40)]
    assert health.dropped == 0


class Scripted:
    """A sink that does with each record what its number in `script` says: how many are
    delivered, or an exception."""

    def __init__(self, script: list, at_the_end: int | None = None) -> None:
        self._script, self._end = iter(script), at_the_end

    def write(self, record) -> int | None:
        step = next(self._script)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> int | None:
        return self._end


def after(script: list, at_the_end: int | None = None) -> tuple[SinkHealth, list[str]]:
    said: list[str] = []
    health = SinkHealth("scripted")
    sink = BackgroundSink(Scripted(script, at_the_end), health, said.append)
    sink.start()
    for k in range(len(script)):
        sink.write(window(k))
    sink.close()
    return health, said


def test_only_a_delivery_is_a_success() -> None:
    gone = StillWaiting("gone")
    health, said = after([1, gone, 0, 0, gone, 0], at_the_end=0)
    assert said == ["gone"], "records that needed no delivery prove nothing"
    assert (health.written, health.failures, health.dropped) == (1, 2, 0)
    health, said = after([gone, 0, 2, None])
    assert said == ["gone", "scripted: works again"]
    assert (health.written, health.failures, health.dropped) == (3, 1, 0)
    health, said = after([gone, 0], at_the_end=1)
    assert (health.written, said) == (1, ["gone", "scripted: works again"])


def test_what_an_error_lost_is_counted() -> None:
    health, _ = after([OSError("no"), 1, ValueError("no"), 0])
    assert (health.written, health.dropped) == (1, 2)


def test_a_thread_that_dies_is_told_shown_and_started_again(monkeypatch) -> None:
    monkeypatch.setattr("genre_edge.sinks.worker._FIRST_PAUSE", 0.2)
    health, said, got = SinkHealth("mortal"), [], []
    runs = 0

    def run() -> None:
        nonlocal runs
        runs += 1
        if runs <= 2:
            raise KeyError("of the program")
        while (record := worker.take()) is not None:
            got.append(record)

    worker = Worker(run, health, said.append, wait=False)
    worker.put(window(0))
    worker.start()
    wait_for(lambda: health.stopped, "its death")
    assert Health(sinks=[health]).stopped == "mortal: stopped by KeyError: 'of the program'"
    wait_for(lambda: got, "its work")
    assert not health.stopped
    worker.close(within=60)
    assert got == [window(0)]
    assert (health.failures, health.dropped, len(said)) == (2, 0, 2)
    assert "it is started again" in said[0]


def test_a_thread_that_cannot_live_stays_marked_and_its_queue_is_counted() -> None:
    health = SinkHealth("mortal")

    def run() -> None:
        raise KeyError

    worker = Worker(run, health, lambda line: None, wait=False)
    worker.start()
    worker.put(window(0))
    worker.close(within=60)
    assert health.stopped
    assert health.dropped == 1


def test_trouble_is_told_once_and_its_end_too() -> None:
    class Moody:
        count = 0

        def write(self, record) -> None:
            self.count += 1
            if 2 <= self.count <= 5:
                raise RuntimeError("no mood")

        def close(self) -> None:
            pass

    said: list[str] = []
    health = SinkHealth("moody")
    sink = BackgroundSink(Moody(), health, said.append)
    sink.start()
    for k in range(8):
        sink.write(window(k))
    sink.close()
    assert said == ["no mood", "moody: works again"]
    assert (health.written, health.failures, health.trouble) == (4, 4, "no mood")


class Holding(Kept):
    """A sink that keeps what it gets until it is tended."""

    held = 0

    def write(self, record) -> int:
        super().write(record)
        self.held += 1
        return 0

    def tend(self) -> int:
        delivered, self.held = self.held, 0
        return delivered


def test_what_a_sink_holds_is_delivered_while_nothing_comes(monkeypatch) -> None:
    monkeypatch.setattr(background, "_TEND_SECONDS", 0.01)
    health = SinkHealth("holding")
    sink = BackgroundSink(Holding(), health)
    sink.start()
    sink.write(window(0))
    wait_for(lambda: health.written == 1, "it is tended")
    sink.write(window(1))
    wait_for(lambda: health.written == 2, "again")
    sink.close()
    assert health.dropped == 0
