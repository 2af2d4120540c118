"""When a rule sends a message: never too early, too often, at night or twice."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from genre_edge.health import SinkHealth
from genre_edge.records import Record, StateRecord
from genre_edge.settings.hours import weekly_hours
from genre_edge.sinks.notify.memory import Memory
from genre_edge.sinks.notify.message import Message
from genre_edge.sinks.notify.send import Outcome
from genre_edge.sinks.notify.settings import NotifyConfig
from genre_edge.sinks.notify.sink import NotifySink
from genre_edge.sinks.sink import StillWaiting
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.windows import live

NOON = datetime(2026, 3, 1, 12, 0)
"""A Sunday; what the clock on the wall shows when a test begins."""
NOWHERE = Path("/proc/self/none")
"""Nobody can write there."""
EAGER: dict[str, Any] = {"stay_seconds": 0.0, "cool_down_minutes": 0.0}


def rule(**options: Any) -> NotifyConfig:
    return NotifyConfig(urls=("json://127.0.0.1",), **options)


@dataclass
class Room:
    """A rule at work: the test says what is heard, and the clock goes with it."""

    config: NotifyConfig
    folder: Path | None = None
    begins: datetime = NOON
    seconds: float = 0.0
    sent: list[tuple[float, Message]] = field(default_factory=list)
    troubles: list[Outcome] = field(default_factory=list)
    """What becomes of the next messages; after that they are sent."""

    def __post_init__(self) -> None:
        self.health = SinkHealth("notify test")
        self.memory = Memory(
            (self.folder or NOWHERE) / "notify.json", lambda: self.seconds, self.utc
        )
        self.replace(self.config)

    def replace(self, config: NotifyConfig) -> None:
        """A reload: another sink, with what the program remembers."""
        self.config = config
        self.sink = NotifySink(
            config, self.health, self.memory, "hall", self.send, lambda: self.seconds, self.wall
        )

    def utc(self) -> float:
        return self.begins.timestamp() + self.seconds

    def wall(self) -> time.struct_time:
        return (self.begins + timedelta(seconds=self.seconds)).timetuple()

    def send(self, urls: Sequence[str], message: Message, timeout: float) -> list[Outcome]:
        if self.troubles:
            return [self.troubles.pop(0)]
        self.sent.append((self.seconds, message))
        return [Outcome(url) for url in urls]

    def write(self, record: Record) -> None:
        try:
            self.sink.write(record)
        except StillWaiting as error:
            self.health.failed(str(error), 0.0)

    def hear(self, *labels: str, source: str = "") -> None:
        """A window of 3 s for each label."""
        for label in labels:
            began = self.begins + timedelta(seconds=self.seconds)
            self.seconds += 3.0
            record = live(0, label, source)
            self.write(
                replace(
                    record,
                    start=self.seconds - 3,
                    end=self.seconds,
                    time=began.astimezone().isoformat(),
                )
            )

    def enter(self, state: str, source: str | None = None) -> None:
        moment = (self.begins + timedelta(seconds=self.seconds)).astimezone()
        self.write(StateRecord(moment.isoformat(), state, "gone", source))

    def wait(self, seconds: float) -> None:
        """Nothing is heard for a while."""
        end = self.seconds + seconds
        while self.seconds < end:
            self.seconds += 5.0
            try:
                self.sink.tend()
            except StillWaiting as error:
                self.health.failed(str(error), 0.0)

    @property
    def titles(self) -> list[str]:
        return [message.title for _, message in self.sent]


def test_a_label_that_stays_is_told_once() -> None:
    room = Room(rule(labels=("jazz",), stay_seconds=30.0))
    room.hear(*["jazz"] * 9)
    assert room.sent == []
    room.hear(*["jazz"] * 300)
    assert room.sent == [
        (30.0, Message("hall: jazz", "jazz since 12:00, 80 % sure [hall]")),
    ]


def test_it_is_told_again_when_it_comes_again() -> None:
    room = Room(rule(labels=("jazz",), **EAGER))
    room.hear("jazz", *["silence"] * 8, "jazz", "jazz")
    assert [at for at, _ in room.sent] == [3.0, 30.0]


def test_a_short_pause_does_not_end_a_stay() -> None:
    room = Room(rule(labels=("jazz",), stay_seconds=60.0, pause_seconds=20.0))
    room.hear(*["jazz"] * 10, *["silence"] * 5, "rock", *["jazz"] * 10)
    assert [at for at, _ in room.sent] == [60.0]
    strict = Room(rule(labels=("jazz",), stay_seconds=60.0, pause_seconds=0.0))
    strict.hear(*["jazz"] * 10, "silence", *["jazz"] * 10)
    assert strict.sent == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, ["hall: jazz", "hall: rock"]),
        ({"labels": ("rock", "pop")}, ["hall: rock"]),
        ({"labels": ("silence",)}, ["hall: silence"]),
        ({"states": ("lost",)}, ["hall: lost"]),
        ({"states": ("lost",), "labels": ("jazz",)}, ["hall: jazz", "hall: lost"]),
        ({"labels": ("jazz",), "source": "bar"}, []),
    ],
)
def test_what_a_rule_is_about(options: dict[str, Any], told: list[str]) -> None:
    room = Room(rule(**EAGER, **options))
    room.enter("listening")
    room.hear("jazz", "uncertain", "speech", "silence", "rock")
    room.enter("lost")
    room.wait(5.0)
    assert room.titles == told


def test_sources_are_told_apart() -> None:
    room = Room(rule(source="bar", **EAGER))
    room.hear("jazz", source="hall")
    room.hear("rock", source="bar")
    assert room.sent == [(6.0, Message("bar: rock", "rock since 12:00, 80 % sure [bar on hall]"))]
    both = Room(rule(**EAGER))
    both.hear("jazz", source="hall")
    both.hear("jazz", source="bar")
    assert both.titles == ["hall: jazz", "bar: jazz"]


def test_a_lost_microphone_is_told_though_nothing_more_is_heard() -> None:
    room = Room(rule(states=("lost",), stay_seconds=60.0))
    room.enter("listening")
    room.hear("jazz")
    room.enter("lost")
    room.wait(55.0)
    assert room.sent == []
    room.wait(600.0)
    assert room.sent == [(63.0, Message("hall: lost", "lost since 12:00 (1 min): gone [hall]"))]


def test_a_message_in_quiet_hours_waits_until_they_end_if_the_label_stays() -> None:
    room = Room(rule(labels=("jazz",), quiet_hours=("11:00-12:10",)))
    room.hear(*["jazz"] * 300)
    assert [at for at, _ in room.sent] == [600.0]
    gone = Room(rule(labels=("jazz",), quiet_hours=("11:00-12:10",)))
    gone.hear(*["jazz"] * 150, *["silence"] * 150)
    assert gone.sent == []


def test_once_a_day_goes_by_the_local_date() -> None:
    room = Room(rule(once_a_day=True, **EAGER), begins=datetime(2026, 3, 1, 23, 59))
    room.hear("jazz", "rock", *["silence"] * 20, "pop", "jazz")
    assert room.titles == ["hall: jazz", "hall: pop"]


def test_a_restart_forgets_neither_the_cool_down_nor_the_day(tmp_path: Path) -> None:
    options = {"stay_seconds": 0.0, "cool_down_minutes": 10.0}
    before = Room(rule(name="a", **options), tmp_path)
    before.hear("jazz")
    after = Room(rule(name="a", **options), tmp_path, begins=NOON + timedelta(minutes=5))
    after.hear("jazz")
    assert after.sent == []
    later = Room(rule(name="a", **options), tmp_path, begins=NOON + timedelta(minutes=11))
    later.hear("jazz")
    assert later.titles == ["hall: jazz"]
    daily = Room(
        rule(name="a", once_a_day=True, **EAGER), tmp_path, begins=NOON + timedelta(hours=5)
    )
    daily.hear("jazz")
    assert daily.sent == []


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '{"a": {"time": "x"}}', "\0"])
def test_a_damaged_memory_is_an_empty_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "notify.json").write_text(content)
    room = Room(rule(name="a", **EAGER), tmp_path)
    room.hear("jazz")
    assert room.titles == ["hall: jazz"]


def test_a_reload_goes_on_with_the_stay_and_tells_nothing_twice() -> None:
    room = Room(rule(name="a", labels=("jazz",), stay_seconds=30.0, cool_down_minutes=0.0))
    room.hear(*["jazz"] * 5)
    room.sink.close()
    room.replace(replace(room.config, template="now {label}, {minutes} min"))
    room.hear(*["jazz"] * 15)
    assert room.sent == [(30.0, Message("hall: jazz", "now jazz, 0 min"))]
    room.sink.close()
    room.replace(replace(room.config, template=""))
    room.hear(*["jazz"] * 10)
    assert len(room.sent) == 1


def test_a_new_rule_knows_how_long_the_label_has_lasted() -> None:
    room = Room(rule(name="a", labels=("rock",)))
    room.hear(*["jazz"] * 100)
    room.replace(rule(name="b", labels=("jazz",), stay_seconds=240.0))
    room.hear("jazz")
    assert room.sent == [
        (303.0, Message("hall: jazz", "jazz since 12:00 (5 min), 80 % sure [hall]"))
    ]


def test_what_a_rule_heard_long_ago_is_not_taken_for_now() -> None:
    room = Room(rule(name="a", labels=("rock",)))
    room.enter("lost")
    room.sink.close()
    room.seconds += 3600
    room.replace(rule(name="a", states=("lost",), **EAGER))
    room.wait(60.0)
    assert room.sent == []


# --- trouble


def test_a_server_that_is_away_is_tried_again_for_a_while() -> None:
    away = Outcome("json://127.0.0.1", "connection refused", is_final=False)
    room = Room(rule(**EAGER), troubles=[away] * 2)
    room.hear("jazz")
    assert room.health.trouble == "notify test: json: connection refused; it is tried again"
    room.wait(120.0)
    assert [at for at, _ in room.sent] == [93.0], "after 30 s, then after 60 s more"
    assert room.health.dropped == 0
    gone = Room(rule(**EAGER), troubles=[away] * 100)
    gone.hear("jazz")
    gone.wait(3600.0)
    assert gone.health.trouble == "notify test: json: connection refused; given up"
    assert (gone.health.dropped, gone.sink.held) == (1, 0)
    assert 100 - len(gone.troubles) < 8


def test_a_wrong_password_is_not_tried_again() -> None:
    wrong = Outcome("json://127.0.0.1", "HTTP 401", is_final=True)
    room = Room(rule(**EAGER), troubles=[wrong])
    room.hear("jazz")
    room.wait(3600.0)
    assert room.health.trouble == "notify test: json: HTTP 401; given up"
    assert (room.sent, room.health.dropped) == ([], 1)


def test_what_waits_is_not_sent_in_quiet_hours() -> None:
    away = Outcome("json://127.0.0.1", "connection refused", is_final=False)
    room = Room(rule(quiet_hours=("12:00-13:00",), **EAGER), begins=NOON - timedelta(seconds=20))
    room.troubles = [away]
    room.hear("jazz")
    room.wait(3600.0)
    assert (room.sent, room.health.dropped) == ([], 1)


def test_what_is_newer_takes_the_place_of_what_waits() -> None:
    away = Outcome("json://127.0.0.1", "connection refused", is_final=False)
    room = Room(rule(**EAGER), troubles=[away])
    room.hear("jazz", "rock")
    assert (room.titles, room.health.dropped) == (["hall: rock"], 1)


# --- whatever is heard

PIECES = st.lists(
    st.tuples(
        st.sampled_from(["jazz", "rock", "silence", "uncertain", "lost", "listening", ""]),
        st.integers(1, 120),
    ),
    max_size=25,
)
"""A label, a state or nothing, and for how many windows."""


@given(
    pieces=PIECES,
    begins=st.integers(0, 24 * 60 - 1),
    labels=st.sampled_from([(), ("jazz",), ("jazz", "silence")]),
    states=st.sampled_from([(), ("lost",)]),
    stay=st.sampled_from([0.0, 10.0, 60.0]),
    cool_down=st.sampled_from([0.0, 1.0, 7.0]),
    once_a_day=st.booleans(),
    quiet=st.sampled_from([(), ("22:00-07:00",), ("Sun 12:00-12:30", "Sun 23:30-01:00")]),
    reload=st.integers(0, 25),
)
def test_never_too_often_nor_in_quiet_hours_nor_twice(
    pieces: list[tuple[str, int]],
    begins: int,
    labels: tuple[str, ...],
    states: tuple[str, ...],
    stay: float,
    cool_down: float,
    once_a_day: bool,
    quiet: tuple[str, ...],
    reload: int,
) -> None:
    config = rule(
        name="a",
        labels=labels,
        states=states,
        stay_seconds=stay,
        cool_down_minutes=cool_down,
        once_a_day=once_a_day,
        quiet_hours=quiet,
        template="{label} {since}",
    )
    room = Room(config, begins=datetime(2026, 3, 1) + timedelta(minutes=begins))
    heard: list[tuple[str, float, float]] = []
    for number, (what, windows) in enumerate(pieces):
        if number == reload:
            room.sink.close()
            room.replace(replace(config, template="{label}  {since}"))
        start = room.seconds
        if what in ("lost", "listening"):
            room.enter(what)
            room.wait(3.0 * windows)
        elif what:
            room.hear(*[what] * windows)
        else:
            room.wait(3.0 * windows)
        heard.append((what, start, room.seconds))
    times = [at for at, _ in room.sent]
    moments = [room.begins + timedelta(seconds=at) for at in times]
    assert all(b - a >= 60 * cool_down for a, b in itertools.pairwise(times))
    assert not any(weekly_hours(quiet).contains(one.timetuple()) for one in moments)
    if once_a_day:
        assert len({one.date() for one in moments}) == len(moments)
    for at, message in room.sent:
        what = message.title.removeprefix("hall: ")
        assert what in (labels or (() if states else ("jazz", "rock"))) + states
        assert any(what == one and start <= at for one, start, _ in heard)
        assert at >= stay
    if not (stay or cool_down or once_a_day or quiet) and not labels and not states:
        music = {what for what, *_ in heard} & {"jazz", "rock"}
        assert {title.removeprefix("hall: ") for title in room.titles} == music
