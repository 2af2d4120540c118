"""Faults put into the history: of its clock, its disk and its file."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

from genre_edge.health import SinkHealth
from genre_edge.sinks.history import HistoryConfig, HistorySink
from genre_edge.sinks.history_file import HistoryError

from benchmarks.fault_outcome import START, Outcome, few_files, live, windows_in


def _history(path: Path) -> tuple[HistorySink, SinkHealth, list[float]]:
    """A history on clocks that the caller moves: [wall, monotonic]."""
    clocks, health = [START, 0.0], SinkHealth("history")
    config = HistoryConfig(path, commit_seconds=30)
    sink = HistorySink(config, health, lambda: clocks[0], lambda: clocks[1], lambda: False)
    return sink, health, clocks


def clock_steps(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """the history trusts no clock | it steps by up to 400 days and follows no NTP"""
    found = Outcome()
    for number in range(tries):
        sink, health, clocks = _history(folder / f"{number}.db")
        for k in range(1000):
            if k % 100 == 50:
                clocks[0] = START + 86_400 * rng.uniform(-400, 400)
            sink.write(live(k, clocks[0]))
            clocks[0] += 3
            clocks[1] += 3
        sink.close()
        found.add(1000, windows_in(folder / f"{number}.db"), health.dropped)
    return found


def full_disk(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """rows wait while the disk is full | no page can be added for 10 minutes"""
    found = Outcome()
    for number in range(tries):
        sink, health, clocks = _history(folder / f"{number}.db")
        sink.write(live(0, clocks[0]))
        file = sink._file._file
        assert file is not None
        for k in range(1, 300):
            if k in (10, 210):
                file.execute(f"PRAGMA max_page_count={1 if k == 10 else 10**6}")
            clocks[0] += 3
            clocks[1] += 3
            try:
                sink.write(live(k, clocks[0], f"label {k}"))
            except HistoryError:
                continue
        sink.close()
        found.add(300, windows_in(folder / f"{number}.db"), health.dropped)
    return found


def history_removed(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """a history damaged in use goes on | its file is removed, emptied or overwritten"""
    found = Outcome()
    for number in range(tries):
        path = folder / f"{number}.db"
        sink, health, clocks = _history(path)
        for k in range(200):
            if k == 100:
                before = windows_in(path)
                if number % 3:
                    path.write_bytes(b"" if number % 3 == 1 else rng.randbytes(9000))
                else:
                    path.unlink()
            sink.write(live(k, clocks[0], f"label {k}"))
            clocks[0] += 3
            clocks[1] += 3
        sink.close()
        # What was in the file is gone with it; none that came later is.
        found.add(200 - before, min(200 - before, windows_in(path)), health.dropped)
    return found


def no_descriptors(folder: Path, tries: int, rng: random.Random) -> Outcome:
    """rows wait while no file can be opened | EMFILE at the first commit"""
    found = Outcome()
    for number in range(tries):
        sink, health, clocks = _history(folder / f"{number}.db")
        with few_files():
            for k in range(50):
                with suppress(HistoryError):
                    sink.write(live(k, clocks[0]))
                clocks[0] += 3
                clocks[1] += 3
        sink.close()
        found.add(50, windows_in(folder / f"{number}.db"), health.dropped)
    return found


HISTORY_FAULTS = (clock_steps, full_disk, history_removed, no_descriptors)
