"""A kind of sink: its settings, its flags, and how a running sink is made from them.

A new kind is one file beside this one and a line in `kinds`. The file holds the options
as a dataclass, the class that writes records, and a `SinkKind` named KIND.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from ..settings.section import Options, Section
from ..settings.settings import Table
from .background import BackgroundSink
from .sink import BoundedSink, Sink

if TYPE_CHECKING:
    from ..health import Health, SinkHealth
    from ..listening_switch import ListeningSwitch
    from ..update_board import UpdateBoard


def _no_check(args: argparse.Namespace, options: object) -> None:
    """Most flags make sense whatever the configuration file says."""


@dataclass(frozen=True)
class SinkContext:
    """What a sink may want to know of the program that it runs in."""

    entry: SinkHealth
    """Its own counters."""
    health: Health
    """The program's state and counters, and its sources."""
    labels: Sequence[str]
    """The model's labels."""
    model: str
    """The model's name."""
    report: Callable[[str], None]
    """Takes a line for the user when the sink begins to fail and when it works
    again."""
    wait: bool
    """True for files: `write` waits where the sink is slow. False for live audio: the
    oldest records are dropped."""
    window_seconds: float = 3.0
    """Time between two windows, or the length of one where that is longer, s."""
    sensors: Sequence[str] = ()
    """What is measured besides the genre: names of SENSORS."""
    page: str = ""
    """Address at which the page is served; empty if it is not, or not known."""
    switch: ListeningSwitch | None = None
    """Whether people let the program listen; None for files."""
    updates: UpdateBoard | None = None
    """What is known of updates; None where there are none."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What sinks of a kind keep for those that a reload makes after them."""

    def in_background(self, sink: Sink) -> BackgroundSink:
        """A sink behind a queue and a thread of its own."""
        return BackgroundSink(sink, self.entry, self.report, wait=self.wait)


@dataclass(frozen=True)
class PlannedSink:
    """A sink that the settings ask for. Two that are equal are the same sink."""

    name: str
    """What users call it, in the health report too: "webhook example.org"."""
    made_from: object
    """Everything that it is made from, secrets included."""
    make: Callable[[SinkContext], BoundedSink] = field(compare=False)
    """Makes it, not yet started. UsageError if it cannot be made."""
    tells_sensors: bool = False
    """Whether it is made anew when other sensors are on."""
    tells_model: bool = False
    """Whether it is made anew when another model listens: it tells of the labels."""


@dataclass(frozen=True)
class SinkKind(Generic[Options]):
    """All that the program knows of one kind of sink."""

    section: Section[Options]
    """Its table of the settings."""
    add_flags: Callable[[Any], None]
    """Declares its flags in an argparse group."""
    read_flags: Callable[[argparse.Namespace], Table | Sequence[Table]]
    """What those flags set: {key: value}, or a list of such tables if the section
    repeats. Empty if no flag was given. UsageError."""
    plan: Callable[[Options], PlannedSink | None]
    """The sink that one table asks for; None if it asks for none. UsageError."""
    check_flags: Callable[[argparse.Namespace, tuple[Options, ...]], None] = _no_check
    """Raises UsageError if its flags make no sense with the options in force, one for
    each of its tables."""
