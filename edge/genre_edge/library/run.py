"""Hearing a whole library on Dask's workers, whatever becomes of them."""

from __future__ import annotations

from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..errors import GenreEdgeError
from ..interrupt import end_if_interrupted
from .hear import Hearing, failed, hear_files
from .parts import Parts
from .row import Row
from .sources import Item

_TASK_FILES = 8
"""Files that a worker is given at a time: some seconds of work."""
_AHEAD = 3
"""Tasks that are handed out for each thread of a worker."""
_DIED = "each process that worked on it died: out of memory, or a damaged file"

Answer = TypeVar("Answer")


@dataclass
class _Part:
    """A part that is being made."""

    size: int
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class _Task:
    """Some files of one part, for one worker."""

    items: Sequence[Item]
    part: _Part
    is_suspect: bool = False
    """Whether a worker died of this file alone."""


class Run:
    """One run over the files of a library.

    Parameters
    ----------
    client
        Dask's client.
    hearing
        How files are heard.
    parts
        Where rows go.
    part_files
        Files of a part.
    """

    def __init__(self, client: Any, hearing: Hearing, parts: Parts, part_files: int) -> None:
        from distributed import as_completed

        self._client, self._hearing = client, hearing
        self._parts, self._part_files = parts, part_files
        self._waiting: deque[_Task] = deque()
        self._suspects: deque[_Task] = deque()
        self._running: dict[Any, _Task] = {}
        self._completed = as_completed(loop=client.loop)
        self._open: list[_Part] = []

    def rows(self, items: Sequence[Item]) -> Generator[Row]:
        """Hear the files; yields each row as it comes. Parts are written when they are
        complete, and what is there of the others when the run is interrupted.

        The files of a task whose worker died are heard again, one by one. A file of
        which another worker dies then is heard once more when nothing else is, so that
        it is not blamed for another's doing.

        Raises
        ------
        GenreEdgeError
            If the workers cannot do it, or a part cannot be written.
        """
        tasks = self._tasks(items)
        try:
            while True:
                self._hand_out(tasks)
                if not self._running:
                    return
                for future in self._completed.next_batch():
                    yield from self._take(future)
                    end_if_interrupted()
        finally:
            self._leave()

    def _tasks(self, items: Sequence[Item]) -> Iterator[_Task]:
        for first in range(0, len(items), self._part_files):
            those = items[first : first + self._part_files]
            part = _Part(len(those))
            self._open.append(part)
            for at in range(0, len(those), _TASK_FILES):
                yield _Task(those[at : at + _TASK_FILES], part)

    def _hand_out(self, tasks: Iterator[_Task]) -> None:
        """Give the workers enough to do."""
        enough = max(1, _AHEAD * sum(_asked(self._client.nthreads).values()))
        while len(self._running) < enough:
            task = self._waiting.popleft() if self._waiting else next(tasks, None)
            if task is None:
                break
            self._submit(task)
        if not self._running and self._suspects:
            self._submit(self._suspects.popleft())

    def _submit(self, task: _Task) -> None:
        future = self._client.submit(hear_files, self._hearing, task.items, pure=False)
        self._running[future] = task
        self._completed.add(future)

    def _take(self, future: Any) -> Sequence[Row]:
        """The rows of a task that has ended; none if it is to be done again."""
        from distributed.scheduler import KilledWorker

        task = self._running.pop(future)
        try:
            rows: list[Row] = _asked(future.result)
        except KilledWorker:
            if not task.is_suspect:
                self._again(task)
                return ()
            rows = [failed(self._hearing, task.items[0], _DIED)]
        task.part.rows += rows
        if len(task.part.rows) == task.part.size:
            self._open.remove(task.part)
            self._parts.write(task.part.rows)
        return rows

    def _again(self, task: _Task) -> None:
        """A worker died of a task."""
        if len(task.items) > 1:
            self._waiting += [_Task((item,), task.part) for item in task.items]
        else:
            self._suspects.append(_Task(task.items, task.part, is_suspect=True))

    def _leave(self) -> None:
        """Write what there is of open parts, and have the workers do no more."""
        for part in self._open:
            if part.rows:
                with suppress(GenreEdgeError):  # one of them is why we leave
                    self._parts.write(part.rows)
        if self._running:
            self._client.cancel(list(self._running), force=True)


def _asked(ask: Callable[[], Answer]) -> Answer:
    """What Dask answers. GenreEdgeError if it cannot."""
    from distributed.scheduler import KilledWorker

    try:
        return ask()
    except (KilledWorker, GenreEdgeError):
        raise
    except (Exception, CancelledError) as error:
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise GenreEdgeError(f"the workers failed ({said}); the same command goes on") from None
