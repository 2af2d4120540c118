"""genre-edge classify: files and folders in, the genre of every window and a verdict
out."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ..console import complain
from ..errors import GenreEdgeError, UsageError
from ..settings.load import load
from ..settings.tables import EngineConfig
from ..sinks import kinds
from .common import add_engine_options, engine_config
from .sink_options import add_output_options, check_output_flags, output_flags, report_sinks

if TYPE_CHECKING:
    from ..model.batch import Item
    from ..sinks.sink import Sink

_EPILOG = """\
examples:
  genre-edge classify song.mp3
  genre-edge classify ~/Music --jobs 4 --format csv > genres.csv
  genre-edge classify *.flac --format json | jq -r 'select(.type=="file") | [.file,.genre] | @tsv'
  ffmpeg -v error -i talk.m4a -f wav - | genre-edge classify -

exit status: 0 all classified, 1 a file failed, 2 wrong usage
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
        "- for a WAV on standard input",
    )
    parser.add_argument(
        "--format", choices=("text", "json", "csv"), default="text", help="default: %(default)s"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="files classified at once (default: 1)"
    )
    add_output_options(parser)
    add_engine_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Classify; returns the exit status."""
    from ..audio.folders import SkippedFiles, find_audio
    from ..health import Health

    if args.jobs < 1:
        raise UsageError(f"--jobs {args.jobs}: must be at least 1")
    config = engine_config(args)
    items: list[Item] = []
    for found in find_audio(args.paths):
        if isinstance(found, SkippedFiles):
            complain(found)
        else:
            items.append(found)
    health = Health()
    said = output_flags(args)
    settings, _ = load(kinds.sections(), environment={}, flags=said)
    check_output_flags(args, settings)
    sink = _sink(args.format, config)
    if any(said.values()):
        from ..model.bundle import find_model, read_bundle
        from ..service.outputs import Outputs
        from ..sinks.background import Fanout

        info = read_bundle(find_model(config.model)).info
        sink = Fanout([sink, Outputs(settings, health, info, False, complain)])
    status = classify_to(sink, items, config, min(args.jobs, max(1, len(items))))
    return 1 if report_sinks(health) else status


def classify_to(sink: Sink, items: list[Item], config: EngineConfig, jobs: int) -> int:
    """Send every record to the sink and every error to standard error; returns the exit
    status."""
    from ..model.batch import FileWarning, classify_items

    failed = False
    with _progress(len(items)) as bar:
        for _, records in classify_items(items, config, jobs):
            for record in records:
                if isinstance(record, GenreEdgeError | FileWarning):
                    failed = failed or isinstance(record, GenreEdgeError)
                    if bar is not None:
                        bar.clear()
                    complain(record)
                else:
                    sink.write(record)
            if bar is not None:
                bar.update()
    sink.close()
    return 1 if failed else 0


def _sink(name: str, config: EngineConfig) -> Sink:
    if name == "json":
        from ..sinks.json_lines import JsonlSink

        return JsonlSink(sys.stdout)
    if name == "csv":
        from ..model.bundle import find_model, read_bundle
        from ..sinks.csv_table import CsvSink

        return CsvSink(sys.stdout, read_bundle(find_model(config.model)).info.labels)
    from ..sinks.file_lines import TextSink

    return TextSink(sys.stdout)


def _progress(files: int) -> Any:
    """A progress bar on standard error for several files, where a person sees nothing
    else."""
    if files < 2 or not sys.stderr.isatty() or sys.stdout.isatty():
        return nullcontext()
    from tqdm import tqdm

    return tqdm(total=files, unit="file", file=sys.stderr)
