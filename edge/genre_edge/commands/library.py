"""genre-edge library: the genres of many files, on all cores or on a cluster."""

from __future__ import annotations

import argparse
import os
from contextlib import AbstractContextManager, closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import complain
from ..errors import AudioError, UsageError
from ..extras import install_line
from ..interrupt import ends_as_interrupts
from ..progress import progress
from ..settings.credentials import without_credentials
from .common import add_engine_options, engine_config

if TYPE_CHECKING:
    from ..library.hear import Hearing
    from ..library.parts import About, Parts
    from ..library.sources import Item
    from ..settings.tables import EngineConfig

WINDOWS_PER_TRACK = 10
"""Windows of each file that are heard by default (docs/library.md says how often the
verdict is that of the whole file)."""
PART_FILES = 250
"""Files of a part by default."""

_EPILOG = """\
examples:
  genre-edge library ~/Music --output genres
  genre-edge library 's3://records/**/*.flac' --output genres --workers 8
  genre-edge library songs.txt --output genres --scheduler tcp://192.168.1.10:8786

A second run hears what is new or has changed.

exit status: 0 all heard, 1 a file failed, 2 wrong usage, 130 after Ctrl-C or kill
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Write the genre of many files to a folder of Parquet files, a row a file, on all cores "
        "of this machine or on a Dask cluster."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="folders, files, patterns, lists (.txt, .csv), URLs that fsspec knows (s3://, "
        "https://, sftp://)",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder of the results"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=int, metavar="N", help="worker processes (default: one a core)"
    )
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="use the workers of a Dask scheduler (tcp://...)"
    )
    parser.add_argument(
        "--windows-per-track",
        type=_windows,
        default=WINDOWS_PER_TRACK,
        metavar="N",
        help="windows of each file that are heard, spread over it, or all (default: %(default)s)",
    )
    parser.add_argument(
        "--format", choices=("parquet", "jsonl"), default="parquet", help="default: %(default)s"
    )
    parser.add_argument(
        "--embeddings", action="store_true", help="keep what the network makes of each file"
    )
    parser.add_argument(
        "--retry", action="store_true", help="hear files again that could not be heard before"
    )
    parser.add_argument(
        "--part-files",
        type=int,
        default=PART_FILES,
        metavar="N",
        help="files of one part of the results (default: %(default)s)",
    )
    add_engine_options(parser)
    parser.set_defaults(run=run)


def _windows(text: str) -> int | None:
    return None if text == "all" else int(text)


_windows.__name__ = "number or 'all'"  # argparse: "invalid number or 'all' value"


def run(args: argparse.Namespace) -> int:
    """Hear a library; returns the exit status."""
    if find_spec("distributed") is None:  # before a part of the same extra is missed
        raise UsageError(f"needs Dask: {install_line('library')}")
    from ..library.parts import Parts

    _check(args)
    config = engine_config(args)
    hearing, about = _how(args, config)
    items, is_odd = _items(args.sources)
    with closing(Parts(args.output, about)) as parts:
        todo = parts.todo(items, args.retry)
        with ends_as_interrupts():
            failed = _hear(args, hearing, parts, todo) if todo else 0
    done = len(items) - len(todo)
    print(f"{args.output}: {len(todo) - failed} heard, {failed} failed, {done} done before")
    return 1 if failed or is_odd else 0


def _check(args: argparse.Namespace) -> None:
    for name in ("workers", "windows_per_track", "part_files"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} {value}: must be at least 1")


def _how(args: argparse.Namespace, config: EngineConfig) -> tuple[Hearing, About]:
    """How files are heard, and what is noted of it. An unusable model fails here."""
    from ..library.hear import Hearing
    from ..library.parts import About
    from ..library.row import Embedding
    from ..model.engine import Engine

    bundle = Engine(config).bundle
    embedding = None
    if args.embeddings:
        from ..teach.trunk import trunk_of

        trunk = trunk_of(bundle)
        embedding = Embedding(trunk.size, trunk.dtype, trunk.scale, trunk.zero_point)
    windows = args.windows_per_track
    hearing = Hearing(config, bundle.sha256, windows, args.embeddings)
    return hearing, About(
        bundle.info.name,
        bundle.sha256,
        bundle.info.labels,
        windows,
        config.hop_seconds,
        embedding,
        args.format,
    )


def _items(sources: list[str]) -> tuple[list[Item], bool]:
    """The files, and whether something of the sources is amiss, which is reported."""
    from ..library.sources import Item, find_items

    items, is_odd = list[Item](), False
    for found in find_items(sources):
        if isinstance(found, Item):
            items.append(found)
        else:
            is_odd |= isinstance(found, AudioError)
            complain(found)
    return items, is_odd


def _hear(args: argparse.Namespace, hearing: Hearing, parts: Parts, todo: list[Item]) -> int:
    """Hear files; returns how many failed."""
    from ..library.cluster import has_dashboard
    from ..library.run import Run

    failed = 0
    with _workers(args) as client, progress(len(todo)) as bar:
        if has_dashboard() and client.dashboard_link:
            complain(f"Dask's dashboard: {client.dashboard_link}")
        if args.scheduler and not client.nthreads():
            complain(f"waiting for workers of {args.scheduler} (dask worker {args.scheduler})")
        with closing(Run(client, hearing, parts, args.part_files).rows(todo)) as rows:
            for row in rows:
                if row.error is not None or row.warning is not None:
                    failed += row.error is not None
                    bar.clear()
                    what = row.error or f"warning: {row.warning}"
                    complain(f"{without_credentials(row.path)}: {what}")
                bar.update()
    return failed


def _workers(args: argparse.Namespace) -> AbstractContextManager[Any]:
    from ..library.cluster import own_workers, their_workers

    if args.scheduler:
        return their_workers(args.scheduler)
    return own_workers(args.workers or len(os.sched_getaffinity(0)))
