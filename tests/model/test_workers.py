"""Processes that work on many items: each may die, and none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from genre_edge.model.workers import Workers


def square_or_die(item: int) -> int:
    if item < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return item * item


def lost(item: int, how: str) -> str:
    return f"{item}: {how}"


def test_results_come_in_order_and_a_dead_process_costs_one_item() -> None:
    with closing(Workers(square_or_die, lost, 2)) as workers:
        found = list(workers.results([3, -1, 4, 5, -2, 6]))
    assert found == [9, "-1: signal 9", 16, 25, "-2: signal 9", 36]


def test_fewer_items_than_processes() -> None:
    with closing(Workers(square_or_die, lost, 3)) as workers:
        assert list(workers.results([2])) == [4]
        assert list(workers.results([])) == []


def test_no_process_outlives_a_program_that_is_killed() -> None:
    code = (
        "import time\n"
        "from genre_edge.model.workers import Workers\n"
        "workers = Workers(time.sleep, lambda item, how: None, 2)\n"
        "results = workers.results([0.0, 0.0, 600.0, 600.0])\n"
        "next(results), next(results)\n"  # they have started, and begin to sleep
        "print(*(worker._process.pid for worker in workers._workers), flush=True)\n"
        "next(results)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        pids = [int(pid) for pid in program.stdout.readline().split()]
        program.kill()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() and not is_zombie(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker outlives the program"
        time.sleep(0.01)
    assert len(pids) == 2


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
