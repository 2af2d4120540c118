"""A year of windows by a fast clock, through the audio clock, the history and the
spool, with steps of the clock, leap seconds, hours without a broker, and a reload every
hour.

Prints memory, file sizes and counts as the year goes by: they must be flat.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from genre_edge.audio.source import Arrival
from genre_edge.health import SinkHealth
from genre_edge.live.clock import AudioClock, iso8601
from genre_edge.records import LiveRecord
from genre_edge.sinks.history import HistoryConfig, HistorySink
from genre_edge.sinks.mqtt.spool import Spool

START, HOP, HOUR = 1_767_225_600.0, 3.0, 3600.0
LABELS = ("jazz", "rock", "classical", "silence")
RATE = 22_050
_PAYLOAD = bytes(400)
"""As long as the JSON of a window."""


class Year:
    """The parts, and the clocks that they see."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.steady, self.ahead = folder, 0.0, 0.0
        self.health = SinkHealth("history")
        self.history, self.spool = self._history(), Spool(folder / "spool", 2_000_000)
        self.clock = AudioClock(RATE)
        self.handed = self.delivered = self.dropped = self.steps = self.number = 0

    def _history(self) -> HistorySink:
        config = HistoryConfig(
            *(self.folder / "h.db", True, True),
            commit_seconds=600,  # 30 s would make a million commits of a year
            keep_days=30,
            most_megabytes=3,
        )
        clocks = (lambda: START + self.steady + self.ahead, lambda: self.steady)
        return HistorySink(config, self.health, *clocks, lambda: abs(self.ahead) < HOUR)

    def hour(self, number: int) -> None:
        """An hour of windows, and what happens in it."""
        if number % 97 == 50:
            self.ahead = (-1) ** number * 86_400.0 * (number % 500)  # a step, for an hour
        elif number % 97 == 51:
            self.ahead = -1.0 if number % 2 else 0.0  # a leap second
        is_away = number % 24 == 3  # the broker, each night
        if is_away:
            self.dropped += self.spool.park()
        for step in range(round(HOUR / HOP)):
            self._window(LABELS[step // 60 % len(LABELS)])
            if not is_away and step % 10 == 9:
                self._deliver()
        self.history.close()  # a reload
        self.history = self._history()

    def _window(self, label: str) -> None:
        self.steady += HOP
        position = round(self.steady * RATE)
        wall = START + self.steady + self.ahead
        self.steps += self.clock.observe(position, Arrival(self.steady, wall)) != 0
        when = iso8601(self.clock.utc(position - round(HOP * RATE)))
        begin = self.steady - HOP
        record = LiveRecord(
            *(begin, self.steady, label, 0.8, {label: 0.8}, when, "usb:1", -20.0),
            *("listening", 5.0, label, label, 0.8),
        )
        self.history.write(record)
        self.handed += 1
        self.dropped += self.spool.put("t", _PAYLOAD)

    def _deliver(self) -> None:
        while found := self.spool.after(0, 500):
            self.spool.remove([message.seq for message in found])
            self.delivered += len(found)

    def row(self, day: int) -> str:
        """What is measured, as a row of the table."""
        lines = Path("/proc/self/status").read_text().splitlines()
        memory = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        sizes = [
            sum(path.stat().st_size for path in self.folder.glob(f"{name}*")) / 1e6
            for name in ("h.db", "spool")
        ]
        with closing(sqlite3.connect(self.folder / "h.db")) as file:
            counts = [
                file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("stretches", "windows")
            ]
        return (
            f"| {day} | {memory / 1000:.1f} MB | {sizes[0]:.1f} MB | {sizes[1]:.1f} MB | "
            f"{counts[0]} | {counts[1]} | {self.handed} | {self.delivered} | {self.dropped} | "
            f"{self.health.dropped} | {self.steps} |"
        )


def main() -> int:
    """Print the table; the exit status is 1 if a window is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    args = parser.parse_args()
    began = time.process_time()
    print(
        "| day | memory | history | spool | stretches | windows | heard | delivered | "
        "spool dropped | history dropped | steps |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        year = Year(Path(name))
        for hour in range(args.days * 24):
            year.hour(hour)
            if hour % max(24, args.days * 2) == 23:
                print(year.row(hour // 24 + 1), flush=True)
        year._deliver()
        missing = year.handed - year.delivered - year.dropped
    print(f"{missing} windows missing; {time.process_time() - began:.0f} s of processor time")
    return 1 if missing or year.health.dropped else 0


if __name__ == "__main__":
    sys.exit(main())
