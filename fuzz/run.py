"""Running targets in processes that may die, hang or grow."""

from __future__ import annotations

import logging
import os
import random
import re
import resource
import signal
import tempfile
import time
import traceback
import warnings
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from genre_edge.model.workers import Workers

from .target import Target

_MOST_SECONDS = 20
"""An input that takes longer is a hang, s."""
_MOST_MEMORY = 4 << 30
"""Address space of a process, bytes."""
_ROUND = 20
"""Batches that each process is given between two looks at the clock."""


@dataclass(frozen=True)
class Outcome:
    """What came of one batch of inputs."""

    first: int
    """Number of its first input."""
    wrong: tuple[tuple[int, str], ...]
    """Number of each input that failed, and how."""
    kilobytes: int = 0
    """Memory of the process then."""


@dataclass
class Report:
    """What came of one target."""

    name: str
    """The target."""
    tried: int = 0
    """Inputs."""
    seconds: float = 0.0
    """Time that it took."""
    wrong: list[tuple[int, str]] = field(default_factory=list)
    """Number of each input that failed, and how."""
    growth: int = 0
    """By how much a process grew in the second half, KB."""


def _attempt(target: Target, batch: int, folder: Path, first: int) -> Outcome:
    """Try a batch of inputs, in a process that may die of one."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    logging.disable()
    warnings.simplefilter("ignore")
    wrong = []
    own = folder / f"process-{os.getpid()}"
    own.mkdir(exist_ok=True)
    if target.prepare is not None:
        target.prepare(own)
    for number in range(first, first + batch):
        signal.alarm(_MOST_SECONDS)  # its default is to end the process
        try:
            target.attempt(random.Random(f"{target.name} {number}"), own)
        except BaseException as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            wrong.append((number, f"{error!r:.300} at {where}"))
        signal.alarm(0)
    return Outcome(first, tuple(wrong), _memory())


def _memory() -> int:
    """Resident memory of this process, KB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def _lost(first: int, how: str) -> Outcome:
    """The outcome of a batch that ended its process."""
    return Outcome(first, ((first, f"the process died here or after ({how}); 14 is a hang"),))


def fuzz(target: Target, first: int, most: int, seconds: float, jobs: int) -> Report:
    """Try inputs until there were enough, or the time is over.

    Parameters
    ----------
    target
        What is tried.
    first
        Number of the first input.
    most
        How many are tried at most.
    seconds
        Time after which no further ones are begun, s.
    jobs
        Processes at once.
    """
    report, sizes, start = Report(target.name), list[int](), time.monotonic()
    batch = min(target.batch, most)
    memory = Path("/dev/shm")
    room = str(memory) if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=room) as name:
        work = partial(_attempt, target, batch, Path(name))
        with closing(Workers(work, _lost, jobs)) as workers:
            for begin in count(first, batch * jobs * _ROUND):
                numbers = range(begin, min(begin + batch * jobs * _ROUND, first + most), batch)
                for outcome in workers.results(numbers):
                    report.tried += batch
                    report.wrong += outcome.wrong
                    sizes.append(outcome.kilobytes)
                report.seconds = time.monotonic() - start
                if report.tried >= most or report.seconds >= seconds:
                    break
    half = len(sizes) // 2
    report.growth = max(sizes[half:], default=0) - max(sizes[:half], default=0)
    return report
