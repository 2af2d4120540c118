"""What a model costs: functions timed in turns, and what is known of the machine."""

from __future__ import annotations

import time
from functools import partial

from genre_edge.bench.board import parse_throttled
from genre_edge.bench.cost import interleaved, milliseconds


def test_arms_take_turns() -> None:
    order: list[str] = []
    arms = {name: lambda _, name=name: order.append(name) for name in "abc"}
    taken = interleaved(arms, 6)
    assert all(len(seconds) == 6 for seconds in taken.values())
    rounds = ["".join(order[i : i + 3]) for i in range(0, len(order), 3)]
    assert all(sorted(r) == ["a", "b", "c"] for r in rounds)
    assert len(set(rounds)) == 3, "each goes first in turn"


def test_each_arm_is_charged_its_own_time(monkeypatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def spend(seconds: float, number: int) -> None:
        clock[0] += seconds * (number >= 0 or 100)  # the first rounds are slow

    arms = {name: partial(spend, seconds) for name, seconds in (("a", 0.25), ("b", 2.0))}
    assert interleaved(arms, 3) == {"a": [0.25] * 3, "b": [2.0] * 3}


def test_times_are_summed_up_in_milliseconds() -> None:
    assert milliseconds([k / 1000 for k in range(101)]) == {
        "median": 50.0,
        "p25": 25.0,
        "p75": 75.0,
        "p95": 95.0,
        "p99": 99.0,
    }


def test_throttling_is_told_in_words() -> None:
    assert parse_throttled("throttled=0x0\n") == []
    assert parse_throttled("throttled=0x50005\n") == ["under-voltage", "throttled"]
    assert parse_throttled("throttled=0x20000\n") == ["frequency capped earlier"]
    assert parse_throttled("error=1 error_msg") is None
