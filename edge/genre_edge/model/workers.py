"""Work on many items in several processes, any of which may die."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

from ..interrupt import interrupts_later
from ..python_child import without_current_directory

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 32
"""Results that may wait for an earlier one, for each process. More would fill the
memory behind one long item."""
_DEATH_SECONDS = 5.0


class Workers(Generic[Item, Result]):
    """Processes that each work on one item at a time.

    A process that dies costs the item that it was working on; another takes its place.
    No process outlives this program, however it ends.

    Parameters
    ----------
    work
        What is done with an item. It is called in another process, so it must be a
        function of a module, or a partial of one.
    lost
        The result for an item whose process died.
    count
        How many processes there are.
    """

    def __init__(
        self, work: Callable[[Item], Result], lost: Callable[[Item, str], Result], count: int
    ) -> None:
        self._work, self._lost = work, lost
        self._workers = [_Worker(work) for _ in range(count)]

    def results(self, items: Sequence[Item]) -> Iterator[Result]:
        """The result of each item, in order."""
        done: dict[int, Result] = {}
        started = 0
        for wanted in range(len(items)):
            while wanted not in done:
                for worker in self._workers:
                    if worker.item is None and started < min(
                        len(items), wanted + _AHEAD * len(self._workers)
                    ):
                        worker.start(started, items[started])
                        started += 1
                self._collect(items, done)
            yield done.pop(wanted)

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        for worker in self._workers:
            worker.kill()

    def _collect(self, items: Sequence[Item], done: dict[int, Result]) -> None:
        """Wait for a result, or for the death of a process."""
        busy = {worker.pipe: worker for worker in self._workers if worker.item is not None}
        for pipe in wait(list(busy)):
            worker = busy[pipe]  # type: ignore[index]
            number = worker.item
            assert number is not None
            try:
                done[number] = worker.pipe.recv()
                worker.item = None
            except (EOFError, OSError):
                done[number] = self._lost(items[number], worker.ending())
                self._workers[self._workers.index(worker)] = _Worker(self._work)


class _Worker:
    """One process, and the pipe to it."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.item: int | None = None
        """The number of the item that it works on."""
        self._process = context.Process(
            target=_serve, args=(theirs, work, os.getpid()), daemon=True
        )
        with without_current_directory():
            resource_tracker.ensure_running()  # its start would let SIGINT through again
        with without_current_directory(), interrupts_later():
            self._process.start()
        theirs.close()

    def start(self, number: int, item: object) -> None:
        """Hand it an item. If it is dead, reading its result says so."""
        self.item = number
        try:
            self.pipe.send(item)
        except OSError:
            return

    def ending(self) -> str:
        """How it ended: "signal 9" or "exit status 1"."""
        self._process.join(_DEATH_SECONDS)
        self.kill()
        code = self._process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _serve(pipe: Connection, work: Callable[[Item], Result], parent: int) -> None:
    """What a process does: items in, results out, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    die_with_parent()
    while os.getppid() == parent:
        try:
            item = pipe.recv()
        except EOFError:
            return
        pipe.send(work(item))


def die_with_parent() -> None:
    """Ask Linux to kill this process when the thread that started it ends (prctl(2));
    elsewhere it ends after its item."""
    import ctypes

    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        return
