"""What a model costs: time for a window, load time, memory.

Models are timed in turns, so that a processor that becomes slower or faster in between
is as unfair to one as to another.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..errors import GenreEdgeError
from ..python_child import python_child

WARM_ROUNDS = 5
"""Rounds that are done first and not counted."""


def interleaved(arms: Mapping[str, Callable[[int], object]], rounds: int) -> dict[str, list[float]]:
    """Time functions in turns: A B C, B C A, C A B, ...

    Each round begins with another function, so that none always follows the same one.

    Parameters
    ----------
    arms
        The functions by name. Each is called with the number of the round.
    rounds
        How often each is timed.

    Returns
    -------
    dict
        For each name the time of every round, s.
    """
    names = list(arms)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-WARM_ROUNDS, rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            start = time.perf_counter()
            arms[name](number)
            spent = time.perf_counter() - start
            if number >= 0:
                taken[name].append(spent)
    return taken


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Median, quartiles, 95th and 99th percentile of times in seconds, as ms."""
    low, median, high, p95, p99 = np.percentile(np.array(seconds) * 1e3, [25, 50, 75, 95, 99])
    return {
        "median": round(float(median), 4),
        "p25": round(float(low), 4),
        "p75": round(float(high), 4),
        "p95": round(float(p95), 4),
        "p99": round(float(p99), 4),
    }


def alone(model: str, runtime: str | None, threads: int) -> dict[str, float]:
    """Load time and peak memory of a model, measured in a process of its own.

    Parameters
    ----------
    model
        The bundle.
    runtime
        The interpreter; None takes the first that is installed.
    threads
        Interpreter threads.

    Returns
    -------
    dict
        `load_ms` and `peak_mb`.

    Raises
    ------
    GenreEdgeError
        The process failed.
    """
    command = python_child("genre_edge.bench.alone", model, runtime or "", str(threads))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GenreEdgeError(f"{model}: {(done.stderr.strip().splitlines() or ['died'])[-1]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found
