"""A sink behind a queue cannot stop anybody: not by being slow, nor by failing."""

from __future__ import annotations

import threading
import time

from genre_edge.health import SinkHealth
from genre_edge.sinks.background import BackgroundSink, Fanout

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


def test_a_sink_that_does_not_finish_in_time_is_left_and_its_queue_is_counted() -> None:
    stuck, health = Stuck(), SinkHealth("stuck")
    sink = BackgroundSink(stuck, health)
    sink.start()
    sink.write(window(0))
    assert stuck.is_stuck.wait(60)
    sink.write(window(1))
    sink.write(window(2))
    sink.close(within=0.01)
    assert not stuck.got
    assert health.dropped == 2
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
