"""Hours of the week go by the clock on the wall."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from genre_edge.errors import UsageError
from genre_edge.settings.hours import WeeklyHours, weekly_hours
from hypothesis import given, settings
from hypothesis import strategies as st

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""Central European time, without the need for a file of zones."""
Local = Callable[[str], time.struct_time]


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", BERLIN)
        time.tzset()
        yield
    time.tzset()


def wall(text: str) -> time.struct_time:
    """What the clock shows: "2026-03-02 07:00", a Monday."""
    return datetime.fromisoformat(text).timetuple()


@pytest.mark.parametrize(
    ("texts", "inside", "outside"),
    [
        (["07:00-22:00"], ["2026-03-02 07:00", "2026-03-08 21:59"], ["2026-03-02 06:59"]),
        (["07:00-22:00"], [], ["2026-03-02 22:00", "2026-03-02 00:00"]),
        (["Mon-Fri 07:00-22:00"], ["2026-03-06 12:00"], ["2026-03-07 12:00"]),
        (["Sat,Sun 9:00-23:00"], ["2026-03-07 09:00", "2026-03-08 22:00"], ["2026-03-06 10:00"]),
        (["sat, sun 09:00 - 23:00"], ["2026-03-07 09:00"], ["2026-03-06 10:00"]),
        (["22:00-07:00"], ["2026-03-02 23:00", "2026-03-03 06:59"], ["2026-03-03 07:00"]),
        (["Fri 22:00-02:00"], ["2026-03-07 01:59"], ["2026-03-08 01:00", "2026-03-06 01:00"]),
        (["Sun 22:00-07:00"], ["2026-03-09 06:00", "2026-03-08 23:00"], ["2026-03-08 06:00"]),
        (["Fri-Mon 12:00-13:00"], ["2026-03-09 12:00", "2026-03-08 12:30"], ["2026-03-03 12:00"]),
        (["00:00-24:00"], ["2026-03-02 00:00", "2026-03-08 23:59"], []),
        (["12:00-13:00", "Sun 15:00-16:00"], ["2026-03-08 15:30"], ["2026-03-07 15:30"]),
        (["Mon 07:00-08:00", "Sat", "Sun 09:00-10:00"], ["2026-03-07 09:00"], ["2026-03-02 09:00"]),
        ([], [], ["2026-03-02 12:00"]),
    ],
)
def test_periods(texts: list[str], inside: list[str], outside: list[str]) -> None:
    hours = weekly_hours(texts)
    assert all(hours.contains(wall(one)) for one in inside)
    assert not any(hours.contains(wall(one)) for one in outside)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("7-8", '7-8: must be like "07:00-22:00"'),
        ("07:00-22:00 Mon", "Mon: must be like"),
        ("\x1b[2J", r"'\x1b[2J': must be like"),
        ("Mo 07:00-22:00", "Mo 07:00-22:00: Mo is no day; days are Mon, Tue"),
        ("07:00-24:01", "hours go from 00:00 to 24:00"),
        ("24:00-07:00", "hours go from 00:00 to 24:00"),
        ("07:60-08:00", "hours go from 00:00 to 24:00"),
        ("07:00-07:00", "has no length; a whole day is 00:00-24:00"),
        ("Mon " * 1000, "more than 2000 letters"),
    ],
)
def test_what_is_no_period_is_named(text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        weekly_hours([text])
    assert says in str(error.value)
    assert "\n" not in str(error.value)


MINUTES = st.integers(0, 7 * 24 * 60 - 1)


@st.composite
def some_hours(draw: st.DrawFn) -> WeeklyHours:
    days = st.sampled_from(["", "Mon ", "Sat-Mon ", "Tue,Thu ", "Sun "])
    clock = st.tuples(st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
    texts = []
    for _ in range(draw(st.integers(0, 3))):
        (a, b), (c, d) = draw(clock), draw(clock)
        if (a, b) != (c, d):
            texts.append(f"{draw(days)}{a:02}:{b:02}-{c:02}:{d:02}")
    return weekly_hours(texts)


def at(minute: int) -> time.struct_time:
    return (datetime(2026, 3, 2) + timedelta(minutes=minute)).timetuple()


@settings(max_examples=40)
@given(some_hours(), MINUTES)
def test_the_next_change_is_the_first_minute_that_differs(hours: WeeklyHours, minute: int) -> None:
    now = hours.contains(at(minute))
    ahead = next((n for n in range(1, 10_081) if hours.contains(at(minute + n)) is not now), None)
    told = hours.next_change(at(minute))
    if ahead is None:
        assert told == ""
    else:
        form = "%H:%M" if ahead < 24 * 60 else "%a %H:%M"
        assert told == time.strftime(form, at(minute + ahead))


def test_an_hour_that_is_left_out_is_in_no_period(berlin: None) -> None:
    """On 29 March 2026 the clock goes from 02:00 to 03:00."""
    start = datetime(2026, 3, 29, 1, 59).timestamp()
    hours = weekly_hours(["02:00-03:00"])
    assert not any(hours.contains(time.localtime(start + 60 * n)) for n in range(120))
    late = weekly_hours(["02:30-05:00"])
    assert late.contains(time.localtime(start + 60)), "it is 03:00 already"


def test_an_hour_that_comes_twice_is_in_its_period_twice(berlin: None) -> None:
    """On 25 October 2026 the clock goes from 03:00 back to 02:00."""
    start = datetime(2026, 10, 25, 1, 0).timestamp()
    hours = weekly_hours(["02:00-03:00"])
    inside = [hours.contains(time.localtime(start + 600 * n)) for n in range(24)]
    assert inside == [False] * 6 + [True] * 12 + [False] * 6
