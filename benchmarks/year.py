"""A year of windows by a fast clock: the real listener, the outputs of a running
program with the history and the spool, and a reload every hour.

The clock steps, has leap seconds and a change to winter time and back. The microphone
loses audio each day, and the broker is away for an hour each night. Prints memory, file
sizes and counts as the year goes by: they must be flat. Ctrl-C ends the year early,
with its sums.

Only arithmetic is left out. Audio has 4 samples a second, and a table stands for the
front-end and the network. Messages that leave the spool are counted, not sent.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from genre_edge.audio.source import Arrival, AudioBlock
from genre_edge.errors import UsageError
from genre_edge.health import Health, SinkHealth
from genre_edge.live import listener
from genre_edge.records import Record, StateRecord
from genre_edge.service.outputs import Outputs
from genre_edge.settings.settings import Settings
from genre_edge.settings.tables import ListenConfig
from genre_edge.sinks import history, kinds
from genre_edge.sinks.history import HistoryConfig, HistorySink
from genre_edge.sinks.history_report import summarise
from genre_edge.sinks.kind import PlannedSink, SinkContext, SinkKind
from genre_edge.sinks.mqtt import settings as mqtt

from benchmarks.year_parts import HOP, LABELS, LEVELS, RATE, Arithmetic, SpoolSink

START = 1_792_800_000.0
"""2026-10-24 00:00 UTC, a day before summer time ends."""
LEAP_SECONDS = (1656, 6000)
"""Hours that begin with one: after the last of December, and of June."""
CALENDAR = {48: ("2026-10-25", 25), 3744: ("2027-03-28", 23)}
"""Hours after a day that was shorter or longer: that day, and how many hours it had."""
HOUR, GAP = 3600.0, 9.0


class Year:
    """The program, and the clocks that it sees."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.steady, self.ahead, self.leaps = folder, 0.0, 0.0, 0.0
        self.is_away = self.is_over = False
        self.last_start = -1.0
        self.reloads = self.refused = self.steps = 0
        self.told: list[str] = []
        self.days: list[str] = []
        self.entries: dict[str, list[SinkHealth]] = {"history": [], "mqtt": []}
        self.health = Health()
        kinds.KINDS = (
            SinkKind(history.SECTION, _no_flags, _reads_none, self._plan_history),
            SinkKind(mqtt.SECTION, _no_flags, _reads_none, self._plan_spool),
        )
        frontend = SimpleNamespace(window_seconds=3.0)
        info = cast(Any, SimpleNamespace(labels=LABELS, name="none", frontend=frontend))
        self.outputs = Outputs(self._settings(0), self.health, info, False, self.told.append)
        clocks = SimpleNamespace(monotonic=self.monotonic, time=self.time)
        vars(listener)["time"] = clocks
        engine = cast(Any, Arithmetic())
        self.listener = listener.Listener(
            engine, ListenConfig(), self._emit, self.health.sources[0]
        )

    def monotonic(self) -> float:
        """The clock that does not step, s."""
        return self.steady

    def time(self) -> float:
        """The wall's clock, s since 1970."""
        return START + self.steady + self.ahead + self.leaps

    def _settings(self, number: int) -> Settings:
        """As the file says after so many changes."""
        kept = HistoryConfig(
            *(self.folder / "h.db", True, True),
            commit_seconds=600 + number % 2,  # 30 s would make a million commits of a year
            keep_days=30,
            most_megabytes=3,
        )
        broker = mqtt.MqttOptions("mqtt://nowhere", name=f"name-{number % 4 // 2}")
        return Settings({"history": (kept,), "mqtt": (broker,)})

    def _plan_history(self, config: HistoryConfig) -> PlannedSink:
        def make(context: SinkContext) -> Any:
            self.entries["history"].append(context.entry)
            clocks = (self.time, self.monotonic, lambda: abs(self.ahead) < HOUR)
            return context.in_background(
                HistorySink(config, context.entry, *clocks, context.report)
            )

        return PlannedSink("history", config, make)

    def _plan_spool(self, options: mqtt.MqttOptions) -> PlannedSink:
        def make(context: SinkContext) -> Any:
            if options.name == "wrong":
                raise UsageError("mqtt: wrong")
            self.entries["mqtt"].append(context.entry)
            return context.in_background(SpoolSink(self, context.entry))

        return PlannedSink("mqtt", options, make)

    def _emit(self, record: Record) -> None:
        self.steps += isinstance(record, StateRecord) and "stepped" in record.reason
        self.outputs.write(record)

    sample_rate, channels, name = RATE, 1, "usb:1"

    def blocks(self) -> Iterator[AudioBlock]:
        """The year as a Source: `hours` of windows, as fast as they are taken."""
        for number in range(self.hours):
            if self.is_over:
                break
            self._begin(number)
            for step in range(round(HOUR / HOP)):
                if number % 24 == 12 and step == 600:
                    self.steady += GAP
                self.steady += HOP
                level = LEVELS[step // 60 % len(LEVELS)]
                samples = np.full((round(HOP * RATE), 1), level, np.float32)
                samples[1::2] *= -1
                arrived = Arrival(self.steady, self.time())
                yield AudioBlock(samples, round((self.steady - HOP) * RATE), arrived)
                if step == 20:
                    self._settle()
            is_last = self.is_over or number == self.hours - 1
            if is_last or number % max(24, self.hours // 15 // 24 * 24) == 23:
                self._settle()
                print(self.row(number // 24 + 1), flush=True)

    def close(self) -> None:
        """Nothing to release."""

    def listen(self, hours: int) -> None:
        """Hear it all."""
        self.hours = hours
        self.listener.run(self)
        self.is_over = True
        self.outputs.close()

    def end(self, *_: object) -> None:
        """End with this hour."""
        self.is_over = True

    def _begin(self, number: int) -> None:
        """What happens with the hour."""
        self.leaps -= number in LEAP_SECONDS  # the clock tells the last second twice
        self.ahead = (-1) ** number * 86_400.0 * (number % 500) if number % 101 == 10 else 0.0
        self.is_away = number % 24 == 3
        if number in CALENDAR:
            self._check_calendar(*CALENDAR[number])
        if number % 7 == 5:
            wrong = self._settings(number)
            tables = {**wrong.tables, "mqtt": (mqtt.MqttOptions("mqtt://nowhere", name="wrong"),)}
            try:
                self.outputs.replace(Settings(tables))
            except UsageError:
                self.refused += 1
                self.entries["history"].pop()  # it was made, and never used
        self.outputs.replace(self._settings(number))
        self.reloads += 1

    def _settle(self) -> None:
        """Let outputs that were replaced finish, before an hour of windows comes within
        a moment; add up what they counted."""
        for thread in list(self.outputs._leaving.values()):
            thread.join()
        for entries in self.entries.values():
            while len(entries) > 2:
                first = entries.pop(0)
                entries[0].written += first.written
                entries[0].dropped += first.dropped

    def _check_calendar(self, day: str, hours: int) -> None:
        """The history's day has the hours that it had on the wall."""
        rows = summarise(self.folder / "h.db", self.time() - 30 * HOUR, "day")
        heard = sum(row.seconds for row in rows if row.when == day)
        # What is heard now is not yet committed; a step takes effect at a window's end.
        assert abs(heard - (hours * HOUR - GAP)) < 2 * HOP, f"{day}: {heard:.0f} s"
        self.days.append(f"{day} has {hours} hours in the history")

    def count(self, sink: str, of: str) -> int:
        """Written or dropped, in all."""
        return sum(getattr(entry, of) for entry in self.entries[sink])

    def row(self, day: int) -> str:
        """What is measured, as a row of the table."""
        lines = Path("/proc/self/status").read_text().splitlines()
        memory = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        sizes = [
            f"{sum(path.stat().st_size for path in self.folder.glob(f'{name}*')) / 1e6:.1f} MB"
            for name in ("h.db", "spool")
        ]
        with closing(sqlite3.connect(self.folder / "h.db")) as file:
            counts = [
                file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("stretches", "windows")
            ]
        heard, files = self.health.windows, len(os.listdir("/proc/self/fd"))
        dropped = self.count("mqtt", "dropped") + self.count("history", "dropped")
        shown = (*sizes, files, *counts, heard, self.count("mqtt", "written"), dropped)
        shown += (self.health.gaps, self.steps, self.reloads, self.refused)
        return f"| {day} | {memory / 1000:.1f} MB | " + " | ".join(map(str, shown)) + " |"


def _no_flags(group: object) -> None:
    """There is no command line."""


def _reads_none(args: object) -> dict[str, Any]:
    return {}


def main() -> int:
    """Print the table; the exit status is 1 if a window is missing anywhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    args = parser.parse_args()
    began = time.process_time()
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    print(
        "| day | memory | history | spool | open files | stretches | windows | heard | "
        "delivered | dropped | gaps | steps | reloads | refused |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        year = Year(Path(name))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, year.end)
        year.listen(args.days * 24)
    heard = year.health.windows
    delivered, kept = year.count("mqtt", "written"), year.count("history", "written")
    missing = 2 * heard - delivered - kept
    print(f"{heard} windows heard, {delivered} delivered, {kept} in the history", end="; ")
    print(f"{missing} windows missing; {time.process_time() - began:.0f} s of processor time")
    for line in (*year.days, *set(year.told)):
        print(line)
    return 1 if missing or year.told else 0


if __name__ == "__main__":
    sys.exit(main())
