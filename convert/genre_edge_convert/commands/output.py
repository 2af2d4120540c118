"""What the commands that make another file of a bundle have in common."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from genre_edge.demo import clip_path
from genre_edge.errors import Fault, UsageError
from genre_edge.files import ready_file
from genre_edge.model.bundle import Bundle, find_model, read_bundle

from ..export.recordings import Comparison

Export = Callable[[Path, Bundle, Sequence[str]], Comparison]


_EPILOG = """\
examples:
  {command} gtzan-edge.{kind}
  {command} mine.int8.tflite --check-with ~/my-music -o {output}

{asked} and the bundle are asked about every window of the recordings. Nothing is written
unless they name the same genre on 99 % of the windows, with nearly the same scores.
"""


def export_parser(
    command: str, description: str, suffix: str, asked: str, kind: str, output: str
) -> argparse.ArgumentParser:
    """A command line with BUNDLE, --output and --check-with.

    Parameters
    ----------
    command
        The command.
    description
        What it makes.
    suffix
        How the name of the file ends, if the user names none.
    asked
        What is compared with the bundle.
    kind, output
        The bundle and the file of the examples.
    """
    parser = argparse.ArgumentParser(
        prog=command,
        description=description,
        epilog=_EPILOG.format(command=command, kind=kind, output=output, asked=asked),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="a bundle, or the name of a shipped one")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help=f"the file to write (default: the bundle's name with {suffix}, in this folder)",
    )
    parser.add_argument(
        "--check-with",
        nargs="+",
        metavar="AUDIO",
        help="audio files or folders to check with (default: the demo clip)",
    )
    return parser


def run_export(args: argparse.Namespace, suffix: str, load: Callable[[], Export]) -> int:
    """Make the file that the options describe; returns the exit status.

    Parameters
    ----------
    args
        Of `export_parser`.
    suffix
        How the file's name ends; what follows its last dot is asked for.
    load
        Imports what makes it, once the options are known to be right.
    """
    bundle = read_bundle(find_model(args.bundle))
    output: Path = args.output or Path(bundle.info.name + suffix)
    ending = f".{suffix.rpartition('.')[2]}"
    if output.suffix != ending or not output.parent.is_dir():
        reason = f"must be a {ending} file in a folder that exists"
        raise UsageError(Fault("output", output, reason))
    if output.exists() and output.samefile(bundle.path):
        raise UsageError(Fault("output", output, "is the bundle itself: choose another name"))
    ready_file(output, "output")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    found = load()(output, bundle, args.check_with or [str(clip_path())])
    print(f"{bundle.info.name}: {found.line(output).strip()}")
    print(f"written: {output}")
    return 0
