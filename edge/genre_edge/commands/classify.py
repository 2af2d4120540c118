"""genre-edge classify: files and folders in, the genre of every window and a verdict
out."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import complain, standard_output
from ..errors import GenreEdgeError, UsageError
from ..interrupt import end_if_interrupted
from ..progress import Progress, progress
from ..records import valid_utf8
from ..settings.load import load
from ..settings.tables import EngineConfig
from ..sinks import kinds
from ..sinks.background import Fanout
from ..sinks.results import Results, VerdictsOnly, open_results, plain_name
from .common import add_engine_options, engine_config, shown_labels
from .sink_options import add_output_options, check_output_flags, output_flags, report_sinks

if TYPE_CHECKING:
    from ..health import Health
    from ..model.batch import Item
    from ..model.bundle_info import BundleInfo
    from ..service.outputs import Outputs
    from ..settings.settings import Settings, Tables
    from ..sinks.sink import Sink

_EPILOG = """\
examples:
  genre-edge classify song.mp3
  genre-edge classify ~/Music --jobs 4 --format csv > genres.csv
  genre-edge classify *.flac --format json | jq -r 'select(.type=="file") | [.file,.genre] | @tsv'
  genre-edge classify ~/Music --output genres.jsonl --resume --verdicts-only
  curl -s https://example.org/song.mp3 | genre-edge classify -

exit status: 0 all classified, 1 a file failed, 2 wrong usage, 130 after Ctrl-C
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Print the genre of each 3-second window of audio files, and a verdict for each file."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="audio files (WAV, FLAC, OGG, MP3, ...), folders (searched through), "
        "- for standard input",
    )
    parser.add_argument(
        "--format", choices=("text", "json", "csv"), default="text", help="default: %(default)s"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="files classified at once (default: 1)"
    )
    parser.add_argument(
        "--windows-per-track",
        type=int,
        metavar="N",
        help="hear only N windows of each file, spread over it (default: all)",
    )
    parser.add_argument("--verdicts-only", action="store_true", help="leave out the windows")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write to FILE (.jsonl, .csv or .parquet) instead of standard output",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from what an earlier run left in --output"
    )
    add_output_options(parser)
    add_engine_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Classify; returns the exit status."""
    from ..health import Health

    _check(args)
    config = engine_config(args)
    items = _items(args.paths)
    health = Health()
    said = output_flags(args)
    settings, _ = load(kinds.sections(), environment={}, flags=said)
    check_output_flags(args, settings)
    results = _results(args, config)
    with nullcontext() if results is None else closing(results):  # after Ctrl-C too
        sink: Sink = results or _sink(args, config)
        if results is not None:
            items = _todo(items, results)
        if args.verdicts_only:
            sink = VerdictsOnly(sink)
        with _outputs(said, settings, health, config) as outputs:
            sinks = sink if outputs is None else Fanout([sink, outputs])
            status = classify_to(sinks, items, config, args.jobs, results, args.windows_per_track)
    return 1 if report_sinks(health) else status


@contextmanager
def _outputs(
    said: Tables, settings: Settings, health: Health, config: EngineConfig
) -> Iterator[Outputs | None]:
    """The places that records go to as well, if any. They are closed however the work
    ends: what they hold back is sent, after Ctrl-C for a short time."""
    if not any(said.values()):
        yield None
        return
    from ..service.outputs import Outputs

    outputs = Outputs(settings, health, _info(config), False, complain)
    try:
        yield outputs
    except BaseException:
        outputs.hurry()
        raise
    finally:
        outputs.close()


def _check(args: argparse.Namespace) -> None:
    if args.jobs < 1:
        raise UsageError(f"--jobs {args.jobs}: must be at least 1")
    if args.windows_per_track is not None and args.windows_per_track < 1:
        raise UsageError(f"--windows-per-track {args.windows_per_track}: must be at least 1")
    if args.resume and args.output is None:
        raise UsageError("--resume: needs --output FILE, the file to go on from")


def _items(paths: list[str]) -> list[Item]:
    """What to classify; what is skipped is reported."""
    from ..audio.folders import SkippedFiles, find_audio

    items: list[Item] = []
    for found in find_audio(paths):
        if isinstance(found, SkippedFiles):
            complain(found)
        else:
            items.append(found)
    return items


def _todo(items: list[Item], results: Results) -> list[Item]:
    """The items that have no verdict yet."""
    done = {plain_name(name) for name in results.done}
    return [
        item
        for item in items
        if not (isinstance(item, str) and {plain_name(item), valid_utf8(plain_name(item))} & done)
    ]


def classify_to(
    sink: Sink,
    items: list[Item],
    config: EngineConfig,
    jobs: int,
    results: Results | None = None,
    windows_per_track: int | None = None,
) -> int:
    """Send every record to the sink and every error to standard error.

    Parameters
    ----------
    sink
        Takes the records.
    items
        What to classify.
    config
        The model, and how it is used.
    jobs
        Processes that work at once.
    results
        The file of results that is one of the sinks; records of a file that fails are
        left out of it.
    windows_per_track
        How many windows of each file are heard; None means all.

    Returns
    -------
    int
        The exit status.
    """
    from ..model.batch import FileWarning, classify_items

    failed = False
    with (
        _progress(len(items), results is not None) as bar,
        closing(classify_items(items, config, jobs, windows_per_track)) as classified,
    ):
        for _, events in classified:
            for event in events:
                end_if_interrupted()
                if isinstance(event, GenreEdgeError | FileWarning):
                    if isinstance(event, GenreEdgeError):
                        failed = True
                        if results is not None:
                            results.forget()
                    if bar is not None:
                        bar.clear()
                    complain(event)
                else:
                    sink.write(event)
            if bar is not None:
                bar.update()
    return 1 if failed else 0


def _info(config: EngineConfig) -> BundleInfo:
    from ..model.bundle import find_model, read_bundle

    return read_bundle(find_model(config.model)).info


def _results(args: argparse.Namespace, config: EngineConfig) -> Results | None:
    if args.output is None:
        return None
    info = _info(config)
    return open_results(args.output, info.labels, info.name, args.resume)


def _sink(args: argparse.Namespace, config: EngineConfig) -> Sink:
    out = standard_output()
    if args.format == "text":
        from ..sinks.file_lines import TextSink

        return TextSink(out, shown_labels(config))
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding="utf-8")  # JSON is, whatever the locale
    if args.format == "json":
        from ..sinks.json_lines import JsonlSink

        return JsonlSink(out)
    from ..sinks.csv_table import CsvSink

    return CsvSink(out, _info(config).labels)


def _progress(files: int, to_file: bool) -> AbstractContextManager[Progress | None]:
    """How far it has come with several files, where a person sees nothing else."""
    results_are_seen = not to_file and sys.stdout is not None and sys.stdout.isatty()
    return nullcontext() if files < 2 or results_are_seen else progress(files)
