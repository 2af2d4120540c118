"""Many files, one after the other or on several processes. A file that cannot be read
never stops the others."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context

from ..audio.files import FileSource
from ..audio.wav_stream import WavStreamSource
from ..errors import AudioError, Fault, GenreEdgeError
from ..records import FileOutput
from ..settings.tables import EngineConfig
from .engine import Engine

Item = str | AudioError
"""A path (or "-"), or the error that finding it gave."""


@dataclass(frozen=True)
class FileWarning:
    """What is odd about a file that was heard all the same."""

    name: str
    """The file."""
    reason: str
    """What is odd, and how much was heard."""

    def __str__(self) -> str:
        return f"{self.name}: warning: {self.reason}"


FileEvent = FileOutput | FileWarning | GenreEdgeError
"""What comes of a file."""


def classify_items(
    items: Iterable[Item], config: EngineConfig, jobs: int
) -> Iterator[tuple[str, Iterator[FileEvent]]]:
    """Classify files.

    Parameters
    ----------
    items
        What `find_audio` gives: paths, "-" for a WAV on standard input, and errors.
    config
        The model, and how it is used.
    jobs
        Processes that work at once. With 1, records come as they are computed, whatever
        the file's length; with more, those of a file come together when it is done.

    Yields
    ------
    tuple of str and iterator
        Each item's name and its records, in the order of `items`. An error ends the
        records of its item, and is the last of them.

    Raises
    ------
    GenreEdgeError
        If the model cannot be used, or a worker process died.
    """
    engine = Engine(config)  # an unusable model fails here, once
    if jobs == 1:
        for item in items:
            yield _name(item), _records(engine, item)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        todo = list(items)
        try:
            for item, records in zip(todo, pool.map(partial(_work, config), todo), strict=True):
                # Standard input belongs to this process, not to a worker.
                yield _name(item), _records(engine, item) if item == "-" else iter(records)
        except BrokenProcessPool:
            reason = (
                "a worker process died (out of memory, or a file that crashes its decoder); "
                "use 1 to see which file it is"
            )
            raise GenreEdgeError(Fault("jobs", jobs, reason)) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _name(item: Item) -> str:
    return item.name if isinstance(item, AudioError) else item


def _open(item: str) -> FileSource | WavStreamSource:
    return WavStreamSource(sys.stdin.buffer) if item == "-" else FileSource(item)


def _records(engine: Engine, item: Item) -> Iterator[FileEvent]:
    if isinstance(item, AudioError):
        yield item
        return
    try:
        source = _open(item)
        try:
            yield from engine.classify(source)
            for reason in source.warnings:
                yield FileWarning(item, reason)
        finally:
            source.close()
    except GenreEdgeError as error:
        yield error


def _work(config: EngineConfig, item: Item) -> list[FileEvent]:
    """One file in a worker process."""
    return [] if item == "-" else list(_records(_loaded(config), item))


@lru_cache(maxsize=1)
def _loaded(config: EngineConfig) -> Engine:
    """The engine, loaded once in each worker process."""
    return Engine(config)
