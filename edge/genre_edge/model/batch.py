"""Many files, one after the other or on several processes; one bad file never stops the
rest."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from ..audio.files import FileSource
from ..audio.source import Source
from ..audio.wavstream import WavStreamSource
from ..errors import AudioError, Fault, GenreEdgeError
from ..records import FileOutput
from ..settings.tables import EngineConfig
from .engine import Engine

Item = str | AudioError
"""A path (or "-"), or the error that finding it gave."""


def classify_items(
    items: Iterable[Item], config: EngineConfig, jobs: int
) -> Iterator[tuple[str, Iterator[FileOutput | GenreEdgeError]]]:
    """Each item's name with its records, in order; an error ends an item's records and
    is the last of them.

    With one job, records come as they are computed, whatever the file's length. With
    more, a file's come together when it is done.
    """
    engine = Engine(config)  # fails here, once, if the model cannot be used
    if jobs == 1:
        for item in items:
            yield _name(item), _records(engine, item)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (config,)) as pool:
        todo = list(items)
        try:
            for item, records in zip(todo, pool.map(_work, todo), strict=True):
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


def _open(item: str) -> Source:
    return WavStreamSource(sys.stdin.buffer) if item == "-" else FileSource(item)


def _records(engine: Engine, item: Item) -> Iterator[FileOutput | GenreEdgeError]:
    if isinstance(item, AudioError):
        yield item
        return
    try:
        source = _open(item)
        try:
            yield from engine.classify(source)
        finally:
            source.close()
    except GenreEdgeError as error:
        yield error


_engine: Engine | None = None


def _start_worker(config: EngineConfig) -> None:
    global _engine  # one per worker process: a pool's initialiser has no other way to hand it over
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _engine = Engine(config)


def _work(item: Item) -> list[FileOutput | GenreEdgeError]:
    if item == "-":
        return []
    assert _engine is not None
    return list(_records(_engine, item))
