"""The first windows of a model that has just taken another's place: they decide whether
it stays.

It stays after WINDOWS windows with an answer, or after SECONDS where it is too quiet
for so many, unless by then

- it has failed on a window, or answered one with numbers that are not finite;
- it has not answered one for HANG_SECONDS;
- SLOW_WINDOWS of the windows took longer than the time between two of them;
- audio was dropped because the program was too slow, or the driver has lost some
  MOST_OVERFLOWS times: it does so once in a while on many machines;
- a place that records go to has stopped to work or lost some, and never had before. One
  that had is no sign of anything.
"""

from __future__ import annotations

import math
import threading
import time

from ..console import harmless
from ..errors import ModelError
from ..health import Health
from ..model.engine import Engine

WINDOWS = 10
"""Windows with an answer, of all sources together, after which a model stays."""
SECONDS = 60.0
"""Time after which it stays although it was asked about fewer, s."""
SLOW_WINDOWS = 3
"""Windows slower than real time that are too many."""
MOST_OVERFLOWS = 3
"""Overflows of the driver that are too many."""
HANG_SECONDS = 10.0
"""Time for one window after which it counts as one that hangs, s."""
_LOOK_SECONDS = 0.2
"""Time between two looks at the health, s."""
_MOST_QUOTED = 200
"""Letters of an interpreter's words that a message quotes."""


class ModelWatch:
    """Watches one model. Pipelines tell it of each window; one thread waits."""

    def __init__(self, engine: Engine, health: Health) -> None:
        """Begin, before the model hears anything.

        Parameters
        ----------
        engine : Engine
            The model.
        health : Health
            The program's; what was wrong with it before is not counted.
        """
        self.engine, self._health = engine, health
        self._hop = engine.logmel.hop_seconds
        self._dropped, self._overflows = health.dropped_seconds, health.overflows
        # By name: sinks that are made anew have new entries.
        self._ailing = {one.name for one in health.sinks if one.dropped or one.stopped}
        self._windows = self._slow = 0
        self.failure = ""
        """Why the model has failed on a window; empty while it has not."""
        self._asked: dict[int, float] = {}
        """When each thread began to wait for an answer, monotonic s."""
        self._news = threading.Event()

    def asked(self) -> None:
        """A window is about to be asked about, on this thread."""
        self._asked[threading.get_ident()] = time.monotonic()

    def answered(self, seconds: float) -> None:
        """A window took so many seconds. ModelError if its answer is no good."""
        self._asked.pop(threading.get_ident(), None)
        if self.engine.classifier.not_finite:
            raise ModelError("it answers with numbers that are not finite")
        self._windows += 1  # two sources that count at once: one window more is watched
        self._slow += seconds > self._hop
        self._news.set()

    def failed(self, error: Exception) -> None:
        """The model has failed on a window, or another part with it."""
        self._asked.pop(threading.get_ident(), None)
        self.failure = self.failure or _told(error)
        self._news.set()

    def wait(self, stop: threading.Event) -> str:
        """Wait until it is known whether the model stays: why not, or "". An empty
        answer is none where `stop` was set."""
        end, enough = time.monotonic() + SECONDS, math.inf
        while not (trouble := self._trouble()) and not stop.is_set():
            now = time.monotonic()
            if self._windows >= WINDOWS or now >= end:
                enough = min(enough, now)
            if self._oldest() > enough:  # what was asked by then has been answered
                break
            self._news.wait(_LOOK_SECONDS)
            self._news.clear()
        return trouble

    def _trouble(self) -> str:
        """What is wrong by now; empty if nothing is."""
        if self.failure:
            return self.failure
        if time.monotonic() - self._oldest() > HANG_SECONDS:
            return f"it has not answered a window for {HANG_SECONDS:g} s"
        if self._slow >= SLOW_WINDOWS:
            return (
                f"it is slower than real time: {self._slow} of {self._windows} windows took more "
                f"than {self._hop:g} s"
            )
        dropped = self._health.dropped_seconds - self._dropped
        overflows = self._health.overflows - self._overflows
        if dropped > 0 or overflows >= MOST_OVERFLOWS:
            return f"{dropped:.1f} s of audio dropped, {overflows} overflows of the driver"
        return self._sink_trouble()

    def _oldest(self) -> float:
        """When the oldest window was asked about that has no answer, monotonic s; else
        now."""
        return min([*self._asked.values(), time.monotonic()])

    def _sink_trouble(self) -> str:
        for entry in [one for one in self._health.sinks if one.name not in self._ailing]:
            if entry.stopped:
                return entry.stopped
            if entry.dropped:
                trouble = f" ({entry.trouble})" if entry.trouble else ""
                return f"{entry.name}: {entry.dropped} records lost{trouble}"
        return ""


def _told(error: Exception) -> str:
    if isinstance(error, ModelError):
        return str(error)
    words = harmless(" ".join(str(error).split()))[:_MOST_QUOTED]
    return f"it fails on a window ({words or type(error).__name__})"
