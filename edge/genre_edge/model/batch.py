"""Many files, one after the other or on several processes. A file that cannot be read
never stops the others."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial

from ..audio.file_source import FileSource
from ..audio.open_audio import is_stream, open_audio
from ..errors import AudioError, GenreEdgeError
from ..interrupt import end_if_interrupted
from ..records import FileOutput
from ..settings.tables import EngineConfig
from .engine import Engine
from .workers import Workers

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
    items: Iterable[Item], config: EngineConfig, jobs: int, windows_per_track: int | None = None
) -> Generator[tuple[str, Iterator[FileEvent]], None, None]:
    """Classify files.

    Parameters
    ----------
    items
        What `find_audio` gives: paths, "-" for standard input, and errors.
    config
        The model, and how it is used.
    jobs
        Processes that work at once. With 1, records come as they are computed, whatever
        the file's length; with more, those of a file come together when it is done. A
        process that dies costs the file that it was working on.
    windows_per_track
        How many windows of each file are heard, spread over it; None means all.

    Yields
    ------
    tuple of str and iterator
        Each item's name and what comes of it, in the order of `items`. An error ends
        its item, and is the last that comes of it.

    Raises
    ------
    GenreEdgeError
        If the model cannot be used.
    """
    engine = Engine(config)  # an unusable model fails here, once
    end_if_interrupted()
    if jobs == 1 or is_stream(config.model):  # others could not read the model's pipe
        for item in items:
            yield _name(item), events_of(engine, windows_per_track, item)
        return
    todo = list(items)
    # Streams stay here: other processes have neither standard input nor our pipes.
    theirs = [item for item in todo if isinstance(item, str) and not is_stream(item)]
    workers = Workers(partial(_work, config, windows_per_track), _lost, min(jobs, len(theirs)))
    with closing(workers):
        results = workers.results(theirs)
        for item in todo:
            if isinstance(item, str) and not is_stream(item):
                yield item, iter(next(results))
            else:
                yield _name(item), events_of(engine, windows_per_track, item)


def _name(item: Item) -> str:
    return item.name if isinstance(item, AudioError) else item


def events_of(engine: Engine, windows: int | None, item: Item) -> Iterator[FileEvent]:
    """What comes of one item: `windows` windows of it are heard, or all if that is
    None. An error is the last that comes."""
    if isinstance(item, AudioError):
        yield item
        return
    try:
        with closing(open_audio(item)) as source:
            if windows is not None and isinstance(source, FileSource):
                yield from engine.classify_spread(source, windows)
            else:
                yield from engine.classify(source)
            for reason in source.warnings:
                yield FileWarning(item, reason)
    except GenreEdgeError as error:
        yield error


def _work(config: EngineConfig, windows: int | None, item: str) -> list[FileEvent]:
    """One file in a worker process."""
    return list(events_of(_loaded(config), windows, item))


def _lost(item: str, how: str) -> list[FileEvent]:
    """What comes of a file whose worker process died."""
    reason = f"the process that worked on it died ({how}): out of memory, or a damaged file"
    return [AudioError(item, reason)]


@lru_cache(maxsize=1)
def _loaded(config: EngineConfig) -> Engine:
    """The engine, loaded once in each worker process."""
    return Engine(config)
