"""What begins and what is over in a fleet, by a clock of the test's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import pytest
from genre_edge.fleet.alert import Alert
from genre_edge.fleet.alert_rules import Limits, wrong_now
from genre_edge.fleet.alert_watch import Watch
from genre_edge.fleet.device_rows import DeviceRow
from hypothesis import given, settings
from hypothesis import strategies as st

BEGIN = 1_790_000_000.0
MINUTE = 60.0
DEFAULT = Limits()
LOOK = 10.0
"""Between two looks, s."""
Rows = Callable[[float], Sequence[DeviceRow] | None]
"""What the database says at a time, in minutes since the beginning."""


def row(name: str, minute: float, down: Iterable[tuple[float, float]] = (), **known) -> DeviceRow:
    """A device that says something every half minute, but for the times in `down`."""
    last = minute // 0.5 * 0.5
    for start, end in down:
        if start <= minute < end:
            last = start
    seen = BEGIN + last * MINUTE
    return DeviceRow(name, BEGIN - 1e6, seen, **{"online": True, "state": "listening"} | known)


def watched(rows: Rows, minutes: float, limits: Limits = DEFAULT, start: float = 0.0):
    """What is told: (minute, device, kind, whether it is over)."""
    return list(_watched(rows, minutes, Watch(limits), start))


def _watched(rows: Rows, minutes: float, watch: Watch, start: float = 0.0):
    looks = int((minutes - start) * MINUTE / LOOK)
    for minute in (start + k * LOOK / MINUTE for k in range(looks)):
        for one in watch.look(rows(minute), BEGIN + minute * MINUTE, "no answer"):
            yield round(minute), one.device, one.kind, one.is_over


def test_a_device_is_silent_after_its_time_and_over_when_it_is_steadily_there() -> None:
    down = [(5, 40)]
    rows = lambda minute: [row("bar", minute, down), row("shop", minute)]  # noqa: E731
    assert watched(rows, 60) == [(15, "bar", "silent", False), (45, "bar", "silent", True)]


@pytest.mark.parametrize(
    "down, told",
    [
        ([(k * 8, k * 8 + 7) for k in range(30)], []),
        ([(k * 16 + 1, k * 16 + 15) for k in range(30)], [(11, "bar", "silent", False)]),
        ([(10, 19), (20, 29)], []),
    ],
    ids=["never long enough", "one night of it is one alert", "twice"],
)
def test_a_flapping_connection_does_not_ring_all_night(down, told) -> None:
    rows = lambda minute: [row("bar", minute, down), row("shop", minute)]  # noqa: E731
    assert watched(rows, 240) == told


def test_a_device_that_said_goodbye_gets_as_long_as_one_that_is_lost() -> None:
    def rows(minute: float) -> list[DeviceRow]:
        is_off = 5 <= minute < 9 or 30 <= minute < 60
        down = [(5, 9), (30, 60)]
        return [row("bar", minute, down, online=not is_off), row("shop", minute)]

    assert watched(rows, 29) == [], "it was started again"
    assert watched(rows, 70) == [(40, "bar", "silent", False), (65, "bar", "silent", True)]
    (alert,) = wrong_now(rows(45), BEGIN + 45 * MINUTE, Limits())
    assert alert.text == "offline and not heard of for 10 min"


@pytest.mark.parametrize(
    "known, kind, text",
    [
        ({"state": "dead"}, "microphone", "microphone dead"),
        ({"state": "bar: listening, roof: lost"}, "microphone", "roof lost"),
        ({"clock_ahead": -61.0}, "clock", "clock 61 s behind"),
        ({"trouble": "mqtt: no answer"}, "trouble", "mqtt: no answer"),
    ],
)
def test_trouble_must_last_to_begin_and_to_be_over(known, kind, text) -> None:
    def rows(minute: float) -> list[DeviceRow]:
        is_wrong = 10 <= minute < 11 or 20 <= minute < 25 or 26 <= minute < 30
        return [row("bar", minute, **known if is_wrong else {})]

    assert watched(rows, 40) == [(22, "bar", kind, False), (32, "bar", kind, True)]
    assert [one.text for one in wrong_now(rows(10), BEGIN + 10 * MINUTE, Limits())] == [text]


@pytest.mark.parametrize(
    "known",
    [{"state": "paused"}, {"state": "starting"}, {"clock_ahead": 59.0}, {"trouble": ""}],
)
def test_what_is_no_trouble_is_not_told(known) -> None:
    assert watched(lambda minute: [row("bar", minute, **known)], 30) == []


def test_nothing_new_is_known_of_a_device_that_is_not_there() -> None:
    """The last that it said is that its microphone is dead, or that it works again."""

    def rows(minute: float) -> list[DeviceRow]:
        is_dead = (minute < 10) != (minute >= 29.5)
        gone = [(10, 20), (30, 60)]
        off = any(start <= minute < end for start, end in gone)
        state = "dead" if is_dead else "listening"
        return [row("bar", minute, gone, state=state, online=not off), row("shop", minute)]

    assert watched(rows, 60) == [
        (2, "bar", "microphone", False),
        (22, "bar", "microphone", True),
        (40, "bar", "silent", False),
    ]


def test_the_broker_s_word_that_a_device_is_gone_is_no_sign_of_life() -> None:
    def rows(minute: float) -> list[DeviceRow]:
        seen = row("bar", minute, [(1, 30), (33.5, 34.5), (34.5, 99)], online=minute < 34.5)
        return [seen, row("shop", minute)]

    assert watched(rows, 60) == [(11, "bar", "silent", False)]


def many(down: Callable[[int], tuple[float, float]]) -> Rows:
    return lambda minute: [row(f"pi-{k}", minute, [down(k)]) for k in range(40)]


def test_when_nothing_comes_from_anybody_that_is_one_alert() -> None:
    """And no more while they come back one after the other."""
    rows = many(lambda k: (5 - k / 80, 35 + k / 5))
    assert watched(rows, 80) == [(17, None, "collector", False), (37, None, "collector", True)]
    (alert,) = wrong_now(rows(20), BEGIN + 20 * MINUTE, Limits())
    assert alert.device is None
    assert "nothing has come from any device for 10 min" in alert.text


def test_who_does_not_come_back_is_silent_after_that() -> None:
    rows = many(lambda k: (5, 500 if k == 7 else 35))
    assert watched(rows, 80)[1:] == [(37, None, "collector", True), (45, "pi-7", "silent", False)]


def test_a_database_that_is_away_is_one_alert() -> None:
    def rows(minute: float) -> list[DeviceRow] | None:
        is_written = not 10 <= minute < 50
        if 10 <= minute < 40:
            return None
        return [row(f"pi-{k}", minute, [] if is_written else [(10, 50)]) for k in range(50)]

    told = watched(rows, 90)
    assert told == [
        (12, None, "database", False),
        (42, None, "database", True),
        (42, None, "collector", False),
        (52, None, "collector", True),
    ]


def test_one_of_two_collectors_that_is_gone_is_one_alert() -> None:
    limits = Limits(parts=2)

    def rows(minute: float) -> list[DeviceRow]:
        names = [f"pi-{k}" for k in range(30)]
        lost = (10, 40)
        rows = [row(one, minute, [lost] if limits.part_of(one) == 2 else []) for one in names]
        return [*rows, row("bar", minute, state="dead")]

    assert limits.part_of("bar") == 1
    assert watched(rows, 60, limits) == [
        (2, "bar", "microphone", False),
        (22, None, "collector-2of2", False),
        (42, None, "collector-2of2", True),
    ]


@pytest.mark.parametrize("jump", [-60, -11, 11, 60], ids=str)
def test_a_clock_that_is_set_is_no_alert(jump) -> None:
    """That of the machine with collector and database. Until something comes by the new
    clock, devices seem to be silent."""
    watch, told = Watch(Limits()), list[Alert]()
    for k in range(600):
        minute = k * LOOK / MINUTE
        now = minute + (jump if minute >= 30 else 0)
        seen = minute // 0.5 * 0.5
        seen += jump if seen >= 30 else 0
        rows = [DeviceRow(f"pi-{k}", BEGIN, BEGIN + seen * MINUTE) for k in range(20)]
        told += watch.look(rows, BEGIN + now * MINUTE)
    assert told == []


def test_after_a_power_cut_devices_have_time_to_come_back() -> None:
    """The first of them is there before it is looked for the first time."""
    rows = many(lambda k: (0, 60 + k / 30))
    assert watched(rows, 100, start=60) == []


def test_a_device_that_nobody_watches_any_more_is_over() -> None:
    rows = lambda minute: [row("bar", minute, state="dead"), row("pi", minute)]  # noqa: E731
    watch = Watch(Limits())
    assert list(_watched(rows, 5, watch)) == [(2, "bar", "microphone", False)]
    alone = lambda minute: rows(minute)[1:]  # noqa: E731
    assert list(_watched(alone, 10, watch, 5)) == [(5, "bar", "microphone", True)]
    assert watched(rows, 30, Limits(ignore=("b?r",))) == []
    assert watched(lambda minute: [], 30) == [], "a fleet without devices"


Spans = st.lists(st.integers(1, 60), max_size=8)
"""Lengths of times in turn up and down, in half minutes."""


@settings(max_examples=50)
@given(
    spans=st.lists(Spans, min_size=1, max_size=3),
    restarts=st.sets(st.integers(1, 400), max_size=4),
    hold=st.sampled_from([0.0, 120.0]),
)
def test_alerts_begin_and_end_in_turn_whatever_happens(spans, restarts, hold) -> None:
    """With restarts at any time, and in the end what is told is what is so."""
    limits = Limits(hold=hold)
    devices = {f"pi-{k}": _down(one) for k, one in enumerate(spans)}
    watch, told = Watch(limits), defaultdict[object, list[bool]](list)
    looks = max(sum(one) for one in spans) + 60  # nothing changes in the last half hour
    for k in range(looks):
        if k in restarts:
            watch = Watch(limits, watch.known.copy())
        rows = [row(name, k / 2, down) for name, down in devices.items()]
        for one in watch.look([*rows, row("sure", k / 2)], BEGIN + k / 2 * MINUTE):
            told[one.key].append(one.is_over)
    for key, states in told.items():
        assert states == [bool(k % 2) for k in range(len(states))], key
    is_down = {name for name, down in devices.items() if down and down[-1][1] > 1e6}
    assert {device for device, _ in watch.known.on} == is_down


def _down(lengths: Sequence[int]) -> list[tuple[float, float]]:
    """When a device is down, in minutes; in the last span for good, if it is then."""
    found, at = list[tuple[float, float]](), 0.0
    for k, length in enumerate(lengths):
        end = at + length / 2
        if k % 2:
            found.append((at, 1e9 if k == len(lengths) - 1 else end))
        at = end
    return found
